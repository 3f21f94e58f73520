import type Stripe from 'stripe';
import { Refusal } from '../../lib/errors.ts';
import { readSubscription, type Subscription, showSubscription } from '../../subscriptions/subscriptions.ts';
import type { Terms } from '../../subscriptions/types.ts';
import { commit } from '../change.ts';
import { expanded, idOf } from '../references.ts';
import type { StripeServices } from '../services.ts';
import { readInvoice } from './invoices.ts';
import { termsOf } from './prices.ts';
import { readSubscriptions } from './reading.ts';
import { planItemOf, retrieveSubscription } from './standing.ts';

/** A workspace's subscription as it is at Stripe now. */
export type Current = {
  workspaceId: string;
  subscription: Stripe.Subscription;
  item: Stripe.SubscriptionItem;
  terms: Terms;
};

/** Reads the subscription of a workspace; refused where there is none that goes on. */
export async function currentOf(services: StripeServices, workspaceId: string): Promise<Current> {
  const kept = await readSubscription(services.pool, workspaceId);
  if (kept === undefined) await services.engine.state(workspaceId); // refused where there is no such workspace
  if (kept === undefined || kept.status === 'CANCELED') throw none(workspaceId);
  const subscription = await retrieveSubscription(services, kept.subscriptionId);
  if (subscription.status === 'canceled' || subscription.status === 'incomplete_expired') {
    await settle(services, workspaceId, subscription);
    throw none(workspaceId);
  }
  const item = planItemOf(subscription);
  return { workspaceId, subscription, item, terms: termsOf(item.price) };
}

function none(workspaceId: string): Refusal {
  return new Refusal(
    'no_subscription',
    `The workspace ${workspaceId} has no subscription that goes on: begin one with POST /v1/checkout/subscription.`,
  );
}

/** Brings our rows to what Stripe has now, with its last invoice; what webhooks tell later changes nothing. */
export async function settle(
  services: StripeServices,
  workspaceId: string,
  { customer, latest_invoice: invoice }: Stripe.Subscription,
): Promise<Subscription> {
  await commit(services, await readSubscriptions(services, idOf(customer)));
  const invoiceId = idOf(invoice);
  if (invoiceId !== null) await commit(services, await readInvoice(services, invoiceId));
  return showSubscription(services.pool, workspaceId);
}

/** Refused where a payment has to be made first, with the page to make it on. */
export function paymentRequired(subscription: Stripe.Subscription, why: string): Refusal {
  const url = expanded(subscription.latest_invoice)?.hosted_invoice_url ?? null;
  const expiresAt = subscription.pending_update?.expires_at;
  return new Refusal('payment_required', `${why} The payer can pay at details.url.`, {
    details: {
      url,
      ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt * 1000).toISOString() }),
    },
  });
}
