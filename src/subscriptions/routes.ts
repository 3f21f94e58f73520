import { listEndpoint, oneOf } from '../db/list.ts';
import type { Db } from '../db/pool.ts';
import { PaymentPlatform, PlanType, SubscriptionStatus } from '../db/types.ts';
import type { Endpoint } from '../lib/endpoint.ts';
import { listSubscriptions } from './store.ts';
import { subscriptionOf, subscriptionSchema } from './subscriptions.ts';

export function subscriptionRoutes({ db }: { db: Db }): Endpoint[] {
  return [
    listEndpoint({
      path: '/v1/subscriptions',
      summary: 'Subscriptions of workspaces',
      row: subscriptionSchema,
      filters: {
        status: oneOf(SubscriptionStatus),
        plan: oneOf(PlanType),
        paymentPlatform: oneOf(PaymentPlatform),
      },
      read: (page, filters) => listSubscriptions(db, page, filters),
      answer: subscriptionOf,
    }),
  ];
}
