import type Stripe from 'stripe';
import { type Decline, invalid } from '../api/errors.ts';
import {
  beginFromSession,
  intentOfSession,
  isDeclined,
  sessionOfIntent,
  withSubscription,
} from '../billing/checkout.ts';
import { followInvoice } from '../billing/paying.ts';
import { redeemForGoods } from '../billing/sales.ts';
import { inTimeOf } from '../billing/timed.ts';
import { createCustomer } from '../customers.ts';
import { emit } from '../events.ts';
import { liveCustomer } from '../livingCustomers.ts';
import { disputeTestCard } from '../payments/disputes.ts';
import type { Means } from '../payments/means.ts';
import { billingDetails } from '../payments/methods.ts';
import { attempt, findIntent, openIntent, settle } from '../payments/payments.ts';
import { findSetup, trySetup } from '../payments/setups.ts';
import { addMethod } from '../payments/wallet.ts';
import { idOf } from '../references.ts';
import type { Order } from '../store.ts';
import type { World } from '../world.ts';
import { detailsOf, findSession } from './checkout.ts';
import { totalOf } from './orders.ts';

/** What came of somebody's pressing "Pay". A declined session stays open; one to be confirmed waits at `actionUrl`. */
export type Tried = { session: Stripe.Checkout.Session; decline: Decline | null; actionUrl: string | null };

const GUEST_EMAIL = 'guest@example.com'; // a person always gives one to Checkout

/** Somebody presses "Pay" on the session's page, with a method that is there, or a new one. */
export function confirmSession(
  world: World,
  id: string,
  means: Means | null,
  email?: string,
  chosen?: Stripe.PaymentMethod,
): Tried {
  const session = findSession(world, id);
  if (session.status !== 'open') {
    throw invalid(`This Checkout Session can no longer be paid: its status is \`${session.status}\`.`);
  }
  if (means === null && (session.payment_method_collection === 'always' || session.amount_total !== 0)) {
    throw invalid('This Checkout Session asks for a payment method.');
  }
  if (means !== null && !session.payment_method_types.includes(means.type)) {
    throw invalid(`This Checkout Session does not accept ${means.type}.`);
  }
  const payer = session.customer_details?.email ?? email ?? GUEST_EMAIL;
  const order = world.store.get('order', id);
  if (order === undefined) throw new Error(`the order of ${id} is missing`);
  if (session.mode === 'setup' && means !== null) return confirmSetupSession(world, session, means, payer);
  const { subscription } = order;
  if (subscription !== undefined) {
    return confirmSubscription(world, session, { ...order, subscription }, means, payer);
  }
  const amount = totalOf(order.items);
  if (amount === 0 || means === null) {
    const completed = complete(world, withPayer(world, session, payer), 'no_payment_required');
    return { session: completed, decline: null, actionUrl: null };
  }
  const isRefused = means.type === 'card' && means.decline !== null;
  const ready = isRefused ? session : withPayer(world, session, payer);
  const existing = idOf(session.payment_intent);
  const intent = existing === null ? intentFor(world, ready, order, amount) : findIntent(world, existing);
  const confirmed: Stripe.Checkout.Session = { ...ready, payment_intent: intent.id };
  world.store.put('session', confirmed);
  const method = chosen ?? addMethod(world, means, billingDetails(payer), { allow_redisplay: 'limited' });
  const paying = { ...intent, customer: idOf(confirmed.customer) };
  const { intent: tried, decline } = attempt(world, paying, method, 'on_session', successUrl(session));
  const after = follow(world, confirmed, tried);
  if (tried.status === 'succeeded') disputeTestCard(world, idOf(tried.latest_charge) ?? '');
  return { session: after, decline, actionUrl: tried.next_action?.redirect_to_url?.url ?? null };
}

/** Somebody presses "Subscribe". */
function confirmSubscription(
  world: World,
  session: Stripe.Checkout.Session,
  sale: Parameters<typeof beginFromSession>[2],
  means: Means | null,
  payer: string,
): Tried {
  const ready = isDeclined(session, means) ? session : withPayer(world, session, payer);
  world.store.put('session', ready);
  const customer = idOf(ready.customer);
  const clock = customer === null ? null : liveCustomer(world, customer).test_clock;
  const timed = inTimeOf(world, clock);
  const begun = beginFromSession(timed, ready, sale, means, payer, successUrl(session));
  const { decline, intent, subscription } = begun;
  const actionUrl = intent?.next_action?.redirect_to_url?.url ?? null;
  if (decline !== null || actionUrl !== null || subscription === null) {
    return { session: ready, decline, actionUrl };
  }
  if (intent !== null) return { session: follow(world, ready, intent), decline, actionUrl };
  const isFree = session.amount_total === 0;
  return { session: complete(world, ready, isFree ? 'no_payment_required' : 'paid'), decline, actionUrl };
}

/** Somebody presses "Save": nothing is charged. */
function confirmSetupSession(
  world: World,
  session: Stripe.Checkout.Session,
  means: Means,
  payer: string,
): Tried {
  const isRefused = means.type === 'card' && means.decline !== null && !means.attaches;
  const ready = isRefused ? session : withPayer(world, session, payer);
  world.store.put('session', ready);
  const before = findSetup(world, idOf(session.setup_intent) ?? '');
  const setup = { ...before, customer: idOf(ready.customer) };
  const method = addMethod(world, means, billingDetails(payer), { allow_redisplay: 'always' });
  const { setup: tried, decline } = trySetup(world, setup, method, successUrl(session));
  const actionUrl = tried.next_action?.redirect_to_url?.url ?? null;
  const isSaved = tried.status === 'succeeded';
  return { session: isSaved ? complete(world, ready, 'no_payment_required') : ready, decline, actionUrl };
}

/** The session that saves a card goes on once its holder has confirmed that. */
export function followSetupSession(world: World, setup: Stripe.SetupIntent): void {
  if (setup.status !== 'succeeded') return;
  for (const session of world.store.all('session')) {
    const isItsOwn = session.setup_intent === setup.id && session.status === 'open';
    if (isItsOwn) complete(world, session, 'no_payment_required');
  }
}

/** The intent to collect what a session asks for; made when somebody first tries to pay. */
function intentFor(
  world: World,
  session: Stripe.Checkout.Session,
  { intent: asked }: Order,
  amount: number,
): Stripe.PaymentIntent {
  return openIntent(world, {
    allowed_payment_method_types: session.allowed_payment_method_types,
    amount,
    currency: session.currency ?? '',
    customer: idOf(session.customer),
    description: asked.description,
    metadata: asked.metadata,
    payment_method_types: session.payment_method_types,
    receipt_email: asked.receiptEmail,
    setup_future_usage: asked.setupFutureUsage ?? null,
    shipping: asked.shipping ?? null,
    statement_descriptor: asked.statementDescriptor,
    statement_descriptor_suffix: asked.statementDescriptorSuffix,
  });
}

/** The bank answers for a payment with a delayed method. */
export function settleSession(
  world: World,
  id: string,
  outcome: 'succeed' | 'fail',
): Stripe.Checkout.Session {
  const session = findSession(world, id);
  const intent = intentOfSession(world, session);
  if (session.status !== 'complete' || intent?.status !== 'processing') {
    throw invalid('This Checkout Session has no payment that waits for a bank.');
  }
  const settled = settle(world, intent, outcome);
  followInvoice(world, settled);
  return follow(world, session, settled);
}

/** The session that an intent pays, if it is one's, goes on as the intent does. */
export function followSession(world: World, intent: Stripe.PaymentIntent): void {
  for (const session of world.store.all('session')) {
    if (session.payment_intent === intent.id) follow(world, session, intent);
  }
  const session = sessionOfIntent(world, intent.id);
  if (session !== undefined) follow(world, session, intent);
}

function follow(
  world: World,
  session: Stripe.Checkout.Session,
  { status }: Stripe.PaymentIntent,
): Stripe.Checkout.Session {
  const isPaid = status === 'succeeded';
  if (session.status === 'open' && (isPaid || status === 'processing')) {
    return complete(world, session, isPaid ? 'paid' : 'unpaid');
  }
  if (session.status !== 'complete' || session.payment_status !== 'unpaid') return session;
  if (isPaid) return answered(world, { ...session, payment_status: 'paid' }, 'succeeded');
  return status === 'requires_payment_method' ? answered(world, session, 'failed') : session;
}

function answered(
  world: World,
  session: Stripe.Checkout.Session,
  outcome: 'succeeded' | 'failed',
): Stripe.Checkout.Session {
  world.store.put('session', session);
  emit(world, { type: `checkout.session.async_payment_${outcome}`, data: { object: session } });
  return session;
}

/** Where a payer is led once the session is complete. */
export function successUrl(session: Stripe.Checkout.Session): string {
  return (session.success_url ?? '').replaceAll('{CHECKOUT_SESSION_ID}', session.id);
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
    ...withSubscription(world, session),
    payment_status: paymentStatus,
    status: 'complete',
    url: null,
  };
  redeemForGoods(world, completed);
  world.store.put('session', completed);
  emit(world, { type: 'checkout.session.completed', data: { object: completed } });
  return completed;
}
