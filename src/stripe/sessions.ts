import type Stripe from 'stripe';
import type { Queryable } from '../engine/store.ts';
import { toStripeAmount } from '../lib/currencies.ts';
import {
  adoptSession,
  bookOutcome,
  type Checkout,
  findCheckout,
  type Outcome,
} from '../payments/payments.ts';
import { isPaidFor } from '../subscriptions/subscriptions.ts';
import { followAttempt } from '../topups/attempts.ts';
import { type Change, Contradiction, commit, type Verdict } from './change.ts';
import { ask } from './client.ts';
import { idOf } from './references.ts';
import type { StripeServices } from './services.ts';
import { readInvoice } from './subscriptions/invoices.ts';
import { readSubscriptions } from './subscriptions/reading.ts';

/** Reads a checkout session again, and says what follows from its present state. */
export async function readSession(services: StripeServices, sessionId: string): Promise<Change> {
  const session = await ask(() =>
    services.stripe.checkout.sessions.retrieve(sessionId, { expand: ['payment_intent'] }),
  );
  if (session.object !== 'checkout.session' || session.id !== sessionId) {
    throw new Error(`Stripe answered with something else than the session ${sessionId}.`);
  }
  if (session.status === 'complete') await readWhatBegan(services, session);
  return (tx) => applySession(services, tx, session);
}

/** A session for a plan has begun a subscription, and its first invoice: their own webhooks may be late, or lost. */
async function readWhatBegan(
  services: StripeServices,
  { customer, subscription, invoice }: Stripe.Checkout.Session,
): Promise<void> {
  const [customerId, subscriptionId, invoiceId] = [idOf(customer), idOf(subscription), idOf(invoice)];
  if (subscriptionId === null || customerId === null) return;
  if (invoiceId !== null && (await isPaidFor(services.pool, subscriptionId, invoiceId))) return;
  await commit(services, await readSubscriptions(services, customerId));
  if (invoiceId !== null) await commit(services, await readInvoice(services, invoiceId));
}

/**
 * Gives up a session that Stripe does not have under our key: it is of another account, or was the simulator's. Its
 * webhook, should there be one after all, still counts.
 */
export async function giveUpSession(
  services: StripeServices,
  tx: Queryable,
  sessionId: string,
): Promise<Verdict> {
  const checkout = await findCheckout(tx, { sessionId, id: null });
  if (checkout === undefined) return { status: 'APPLIED' };
  await bookOutcome(services, tx, checkout, 'failed', sessionId);
  if (checkout.kind === 'TOP_UP') await followAttempt(services, tx, checkout, 'failed', null);
  return { status: 'APPLIED' };
}

async function applySession(
  services: StripeServices,
  tx: Queryable,
  session: Stripe.Checkout.Session,
): Promise<Verdict> {
  const checkout = await findCheckout(tx, { sessionId: session.id, id: session.client_reference_id });
  if (checkout === undefined) return { status: 'IGNORED', error: 'Not a checkout of Tollgate.' };
  const outcome = outcomeOf(session);
  if (outcome === 'expired' && !isOurs(checkout, session))
    return { status: 'IGNORED', error: 'Nobody was shown this page, and its customer is gone.' };
  await claim(services, tx, checkout, session);
  // What comes of a plan is judged by its subscription and its invoices.
  if (outcome === 'paid' && checkout.buys.type === 'credits') requireAmount(checkout, session);
  await bookOutcome(services, tx, checkout, outcome, idOf(session.payment_intent) ?? session.id);
  if (checkout.kind === 'TOP_UP') await followAttempt(services, tx, checkout, outcome, null);
  return { status: 'APPLIED' };
}

/**
 * The session must be the one that Stripe gave us for this checkout: anybody with the account can write any reference
 * or metadata into a session of their own. One that we were never told of, because the answer was lost, must at least
 * be our payer's.
 */
async function claim(
  services: StripeServices,
  tx: Queryable,
  checkout: Checkout,
  session: Stripe.Checkout.Session,
): Promise<void> {
  if (checkout.sessionId === session.id) return;
  if (!isOurs(checkout, session)) {
    throw new Contradiction(
      `The session ${session.id} names the checkout ${checkout.id}, but was not made for it: nothing was granted.`,
    );
  }
  const expiresAt = new Date(session.expires_at * 1000);
  await adoptSession(services, tx, checkout, { id: session.id, url: session.url, expiresAt });
}

type Claimed = { sessionId: string | null; payer: Pick<Checkout['payer'], 'customerId'> };

/** Whether it is the session that is known of this checkout; where none is, whether it is our payer's. */
export function isOurs(
  { sessionId, payer }: Claimed,
  { id, customer }: Pick<Stripe.Checkout.Session, 'id' | 'customer'>,
): boolean {
  if (sessionId !== null) return sessionId === id;
  return idOf(customer) !== null && idOf(customer) === payer.customerId;
}

/** What has become of a session, from its present state alone. */
export function outcomeOf(
  session: Pick<Stripe.Checkout.Session, 'status' | 'payment_status' | 'payment_intent'>,
): Outcome {
  const { status, payment_status: payment, payment_intent: intent } = session;
  if (status === 'expired') return 'expired';
  if (status === 'open') return 'pending';
  if (status !== 'complete') throw new Contradiction(`The status of the session is not known: ${status}.`);
  if (payment === 'paid' || payment === 'no_payment_required') return 'paid';
  if (payment !== 'unpaid')
    throw new Contradiction(`The payment status of the session is not known: ${payment}.`);
  // A delayed method: the bank has yet to answer, or has refused.
  const intentStatus = typeof intent === 'object' ? intent?.status : undefined;
  return intentStatus === 'requires_payment_method' || intentStatus === 'canceled' ? 'failed' : 'pending';
}

/** What was paid must be what was asked, to the last cent and in the same currency. */
function requireAmount(checkout: Checkout, session: Stripe.Checkout.Session): void {
  const asked = toStripeAmount(checkout.currency, checkout.amount);
  const intent = typeof session.payment_intent === 'object' ? session.payment_intent : null;
  const isPaid = session.amount_total === asked && session.currency === checkout.currency;
  const isReceived =
    intent === null || (intent.amount_received === asked && intent.currency === checkout.currency);
  if (isPaid && isReceived) return;
  throw new Contradiction(
    `Asked were ${asked} ${checkout.currency}, but Stripe says ${session.amount_total} ${session.currency}` +
      `${intent === null ? '' : `, received ${intent.amount_received} ${intent.currency}`}: nothing was granted.`,
  );
}
