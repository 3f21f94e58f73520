import type { Selectable } from 'kysely';
import { z } from 'zod';
import type { Interval } from '../catalog/types.ts';
import { PaymentPlatform, PlanType, type Subscription as Row, SubscriptionStatus } from '../db/types.ts';
import type { Queryable } from '../engine/store.ts';
import { Refusal } from '../lib/errors.ts';
import { readRow } from './store.ts';

export {
  findOverdueCustomers,
  findSubscriptionsOf,
  findWorkspaceOf,
  isPaidFor,
  lockSubscription,
  readSubscription,
} from './store.ts';

const time = z.iso.datetime();
export const intervalSchema = z.enum(['month', 'year'], "must be 'month' or 'year'");

export const subscriptionSchema = z
  .object({
    id: z.string(),
    paymentPlatform: z.enum(PaymentPlatform),
    subscriptionId: z.string(),
    status: z.enum(SubscriptionStatus),
    workspaceId: z.string(),
    plan: z.enum(PlanType),
    interval: intervalSchema.nullable(),
    currency: z.string().nullable(),
    paymentUserId: z.string().nullable(),
    startDate: time,
    endDate: time.meta({
      description: 'The end of the present billing period; of one that ended, when it did.',
    }),
    trialEnd: time.nullable(),
    cancelAt: time.nullable().meta({ description: 'When it ends, unless it is resumed.' }),
    graceUntil: time.nullable().meta({ description: 'Past due, it keeps its plan until then.' }),
    endReason: z.string().nullable().meta({ description: "What ended it, in Stripe's words." }),
    pending: z
      .object({ plan: z.enum(PlanType), interval: intervalSchema, at: time })
      .nullable()
      .meta({ description: 'What it becomes when its billing period ends.' }),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Subscription' });
export type Subscription = z.infer<typeof subscriptionSchema>;

/** A Subscription row as it is answered. */
export function subscriptionOf(row: Selectable<Row>): Subscription {
  const { allowanceAnchor: _anchor, pendingPlan, pendingInterval, pendingAt, ...kept } = row;
  return {
    ...kept,
    interval: kept.interval as Interval | null,
    startDate: row.startDate.toISOString(),
    endDate: row.endDate.toISOString(),
    trialEnd: row.trialEnd?.toISOString() ?? null,
    cancelAt: row.cancelAt?.toISOString() ?? null,
    graceUntil: row.graceUntil?.toISOString() ?? null,
    pending:
      pendingPlan === null || pendingAt === null
        ? null
        : { plan: pendingPlan, interval: pendingInterval as Interval, at: pendingAt.toISOString() },
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

/** The subscription of a workspace, as it is answered. */
export async function showSubscription(db: Queryable, workspaceId: string): Promise<Subscription> {
  const row = await readRow(db, workspaceId);
  if (row !== undefined) return subscriptionOf(row);
  throw new Refusal('not_found', `The workspace ${JSON.stringify(workspaceId)} has no subscription.`);
}
