import type Stripe from 'stripe';
import { fromStripeAmount } from '../../lib/currencies.ts';
import type { ReversalStatus } from '../../payments/reversals.ts';
import { Contradiction } from '../change.ts';
import { ask, isMissing } from '../client.ts';
import { idOf } from '../references.ts';
import { disputeStatus, readReversals, refundStatus } from '../reversals.ts';
import { type Drift, difference, type Pass, type Run, secondsOf } from './drift.ts';
import { pagesOf } from './pages.ts';
import { findPayments, findReversals, type ReversalHere, unseenReversals } from './store.ts';

type Reversed = Stripe.Refund | Stripe.Dispute;

/** Refunds, and disputes, of payments of ours. */
export const refunds: Pass<Reversed> = {
  pages: (run) => listed(run, (page) => run.services.stripe.refunds.list(page)),
  compare,
  again: ({ services }, { id }) => ask(() => services.stripe.refunds.retrieve(id)),
};

export const disputes: Pass<Reversed> = {
  pages: (run) => listed(run, (page) => run.services.stripe.disputes.list(page)),
  compare,
  again: ({ services }, { id }) => ask(() => services.stripe.disputes.retrieve(id)),
};

type Asked = { limit: number; starting_after?: string; created: { gte: number } };

async function* listed<T extends Reversed>(
  { since, seen }: Run,
  list: (asked: Asked) => Promise<Stripe.ApiList<T>>,
): AsyncGenerator<T[]> {
  const created = { gte: secondsOf(since) };
  for await (const page of pagesOf((at) => list({ ...at, created }))) {
    await seen.add(page.map(({ id }) => id));
    yield page;
  }
}

async function compare({ services }: Run, page: Reversed[]) {
  const intents = page.flatMap(({ payment_intent: intent }) => idOf(intent) ?? []);
  const payments = await findPayments(services.pool, intents);
  const ours = new Set(payments.filter(({ status }) => status === 'SUCCEEDED').map((one) => one.paymentId));
  const here = await findReversals(
    services.pool,
    page.map(({ id }) => id),
  );
  return page.flatMap((object) => {
    const intent = idOf(object.payment_intent);
    if (intent === null || !ours.has(intent)) return [];
    const drift = driftOf(object, intent, here.get(object.id));
    return drift === null ? [] : [{ object, drift }];
  });
}

function driftOf(
  object: Reversed,
  intent: string,
  here: { status: ReversalStatus; amount: bigint } | undefined,
): Drift | null {
  const about = `${object.object} ${object.id} of ${intent}`;
  const mend = { read: readReversals, id: intent };
  try {
    const status = object.object === 'refund' ? refundStatus(object.status) : disputeStatus(object.status);
    if (here === undefined) return { about, words: `is ${status} at Stripe, and not here`, mend };
    const words = difference({ status, amount: fromStripeAmount(object.currency, object.amount) }, here);
    return words === null ? null : { about, words, mend };
  } catch (error) {
    if (!(error instanceof Contradiction)) throw error;
    return { about, words: error.message, mend: null };
  }
}

/** Refunds and disputes that are here and were not met, and those of long ago that may have come to an end. */
export const otherReversals: Pass<ReversalHere> = {
  pages: ({ seen, since, begunAt }: Run) => unseenReversals(seen, since, begunAt),

  async compare(run, page) {
    const found = [];
    for (const object of page) {
      const there = await retrieve(run, object.id);
      const about = `${object.id} of ${object.paymentId}`;
      const unknown = { about, words: `is ${object.status} here, and Stripe does not know it`, mend: null };
      if (there === null) found.push({ object, drift: unknown });
      else found.push(...(await compare(run, [there])).map(({ drift }) => ({ object, drift })));
    }
    return found;
  },

  again: async (_run, object) => object,
};

async function retrieve({ services: { stripe } }: Run, id: string): Promise<Reversed | null> {
  try {
    return await ask<Reversed>(() =>
      id.startsWith('re_') || id.startsWith('pyr_')
        ? stripe.refunds.retrieve(id)
        : stripe.disputes.retrieve(id),
    );
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
