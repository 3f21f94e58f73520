import { createHash } from 'node:crypto';

/** Names a content by its hash: equal contents have equal versions, however they were written down. */
export function versionOf(content: unknown): string {
  return `cat_${createHash('sha256').update(canonical(content)).digest('hex').slice(0, 12)}`;
}

/** One text for each content: keys sorted, amounts with their type. */
function canonical(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Set) return `[${[...value].map(canonical).sort().join()}]`;
  if (value instanceof Map) return object([...value]);
  if (typeof value === 'object' && value !== null) return object(Object.entries(value));
  return JSON.stringify(value);
}

function object(entries: [string, unknown][]): string {
  return `{${entries
    .map(([key, value]) => `${JSON.stringify(key)}:${canonical(value)}`)
    .sort()
    .join()}}`;
}
