import { isDeepStrictEqual } from 'node:util';
import type { Reading } from '../change.ts';
import type { StripeServices } from '../services.ts';
import type { Seen } from './store.ts';

/** What a run works with. `since`: objects that were made before are compared only where they still change. */
export type Run = { services: StripeServices; since: Date; begunAt: Date; seen: Seen };

/** Something that stands differently at Stripe and here. */
export type Drift = {
  /** What it is, such as `payment pi_…`. */
  about: string;
  /** How it stands there and here. */
  words: string;
  /** What is read again to mend it, as its webhook would have it read; null: nobody but an operator can. */
  mend: { read: Reading; id: string } | null;
};

/** A kind of object that is compared. */
export type Pass<T> = {
  /** All that is to be compared, page by page. */
  pages(run: Run): AsyncIterable<T[]>;
  /** What differs, by the object. Changes nothing. */
  compare(run: Run, page: T[]): Promise<{ object: T; drift: Drift }[]>;
  /** The object as it is now; null where it is not there any more, or is none of ours. */
  again(run: Run, object: T): Promise<T | null>;
};

/** In which of these fields two differ, in words; null in none. */
export function difference<T extends object>(there: T, here: { [K in keyof T]: unknown }): string | null {
  const differing = (Object.keys(there) as (keyof T & string)[]).filter(
    (name) => !isDeepStrictEqual(there[name], here[name]),
  );
  if (differing.length === 0) return null;
  return differing
    .map((name) => `${name} is ${wordOf(there[name])} at Stripe and ${wordOf(here[name])} here`)
    .join(', ');
}

function wordOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

/** Seconds, as Stripe's filters take them. */
export function secondsOf(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}
