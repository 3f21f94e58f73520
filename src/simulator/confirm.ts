import type Stripe from 'stripe';
import { detailsOf, findSession } from './checkout.ts';
import { createCustomer } from './customers.ts';
import { disputeTestCard } from './disputes.ts';
import { invalid } from './errors.ts';
import { emit } from './events.ts';
import type { Decline, Means } from './methods.ts';
import { totalOf } from './orders.ts';
import { collect, createIntent, findIntent, idOf, settle } from './payments.ts';
import type { World } from './world.ts';

/** What came of an attempt to pay. A declined one leaves the session open for another. */
export type Attempt = { session: Stripe.Checkout.Session; decline: Decline | null };

const GUEST_EMAIL = 'guest@example.com'; // a person always gives one to Checkout

/** Somebody presses "Pay" on the session's page. */
export function confirmSession(world: World, id: string, means: Means, email?: string): Attempt {
  const session = findSession(world, id);
  if (session.status !== 'open') {
    throw invalid(`This Checkout Session can no longer be paid: its status is \`${session.status}\`.`);
  }
  if (!session.payment_method_types.includes(means.type)) {
    throw invalid(`This Checkout Session does not accept ${means.type}.`);
  }
  const payer = session.customer_details?.email ?? email ?? GUEST_EMAIL;
  const order = world.store.get('order', id);
  if (order === undefined) throw new Error(`the order of ${id} is missing`);
  const amount = totalOf(order.items);
  if (amount === 0)
    return {
      session: complete(world, withPayer(world, session, payer), 'no_payment_required'),
      decline: null,
    };

  const existing = idOf(session.payment_intent);
  const ready = isDeclined(means) ? session : withPayer(world, session, payer);
  const intent = existing === null ? createIntent(world, ready, order, amount) : findIntent(world, existing);
  const confirmed: Stripe.Checkout.Session = { ...ready, payment_intent: intent.id };
  world.store.put('session', confirmed);
  const customer = idOf(confirmed.customer);
  const tried = collect(world, { ...intent, customer }, means, payer);
  if (isDeclined(means)) return { session: confirmed, decline: means.decline };
  const isPaid = tried.status === 'succeeded';
  const completed = complete(world, confirmed, isPaid ? 'paid' : 'unpaid');
  if (isPaid) disputeTestCard(world, idOf(tried.latest_charge) ?? '');
  return { session: completed, decline: null };
}

/** The bank answers for a payment with a delayed method. */
export function settleSession(
  world: World,
  id: string,
  outcome: 'succeed' | 'fail',
): Stripe.Checkout.Session {
  const session = findSession(world, id);
  const intentId = idOf(session.payment_intent);
  const intent = intentId === null ? undefined : findIntent(world, intentId);
  if (session.status !== 'complete' || intent?.status !== 'processing') {
    throw invalid('This Checkout Session has no payment that waits for a bank.');
  }
  settle(world, intent, outcome);
  const settled: Stripe.Checkout.Session = {
    ...session,
    payment_status: outcome === 'succeed' ? 'paid' : 'unpaid',
  };
  world.store.put('session', settled);
  emit(world, {
    type:
      outcome === 'succeed'
        ? 'checkout.session.async_payment_succeeded'
        : 'checkout.session.async_payment_failed',
    data: { object: settled },
  });
  return settled;
}

function isDeclined(means: Means): means is Means & { type: 'card'; decline: Decline } {
  return means.type === 'card' && means.decline !== null;
}

/** Who pays is known now; a session that always creates a customer does so here. */
function withPayer(world: World, session: Stripe.Checkout.Session, email: string): Stripe.Checkout.Session {
  const customer =
    session.customer === null && session.customer_creation === 'always'
      ? createCustomer(world, { email }).id
      : session.customer;
  return { ...session, customer, customer_details: session.customer_details ?? detailsOf(email, null) };
}

function complete(
  world: World,
  session: Stripe.Checkout.Session,
  paymentStatus: 'paid' | 'unpaid' | 'no_payment_required',
): Stripe.Checkout.Session {
  const completed: Stripe.Checkout.Session = {
    ...session,
    payment_status: paymentStatus,
    status: 'complete',
    url: null,
  };
  world.store.put('session', completed);
  emit(world, { type: 'checkout.session.completed', data: { object: completed } });
  return completed;
}
