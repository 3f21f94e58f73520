import { invalid } from './errors.ts';
import { describe, type Field } from './params.ts';

export type Metadata = Record<string, string>;

// Stripe's limits: https://docs.stripe.com/api/metadata
const KEYS_MAX = 50;
const KEY_LENGTH_MAX = 40;
const VALUE_LENGTH_MAX = 500;

/** Reads `metadata[key]=value`. Null is an empty `metadata`, which clears all; an empty value clears its key. */
export function metadata(): Field<Metadata | null | undefined> {
  return (value, param) => {
    if (value === undefined) return undefined;
    if (value === '') return null;
    if (typeof value === 'string') throw invalid('Invalid object', { param });
    const entries = [...value].map(([key, inner]): [string, string] => {
      const name = `${param}[${key}]`;
      if (typeof inner !== 'string') throw invalid(`Invalid string: ${describe(inner)}`, { param: name });
      if (key.length > KEY_LENGTH_MAX) {
        throw invalid(`Metadata keys can be at most ${KEY_LENGTH_MAX} characters: ${key.slice(0, 20)}…`, {
          param,
        });
      }
      if (inner.length > VALUE_LENGTH_MAX) {
        throw invalid(
          `Metadata values can have up to ${VALUE_LENGTH_MAX} characters, but you passed in a value that is ${inner.length} characters.`,
          { param: name },
        );
      }
      return [key, inner];
    });
    return Object.fromEntries(entries);
  };
}

/** What was there, changed by what was sent. */
export function changeMetadata(before: Metadata, sent: Metadata | null | undefined): Metadata {
  if (sent === null) return {};
  const after = Object.fromEntries(
    Object.entries({ ...before, ...sent }).filter(([, value]) => value !== ''),
  );
  if (Object.keys(after).length > KEYS_MAX) {
    throw invalid(`Metadata can have up to ${KEYS_MAX} keys.`, { param: 'metadata' });
  }
  return after;
}
