import type { SubscriptionStatus } from '../../db/types.ts';
import { Contradiction } from '../change.ts';

/**
 * Stripe's statuses in the model's words. Null: it grants nothing and is kept nowhere, because its first payment has not
 * succeeded, or never did. Whether a status gives access is said in the engine, where grace and ends are known.
 * Collection that is paused leaves the status as it is.
 */
const STATUSES = {
  trialing: 'TRIAL',
  active: 'ACTIVE',
  past_due: 'PAST_DUE',
  unpaid: 'UNPAID',
  paused: 'UNPAID',
  canceled: 'CANCELED',
  incomplete: null,
  incomplete_expired: null,
} as const satisfies Record<string, SubscriptionStatus | null>;

export function subscriptionStatus(status: string): SubscriptionStatus | null {
  if (Object.hasOwn(STATUSES, status)) return STATUSES[status as keyof typeof STATUSES];
  throw new Contradiction(
    `The status of the subscription is not known: ${status}. Its plan stays as it was.`,
  );
}
