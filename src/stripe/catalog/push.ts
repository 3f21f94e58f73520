import type Stripe from 'stripe';
import type { Catalog } from '../../catalog/types.ts';
import { Refusal } from '../../lib/errors.ts';
import { isMissing, KEPT_FAILURE, statusOf } from '../client.ts';
import { applyCall } from './apply.ts';
import { difference } from './difference.ts';
import { readFound } from './found.ts';
import type { Change } from './types.ts';
import { wantedOf } from './wanted.ts';
import { lineOf } from './words.ts';

/**
 * Two are usual: one that changes, one that finds nothing more to do. A default price needs one more, and so does each
 * time that the same was done and undone at Stripe on one day.
 */
const ROUNDS_MAX = 10;

export type PushOptions = {
  /** Only says what would be done. */
  dryRun?: boolean;
  /** Told line by line what differs, before it is changed. */
  say(line: string): void;
};

/**
 * Makes Stripe sell what the catalog sells. It is read again after the changes, until nothing differs: what is said to
 * be done is there. Cut off half-way, the next push does the rest.
 */
export async function pushCatalog(
  stripe: Stripe,
  catalog: Catalog,
  { dryRun = false, say }: PushOptions,
): Promise<void> {
  let calls = 0;
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const changes = await compare(stripe, catalog);
    if (changes.length === 0) {
      say(calls === 0 ? 'Nothing differs.' : `Done: ${calls} ${calls === 1 ? 'change' : 'changes'}.`);
      return;
    }
    for (const change of changes) say(lineOf(change));
    if (dryRun) return say('Nothing was changed.');
    calls += await applyAll(stripe, changes, round);
  }
  throw new Refusal(
    'provider_error',
    'Stripe still differs from the catalog: it keeps answering that the changes are made. Push again tomorrow.',
  );
}

/**
 * How many calls were made. Where an object is missing that was just read or made, or Stripe failed with an answer that it
 * keeps for the key, the rest waits for another look, in a round with other keys.
 */
async function applyAll(stripe: Stripe, changes: Change[], round: number): Promise<number> {
  let calls = 0;
  for (const { call } of changes) {
    try {
      await applyCall(stripe, call, round);
    } catch (error) {
      if (isMissing(error) || statusOf(error) === KEPT_FAILURE) break;
      throw error;
    }
    calls++;
  }
  return calls;
}

/** What Stripe has that the catalog does not say, one line each; none where nothing differs. Changes nothing. */
export async function findDrift(stripe: Stripe, catalog: Catalog): Promise<string[]> {
  const changes = await compare(stripe, catalog);
  return changes.flatMap(({ name, drift }) => (drift === null ? [] : [`${name} ${drift}`]));
}

async function compare(stripe: Stripe, catalog: Catalog): Promise<Change[]> {
  const wanted = wantedOf(catalog);
  return difference(wanted, await readFound(stripe, wanted));
}
