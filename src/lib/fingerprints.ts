import { hash } from 'node:crypto';

/** What was asked, in 22 characters: equal requests have equal fingerprints, whatever the order of their fields. */
export function fingerprintOf(verb: string, ...parts: unknown[]): string {
  return hash('sha256', `${verb} ${canonical(parts)}`, 'base64url').slice(0, FINGERPRINT_LENGTH);
}

// 132 bits: more than enough to tell the few requests apart that ever share a key.
const FINGERPRINT_LENGTH = 22;

/** A value as text: fields in the order of their names, absent ones left out. */
function canonical(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'absent';
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join()}}`;
}
