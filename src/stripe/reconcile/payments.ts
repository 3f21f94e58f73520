import type Stripe from 'stripe';
import { fromStripeAmount } from '../../lib/currencies.ts';
import { ask, isMissing } from '../client.ts';
import { readReversals } from '../reversals.ts';
import { MARK, readIntent } from '../topups/intents.ts';
import { type Drift, difference, type Pass, type Run, secondsOf } from './drift.ts';
import { pagesOf } from './pages.ts';
import { findPayments, type PaidHere, unseenPayments } from './store.ts';

/** What was paid, by payment intent: of sessions, of invoices, and of whatever else is paid. */
export const payments: Pass<Stripe.PaymentIntent> = {
  async *pages({ services, since, seen }: Run) {
    const created = { gte: secondsOf(since) };
    for await (const page of pagesOf((at) => services.stripe.paymentIntents.list({ created, ...at }))) {
      await seen.add(page.map(({ id }) => id));
      yield page;
    }
  },

  async compare({ services }, page) {
    const here = await findPayments(
      services.pool,
      page.map(({ id }) => id),
    );
    const byIntent = new Map(here.map((payment) => [payment.paymentId, payment]));
    return page.flatMap((object) => {
      const payment = byIntent.get(object.id);
      if (payment === undefined) return topUpUnheardOf(object);
      const words = paidDifferently(object, payment);
      // One that was declined may have been paid since.
      const mend = { read: object.metadata[MARK] === undefined ? readReversals : readIntent, id: object.id };
      return words === null ? [] : [{ object, drift: { about: `payment ${object.id}`, words, mend } }];
    });
  },

  again: ({ services }, { id }) => ask(() => services.stripe.paymentIntents.retrieve(id)),
};

/** A top-up is paid without a page: where nobody was told of it, its payment is known by its mark alone. */
function topUpUnheardOf(object: Stripe.PaymentIntent) {
  if (object.metadata[MARK] === undefined || object.status !== 'succeeded') return [];
  const mend = { read: readIntent, id: object.id };
  const drift: Drift = { about: `payment ${object.id}`, words: 'paid a top-up, and is not here', mend };
  return [{ object, drift }];
}

function paidDifferently(
  { status, amount_received: received, currency }: Stripe.PaymentIntent,
  here: { status: string } & PaidHereAmount,
): string | null {
  if (status !== 'succeeded') {
    return here.status === 'SUCCEEDED' ? `is ${status} at Stripe and SUCCEEDED here` : null;
  }
  const there = { status: 'SUCCEEDED', amount: fromStripeAmount(currency, received), currency };
  return difference(there, { ...here });
}

type PaidHereAmount = Pick<PaidHere, 'amount' | 'currency'>;

/** Payments that have succeeded here, and that were met nowhere at Stripe. */
export const unknownPayments: Pass<PaidHere> = {
  pages: ({ seen, since, begunAt }: Run) => unseenPayments(seen, since, begunAt),

  async compare({ services }, page) {
    const found = [];
    for (const object of page) {
      // One that is older than what was listed is asked for by itself.
      const words = await whyUnknown(services.stripe, object);
      if (words !== null) found.push({ object, drift: { about: `payment ${object.id}`, words, mend: null } });
    }
    return found;
  },

  again: async (_run, object) => object,
};

async function whyUnknown(stripe: Stripe, { id, ...here }: PaidHere): Promise<string | null> {
  if (!id.startsWith('pi_')) return null; // nothing was to be paid
  try {
    const intent = await ask(() => stripe.paymentIntents.retrieve(id));
    return paidDifferently(intent, { ...here, status: 'SUCCEEDED' });
  } catch (error) {
    if (isMissing(error)) return 'is SUCCEEDED here, and Stripe does not know it';
    throw error;
  }
}
