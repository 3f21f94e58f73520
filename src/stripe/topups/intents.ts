import type Stripe from 'stripe';
import type { Queryable } from '../../engine/store.ts';
import { toStripeAmount } from '../../lib/currencies.ts';
import {
  bookOutcome,
  type Checkout,
  findUnattended,
  type Outcome,
  type Unattended,
} from '../../payments/payments.ts';
import { followAttempt } from '../../topups/attempts.ts';
import type { Decline } from '../../topups/declines.ts';
import { type Change, Contradiction, type Verdict } from '../change.ts';
import { ask } from '../client.ts';
import { idOf } from '../references.ts';
import type { StripeServices } from '../services.ts';

/** Marks the intents of top-ups, so that those of payment pages are not read: their sessions say more. */
export const MARK = 'topUp';

/** Reads the payment intent of a top-up again, and says what follows from its present state. */
export async function readIntent(services: StripeServices, intentId: string): Promise<Change> {
  const intent = await ask(() => services.stripe.paymentIntents.retrieve(intentId));
  if (intent.object !== 'payment_intent' || intent.id !== intentId) {
    throw new Error(`Stripe answered with something else than the payment intent ${intentId}.`);
  }
  return changeBy(services, intent);
}

export function changeBy(services: StripeServices, intent: Stripe.PaymentIntent): Change {
  return (tx) => applyIntent(services, tx, intent);
}

async function applyIntent(
  services: StripeServices,
  tx: Queryable,
  intent: Stripe.PaymentIntent,
): Promise<Verdict> {
  const checkout = await findUnattended(tx, { paymentId: intent.id, id: intent.metadata.checkoutId ?? null });
  if (checkout === undefined) return { status: 'IGNORED', error: 'Not a top-up of Tollgate.' };
  requireOurs(checkout, intent);
  const { outcome, decline } = outcomeOf(intent);
  if (outcome === 'paid') requireAmount(checkout, intent);
  await settle(services, tx, checkout, { outcome, decline, paymentId: intent.id });
  return { status: 'APPLIED' };
}

/** Books how a payment stands, and what follows for the top-up; an operator hears of what does not go on. */
export async function settle(
  services: StripeServices,
  tx: Queryable,
  checkout: Checkout,
  { outcome, decline, paymentId }: { outcome: Outcome; decline: Decline | null; paymentId: string },
): Promise<void> {
  await bookOutcome(services, tx, checkout, outcome, paymentId);
  const { notice, why } = await followAttempt(services, tx, checkout, outcome, decline);
  if (notice !== null) services.report(notice, why);
}

/**
 * Anybody with the account can write any metadata: the intent must be the one that is known, or our payer's, or of the card
 * that was to pay, whose customer may have been deleted since.
 */
function requireOurs(
  checkout: Unattended,
  { id, customer, payment_method: card }: Stripe.PaymentIntent,
): void {
  const isOurs =
    checkout.paymentId === null
      ? isSame(customer, checkout.payer.customerId) || isSame(card, checkout.cardId)
      : checkout.paymentId === id;
  if (isOurs) return;
  throw new Contradiction(
    `The payment intent ${id} names the checkout ${checkout.id}, but was not made for it: nothing was granted.`,
  );
}

function isSame(of: Parameters<typeof idOf>[0], id: string | null): boolean {
  return id !== null && idOf(of) === id;
}

type Judged = { outcome: Outcome; decline: Decline | null };

function outcomeOf({ status, last_payment_error: error }: Stripe.PaymentIntent): Judged {
  switch (status) {
    case 'succeeded':
      return { outcome: 'paid', decline: null };
    case 'processing':
    case 'requires_capture':
    case 'requires_confirmation':
      return { outcome: 'pending', decline: null };
    case 'requires_action':
      return { outcome: 'failed', decline: { code: 'authentication_required', advice: null } };
    case 'requires_payment_method':
      return { outcome: 'failed', decline: declineOf(error) };
    case 'canceled':
      return { outcome: 'failed', decline: { code: 'canceled', advice: null } };
    default:
      throw new Contradiction(`The status of the payment intent is not known: ${status}.`);
  }
}

type Told = Pick<Stripe.PaymentIntent.LastPaymentError, 'code' | 'decline_code' | 'advice_code'>;

/** The bank's own reason says more than Stripe's. */
export function declineOf(error: Told | null | undefined): Decline {
  return { code: error?.decline_code ?? error?.code ?? 'declined', advice: error?.advice_code ?? null };
}

/** What was paid must be what was asked, to the last cent and in the same currency. */
function requireAmount(checkout: Checkout, intent: Stripe.PaymentIntent): void {
  const asked = toStripeAmount(checkout.currency, checkout.amount);
  if (intent.amount === asked && intent.amount_received === asked && intent.currency === checkout.currency)
    return;
  throw new Contradiction(
    `Asked were ${asked} ${checkout.currency}, but Stripe says ${intent.amount} ${intent.currency}, ` +
      `received ${intent.amount_received}: nothing was granted.`,
  );
}
