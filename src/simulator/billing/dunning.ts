import type Stripe from 'stripe';
import { DAY_SECONDS } from './periods.ts';

export type Dunning = {
  /** Days after the first attempt on which an unpaid invoice is tried again. */
  retryDays: number[];
  /** What becomes of the subscription when the last attempt has failed too. */
  outcome: 'cancel' | 'unpaid' | 'past_due';
};

export const DUNNING: Dunning = { retryDays: [1, 3, 5, 7], outcome: 'cancel' };

/** When an invoice is tried again, or null when it has been tried often enough. */
export function nextAttempt(
  { retryDays }: Dunning,
  { attempt_count: attempts, status_transitions: { finalized_at: first } }: Stripe.Invoice,
): number | null {
  const days = retryDays[attempts - 1];
  return days === undefined || first === null ? null : first + days * DAY_SECONDS;
}
