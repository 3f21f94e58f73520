import type { ReversalStatus } from '../db/types.ts';
import type { Queryable } from '../engine/store.ts';
import { type Micros, min } from '../lib/amounts.ts';
import {
  findPurchases,
  lockPayment,
  numberReading,
  putReversal,
  type Reading,
  type Reversal,
  readReversals,
  updateReversed,
} from './reversals/store.ts';
import type { PaymentServices } from './types.ts';

export type { ReversalStatus } from '../db/types.ts';
export type { Reading, Reversal } from './reversals/store.ts';

/** Whether the money is gone, or is on its way. A dispute takes it when it is opened; an inquiry only asks. */
const COUNTS: Record<ReversalStatus, boolean> = {
  PENDING: true,
  SUCCEEDED: true,
  FAILED: false,
  INQUIRY: false,
  OPEN: true,
  LOST: true,
  WON: false,
};

export type Reversed = {
  refunded: Micros;
  disputed: Micros;
  /** Both together, but never more than was paid. */
  reversed: Micros;
};

/** What reversals come to, for a payment of so much money. */
export function reversedOf(
  { amount }: { amount: Micros },
  reversals: readonly Pick<Reversal, 'kind' | 'amount' | 'status'>[],
): Reversed {
  const sumOf = (wanted: Reversal['kind']) =>
    reversals.reduce(
      (sum, { kind, status, ...one }) => (kind === wanted && COUNTS[status] ? sum + one.amount : sum),
      0n,
    );
  const [refunded, disputed] = [sumOf('REFUND'), sumOf('DISPUTE')];
  return { refunded, disputed, reversed: min(amount, refunded + disputed) };
}

/** Begins a reading, before the provider is asked; null where no payment of this name has succeeded here. */
export function beginReading({ pool }: PaymentServices, providerId: string): Promise<Reading | null> {
  return numberReading(pool, providerId);
}

/** Who disputes a payment, and for which workspace it was made. */
export type Disputed = { workspaceId: string; paymentUserId: string };

/**
 * Brings a payment, and the credits that it bought, to the reversals that were read. What was read is applied only if
 * nothing is that was begun later: whatever has changed since tells of itself again. Resolves to whose payment is disputed
 * now, by more than before; null where none is.
 */
export async function applyReversals(
  { engine, clock }: PaymentServices,
  tx: Queryable,
  { id, number }: Reading,
  reversals: readonly Reversal[],
): Promise<Disputed | null> {
  const payment = await lockPayment(tx, { id });
  if (payment === undefined || payment.readingApplied > number) return null;
  const now = clock.now();
  for (const reversal of reversals) await putReversal(tx, payment, reversal, now);
  const { refunded, disputed, reversed } = reversedOf(payment, await readReversals(tx, id));
  await updateReversed(tx, id, { refunded, disputed, readingApplied: number }, now);
  for (const { purchaseId, workspaceId, credits } of await findPurchases(tx, id)) {
    const amount = takenBack(credits, reversed, payment.amount);
    await engine.clawBackIn(tx, { workspaceId, purchaseId, amount });
  }
  const { workspaceId, paymentUserId } = payment;
  return workspaceId !== null && disputed > payment.disputed ? { workspaceId, paymentUserId } : null;
}

/** How much of credits that a payment bought is taken back as it stands: of those that come later, too. */
export async function reversedPart(tx: Queryable, paymentId: string, credits: Micros): Promise<Micros> {
  const payment = await lockPayment(tx, { id: paymentId });
  if (payment === undefined) throw new Error(`the payment ${paymentId} is missing`);
  const { reversed } = reversedOf(payment, await readReversals(tx, paymentId));
  return takenBack(credits, reversed, payment.amount);
}

/** Of what was bought, what is taken back: in proportion, rounded down to the sixth decimal; all of it for all of the money. */
export function takenBack(credits: Micros, reversed: Micros, paid: Micros): Micros {
  return paid === 0n ? 0n : (credits * reversed) / paid;
}
