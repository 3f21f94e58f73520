import type Stripe from 'stripe';
import { toStripeAmount } from '../lib/currencies.ts';
import { Refusal } from '../lib/errors.ts';
import type { PaymentAnswer } from '../payments/lists.ts';
import {
  dropRefund,
  getPayment,
  openRefund,
  type RefundInput,
  type RefundRequest,
} from '../payments/refunds.ts';
import { commit } from './change.ts';
import { makeOnce } from './once.ts';
import { listRefunds, readReversals } from './reversals.ts';
import type { StripeServices } from './services.ts';

/**
 * Refunds a payment, or a part of it, and takes back what it bought. What is asked of Stripe is kept before, and the
 * call lies between transactions: whoever repeats it with the same key gets the same refund, never a second one.
 */
export async function refundPayment(services: StripeServices, input: RefundInput): Promise<PaymentAnswer> {
  const request = await openRefund(services, input);
  const { payment } = request;
  try {
    await makeRefund(services, request);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'provider_error') throw error;
    // Stripe knows of what our rows may not know yet.
    await commit(services, await readReversals(services, payment.paymentId));
    await dropRefund(services, request, input);
    throw error;
  }
  await commit(services, await readReversals(services, payment.paymentId));
  return getPayment(services, payment.id);
}

async function makeRefund(services: StripeServices, { id, amount, payment, isRepeat }: RefundRequest) {
  // Stripe forgets keys after a day; what a refund carries stays.
  const find = async () => {
    const made = await listRefunds(services, payment.paymentId);
    return made.find(({ metadata }) => metadata?.refundRequestId === id) ?? null;
  };
  if (isRepeat && (await find()) !== null) return;
  const params = {
    payment_intent: payment.paymentId,
    amount: toStripeAmount(payment.currency, amount),
    metadata: { refundRequestId: id, paymentId: payment.id },
  };
  await makeOnce<Stripe.Refund>(id, (options) => services.stripe.refunds.create(params, options), find);
}
