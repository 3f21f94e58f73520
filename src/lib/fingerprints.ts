import { hash } from 'node:crypto';

/** What was asked, in 22 characters: equal requests have equal fingerprints, whatever the order of their fields. */
export function fingerprintOf(verb: string, ...parts: unknown[]): string {
  return hash('sha256', `${verb} ${JSON.stringify(parts, canonically)}`, 'base64url').slice(
    0,
    FINGERPRINT_LENGTH,
  );
}

// 132 bits: more than enough to tell the few requests apart that ever share a key.
const FINGERPRINT_LENGTH = 22;

function canonically(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
