import type Stripe from 'stripe';
import type { Queryable } from '../engine/store.ts';
import { fromStripeAmount } from '../lib/currencies.ts';
import {
  applyReversals,
  beginReading,
  type Disputed,
  type Reading,
  type Reversal,
  type ReversalStatus,
} from '../payments/reversals.ts';
import { stopDisputed } from '../topups/attempts.ts';
import { type Change, Contradiction, commit, ignored } from './change.ts';
import { ask, askForAll, isMissing } from './client.ts';
import { idOf } from './references.ts';
import type { StripeServices } from './services.ts';
import { readSession } from './sessions.ts';
import { readInvoice } from './subscriptions/invoices.ts';
import { readIntent } from './topups/intents.ts';

/** Reads all refunds and disputes of a payment again, and says what follows from their present state. */
export async function readReversals(services: StripeServices, intentId: string): Promise<Change> {
  const reading = (await beginReading(services, intentId)) ?? (await beginOnceBooked(services, intentId));
  if (reading === null) return ignored('Not a payment of Tollgate.');
  const [refunds, disputes] = await Promise.all([
    listRefunds(services, intentId),
    askForAll((page) => services.stripe.disputes.list({ payment_intent: intentId, ...page })),
  ]);
  const reversals = [
    ...refunds.map((refund) => reversalOf('REFUND', refund, refundStatus(refund.status), reading)),
    ...disputes.map((dispute) => reversalOf('DISPUTE', dispute, disputeStatus(dispute.status), reading)),
  ];
  return async (tx) => {
    const disputed = await applyReversals(services, tx, reading, reversals);
    if (disputed !== null) await stopTopUp(services, tx, disputed);
    return { status: 'APPLIED' };
  };
}

async function stopTopUp(services: StripeServices, tx: Queryable, disputed: Disputed): Promise<void> {
  const { notice, why } = await stopDisputed(services, tx, disputed);
  if (notice !== null) services.report(notice, why);
}

export function listRefunds({ stripe }: StripeServices, intentId: string): Promise<Stripe.Refund[]> {
  return askForAll((page) => stripe.refunds.list({ payment_intent: intentId, ...page }));
}

/** What is reversed must have been paid: where we have not heard of that yet, its session or invoice is read first. */
async function beginOnceBooked(services: StripeServices, intentId: string): Promise<Reading | null> {
  const { stripe } = services;
  const sessions = await ask(() => stripe.checkout.sessions.list({ payment_intent: intentId, limit: 1 }));
  if (sessions.data[0] !== undefined) {
    await commit(services, await readSession(services, sessions.data[0].id));
    return beginReading(services, intentId);
  }
  const payment = { type: 'payment_intent', payment_intent: intentId } as const;
  const invoices = await ask(() => stripe.invoicePayments.list({ payment, limit: 1 }));
  const invoiceId = idOf(invoices.data[0]?.invoice);
  if (invoiceId !== null) await commit(services, await readInvoice(services, invoiceId));
  else if (!(await readPaidAlone(services, intentId))) return null;
  return beginReading(services, intentId);
}

/** What neither a session nor an invoice has made may be a top-up's; false where there is no such payment. */
async function readPaidAlone(services: StripeServices, intentId: string): Promise<boolean> {
  try {
    await commit(services, await readIntent(services, intentId));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** A refund's status in our words. */
export function refundStatus(status: string | null): ReversalStatus {
  switch (status) {
    case 'pending':
    case 'requires_action':
      return 'PENDING';
    case 'succeeded':
      return 'SUCCEEDED';
    case 'failed':
    case 'canceled':
      return 'FAILED';
    default:
      throw new Contradiction(`The status of the refund is not known: ${status}. Nothing was changed.`);
  }
}

/** A dispute's. One that is appealed was lost before: its money is gone until the appeal is won. */
export function disputeStatus(status: string): ReversalStatus {
  switch (status) {
    case 'warning_needs_response':
    case 'warning_under_review':
      return 'INQUIRY';
    case 'needs_response':
    case 'under_review':
    case 'appeal_needs_response':
    case 'appeal_under_review':
      return 'OPEN';
    case 'lost':
      return 'LOST';
    case 'won':
    case 'warning_closed':
    case 'prevented':
      return 'WON';
    default:
      throw new Contradiction(`The status of the dispute is not known: ${status}. Nothing was changed.`);
  }
}

function reversalOf(
  kind: Reversal['kind'],
  { id, amount, currency, created }: Pick<Stripe.Refund, 'id' | 'amount' | 'currency' | 'created'>,
  status: ReversalStatus,
  reading: Reading,
): Reversal {
  if (currency !== reading.currency) {
    throw new Contradiction(
      `The payment was in ${reading.currency}, but ${id} is in ${currency}. Nothing was changed.`,
    );
  }
  const createdAt = new Date(created * 1000);
  return { id, kind, amount: fromStripeAmount(currency, amount), currency, status, createdAt };
}
