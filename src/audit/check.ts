import type { RawBuilder } from 'kysely';

/** An invariant over all rows. Its name says what holds. */
export type Check = {
  name: string;
  /** How many rows it is about: a statement that returns one number. */
  checked: RawBuilder<unknown>;
  /** The rows that break it, each with its ids and the numbers that disagree. */
  broken: RawBuilder<unknown>;
};
