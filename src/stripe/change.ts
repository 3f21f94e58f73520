import { isContention } from '../engine/failures.ts';
import { type Queryable, transaction } from '../engine/store.ts';
import type { StripeServices } from './services.ts';

/** Reads an object of Stripe's again, and says what follows from its present state. */
export type Reading = (services: StripeServices, objectId: string) => Promise<Change>;

/** Brings our rows to the state that was read, in a transaction of the caller's. As often as you like. */
export type Change = (tx: Queryable) => Promise<Verdict>;

/** What came of it. `error` says why nothing was done; of FAILED, what could not be done, so that somebody has to look. */
export type Verdict = { status: 'APPLIED' } | { status: 'IGNORED' | 'FAILED'; error: string };

/** The change that makes none. */
export function ignored(why: string): Change {
  return async () => ({ status: 'IGNORED', error: why });
}

/** What Stripe says cannot be right. Trying again does not help: an operator has to look. */
export class Contradiction extends Error {
  override name = 'Contradiction';
}

const CONTENTIONS_MAX = 5; // each time somebody else has got further

/** Postgres' code where two made the first row of the same thing: whoever was later finds it there now. */
const UNIQUE_VIOLATION = '23505';

/** Makes a change in a transaction of its own; again where somebody else was there at the same moment. */
export async function commit({ pool }: Pick<StripeServices, 'pool'>, change: Change): Promise<Verdict> {
  for (let met = 0; ; met++) {
    try {
      return await transaction(pool, (tx: Queryable) => change(tx));
    } catch (error) {
      const isMeeting = isContention(error) || (error as { code?: unknown }).code === UNIQUE_VIOLATION;
      if (!isMeeting || met === CONTENTIONS_MAX) throw error;
    }
  }
}
