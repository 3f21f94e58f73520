import { setTimeout as sleep } from 'node:timers/promises';
import type Stripe from 'stripe';
import { Refusal } from '../../lib/errors.ts';
import { ask, PAGE } from '../client.ts';

/** What every list of Stripe's takes. */
export type PageAsked = { limit: number; starting_after?: string };

/** A list of Stripe's, page by page: no more than one of them is held. */
export async function* pagesOf<T extends { id?: string }>(
  list: (page: PageAsked) => Promise<Stripe.ApiList<T>>,
): AsyncGenerator<T[]> {
  for (let after: string | undefined; ; ) {
    const asked = { limit: PAGE, ...(after === undefined ? {} : { starting_after: after }) };
    const { data, has_more: hasMore } = await patiently(() => ask(() => list(asked)));
    if (data.length > 0) yield data;
    const last = data.at(-1)?.id;
    if (!hasMore || last === undefined) return;
    after = last;
  }
}

/** After `ask` has given up; a run is long, and nobody waits for it. */
const PAUSES_MS = [500, 1_000, 2_000, 4_000, 8_000];

/** Asks Stripe again for as long as a bad minute may last. */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let tried = 0; ; tried++) {
    try {
      return await call();
    } catch (error) {
      const isPassing = error instanceof Refusal && error.code === 'provider_unavailable';
      if (!isPassing || tried === PAUSES_MS.length) throw error;
      await sleep(PAUSES_MS[tried]! * (0.5 + Math.random()));
    }
  }
}

/** Calls at once: Stripe takes 25 a second in test mode, and customers are served meanwhile. */
const AT_ONCE = 4;

/** Does the same for each, a few at a time. */
export async function forEach<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const waiting = all.values();
  const worker = async () => {
    for (const one of waiting) await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
