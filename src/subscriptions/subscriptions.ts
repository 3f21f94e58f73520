import type { Selectable } from 'kysely';
import { z } from 'zod';
import { PaymentPlatform, PlanType, type Subscription as Row, SubscriptionStatus } from '../db/types.ts';

export const subscriptionSchema = z
  .object({
    id: z.string(),
    paymentPlatform: z.enum(PaymentPlatform),
    subscriptionId: z.string(),
    status: z.enum(SubscriptionStatus),
    workspaceId: z.string(),
    plan: z.enum(PlanType),
    startDate: z.iso.datetime(),
    endDate: z.iso.datetime(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Subscription' });
export type Subscription = z.infer<typeof subscriptionSchema>;

/** A Subscription row as it is answered. */
export function subscriptionOf(row: Selectable<Row>): Subscription {
  return {
    ...row,
    startDate: row.startDate.toISOString(),
    endDate: row.endDate.toISOString(),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}
