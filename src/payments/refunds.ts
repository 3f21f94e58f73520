import { keyConflict } from '../engine/batch.ts';
import { type Queryable, transaction } from '../engine/store.ts';
import { type Micros, toUnits } from '../lib/amounts.ts';
import { CurrencyError, toStripeAmount } from '../lib/currencies.ts';
import { Refusal } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { type PaymentAnswer, paymentOf } from './lists.ts';
import {
  deleteRefundRequest,
  findRefundRequest,
  insertRefundRequest,
  type LockedPayment,
  lockPayment,
  readPayment,
} from './reversals/store.ts';
import type { PaymentServices } from './types.ts';

export type RefundInput = {
  id: string;
  /** In micro-units of the major unit; all that is left where nothing is said. */
  amount?: Micros | undefined;
  idempotencyKey?: string | null | undefined;
};

/** A refund that is to be made. Its id is the provider's idempotency key, and what the refund is known by there. */
export type RefundRequest = {
  id: string;
  amount: Micros;
  payment: LockedPayment;
  /** It was asked for before, and may have been made. */
  isRepeat: boolean;
};

/** Keeps what is to be refunded, before the provider is asked: a repeat finds it, and asks for the same. */
export function openRefund(
  { pool, clock }: PaymentServices,
  { id, amount, idempotencyKey = null }: RefundInput,
): Promise<RefundRequest> {
  return transaction(pool, async (tx) => {
    const payment = await findPayment(tx, id);
    const before = idempotencyKey === null ? undefined : await findRefundRequest(tx, idempotencyKey);
    if (before !== undefined) {
      if (before.paymentId !== id || before.asked !== (amount ?? null)) throw keyConflict();
      return { id: before.id, amount: before.amount, payment, isRepeat: true };
    }
    const request = {
      id: newId('rr'),
      paymentId: id,
      amount: amountOf(payment, amount),
      asked: amount ?? null,
    };
    await insertRefundRequest(tx, request, idempotencyKey, clock.now());
    return { id: request.id, amount: request.amount, payment, isRepeat: false };
  });
}

/** Forgets a refund that the provider has refused. Throws a Refusal of our own where our rows know by now why. */
export async function dropRefund(
  { pool }: PaymentServices,
  { id, payment }: RefundRequest,
  { amount }: RefundInput,
): Promise<void> {
  await deleteRefundRequest(pool, id);
  await transaction(pool, async (tx) => amountOf(await findPayment(tx, payment.id), amount));
}

/** A payment as it stands, as it is answered. */
export async function getPayment({ pool }: PaymentServices, id: string): Promise<PaymentAnswer> {
  return paymentOf(await readPayment(pool, id));
}

async function findPayment(tx: Queryable, id: string): Promise<LockedPayment> {
  const payment = await lockPayment(tx, { id });
  if (payment !== undefined) return payment;
  throw new Refusal('not_found', `There is no payment ${JSON.stringify(id)}.`, { param: 'id' });
}

type Refundable = Pick<
  LockedPayment,
  'status' | 'amount' | 'currency' | 'refunded' | 'disputed' | 'paymentId' | 'invoiceId'
>;

/** How much is refunded where so much is asked for. Throws a Refusal where that cannot be. */
export function amountOf(payment: Refundable, asked: Micros | undefined): Micros {
  const { status, amount, currency, refunded, disputed, paymentId, invoiceId } = payment;
  const details = {
    status,
    amount: toUnits(amount),
    refunded: toUnits(refunded),
    disputed: toUnits(disputed),
  };
  if (status !== 'SUCCEEDED') {
    throw new Refusal('not_refundable', 'Only a payment that succeeded can be refunded.', { details });
  }
  if (paymentId === invoiceId) {
    const message =
      'It was paid outside Stripe, which cannot give it back: return the money the way it came.';
    throw new Refusal('not_refundable', message, { details });
  }
  const left = amount - refunded - disputed;
  if (left <= 0n) {
    throw refunded >= amount
      ? new Refusal('already_refunded', 'This payment was refunded before, all of it.', { details })
      : new Refusal('not_refundable', 'Nothing is left to refund: the payment is disputed.', { details });
  }
  const wanted = asked ?? left;
  if (wanted > left) {
    throw new Refusal('invalid_request', `amount must be at most ${toUnits(left)}, which is left.`, {
      param: 'amount',
      details,
    });
  }
  try {
    toStripeAmount(currency, wanted);
  } catch (error) {
    if (!(error instanceof CurrencyError)) throw error;
    throw new Refusal('invalid_request', `amount: ${error.message}`, { param: 'amount' });
  }
  return wanted;
}
