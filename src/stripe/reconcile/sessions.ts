import type Stripe from 'stripe';
import { fromStripeAmount } from '../../lib/currencies.ts';
import type { Outcome } from '../../payments/payments.ts';
import { Contradiction } from '../change.ts';
import { ask } from '../client.ts';
import { idOf } from '../references.ts';
import { isOurs, outcomeOf, readSession } from '../sessions.ts';
import { type Drift, difference, type Pass, type Run, secondsOf } from './drift.ts';
import { pagesOf } from './pages.ts';
import { type CheckoutHere, findCheckouts } from './store.ts';

type Session = Stripe.Checkout.Session;

const EXPAND = ['payment_intent'];

/** Checkouts, and the purchases of credits that came of them. */
export const sessions: Pass<Session> = {
  async *pages({ services, since, seen }: Run) {
    const asked = { created: { gte: secondsOf(since) }, expand: EXPAND.map((name) => `data.${name}`) };
    for await (const page of pagesOf((at) => services.stripe.checkout.sessions.list({ ...asked, ...at }))) {
      await seen.add(page.map(({ id }) => id)); // what was not paid for is known by its session
      yield page;
    }
  },

  async compare({ services }, page) {
    const named = page.flatMap(({ client_reference_id: id }) => id ?? []);
    const checkouts = await findCheckouts(
      services.pool,
      page.map(({ id }) => id),
      named,
    );
    return page.flatMap((session) => {
      const checkout =
        checkouts.find(({ sessionId }) => sessionId === session.id) ??
        checkouts.find(({ id }) => id === session.client_reference_id);
      if (checkout === undefined) return []; // somebody else sells with the same account
      const drift = driftOf(session, checkout);
      return drift === null ? [] : [{ object: session, drift }];
    });
  },

  again: ({ services }, { id }) =>
    ask(() => services.stripe.checkout.sessions.retrieve(id, { expand: EXPAND })),
};

/** What a checkout may be where its session is so. What was given up here before counts only if it is paid. */
const FITTING: Record<Outcome, readonly CheckoutHere['status'][]> = {
  paid: ['COMPLETE'],
  failed: ['FAILED', 'EXPIRED'],
  expired: ['EXPIRED', 'FAILED'],
  pending: ['OPEN', 'EXPIRED', 'FAILED'],
};

function driftOf(session: Session, checkout: CheckoutHere): Drift | null {
  const about = `checkout ${checkout.id} (${session.id})`;
  const mend = { read: readSession, id: session.id };
  let outcome: Outcome;
  try {
    outcome = outcomeOf(session);
  } catch (error) {
    if (!(error instanceof Contradiction)) throw error;
    return { about, words: error.message, mend: null };
  }
  const isOther = checkout.sessionId !== null && checkout.sessionId !== session.id;
  if (isOther) {
    const words = `was paid, and names a checkout whose page it is not (${checkout.sessionId})`;
    return outcome === 'paid' ? { about, words, mend: null } : null;
  }
  // Its answer was lost, and its customer has gone since: it ends as any checkout whose page nobody was shown.
  if (outcome === 'expired' && !isOurs(checkout, session)) return null;
  if (!FITTING[outcome].includes(checkout.status)) {
    return { about, words: `is ${outcome} at Stripe and ${checkout.status} here`, mend };
  }
  const words = checkout.isPlan || outcome !== 'paid' ? null : paymentDifference(session, checkout);
  return words === null ? null : { about, words, mend };
}

function paymentDifference(session: Session, { payment }: CheckoutHere): string | null {
  const { amount_total: total, currency, payment_intent: intent } = session;
  if (payment === null) return `was paid with ${idOf(intent)} at Stripe, and has no payment here`;
  if (total === null || currency === null) return null;
  return difference(
    { status: 'SUCCEEDED', amount: fromStripeAmount(currency, total), currency },
    { ...payment },
  );
}
