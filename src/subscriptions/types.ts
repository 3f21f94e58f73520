import type pg from 'pg';
import type { Catalog, Interval, Plan } from '../catalog/types.ts';
import type { SubscriptionStatus } from '../db/types.ts';
import type { Engine } from '../engine/engine.ts';
import type { Clock } from '../lib/clock.ts';

/** What the verbs of subscriptions work with. */
export type SubscriptionServices = { pool: pg.Pool; engine: Engine; catalog: Catalog; clock: Clock };

/** A plan, and how often it is billed. */
export type Terms = { plan: Plan; interval: Interval };

/** A subscription as it stands at the provider, in our words. */
export type Standing = Terms & {
  /** The provider's name of it. */
  subscriptionId: string;
  workspaceId: string;
  paymentUserId: string;
  status: SubscriptionStatus;
  currency: string;
  startDate: Date;
  /** The end of the present billing period; of one that has ended, when it did. */
  endDate: Date;
  trialEnd: Date | null;
  /** When it ends by itself; null: it is renewed. */
  cancelAt: Date | null;
  /** Since when a payment is owed. */
  pastDueSince: Date | null;
  /** What ended it, or will, in the provider's words. */
  endReason: string | null;
  /** What it becomes when its billing period ends. */
  pending: (Terms & { at: Date }) | null;
};

/** One that is kept here. What a host has written itself may lack how it is billed. */
export type Kept = Omit<Standing, 'interval' | 'currency' | 'paymentUserId' | 'pastDueSince'> & {
  id: string;
  interval: Interval | null;
  currency: string | null;
  paymentUserId: string | null;
  allowanceAnchor: Date | null;
  graceUntil: Date | null;
};
