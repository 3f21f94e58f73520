import type Stripe from 'stripe';
import type { SubscriptionStatus } from '../../db/types.ts';
import { readSubscription } from '../../subscriptions/subscriptions.ts';
import type { Standing, Terms } from '../../subscriptions/types.ts';
import { Contradiction } from '../change.ts';
import { ask } from '../client.ts';
import { dateOf, expanded, idOf } from '../references.ts';
import type { StripeServices } from '../services.ts';
import { findTerms, termsOf } from './prices.ts';
import { subscriptionStatus } from './status.ts';

/** What standingOf reads of a subscription besides itself; in a list, by its names there. */
export const EXPANDED = ['latest_invoice', 'schedule'];
export const EXPANDED_IN_LIST = EXPANDED.map((name) => `data.${name}`);

export function retrieveSubscription(
  { stripe }: StripeServices,
  subscriptionId: string,
): Promise<Stripe.Subscription> {
  return ask(() => stripe.subscriptions.retrieve(subscriptionId, { expand: EXPANDED }));
}

/** How a subscription stands, in our words; null where it grants nothing and never did. Throws a Contradiction. */
export async function standingOf(
  services: StripeServices,
  subscription: Stripe.Subscription,
  link: { workspaceId: string; paymentUserId: string },
): Promise<Standing | null> {
  const status = subscriptionStatus(subscription.status);
  if (status === null) return null;
  const item = planItemOf(subscription);
  const hasEnded = status === 'CANCELED';
  const terms = grantsNothing(status)
    ? await lastTermsOf(services, subscription, item, link)
    : termsOf(item.price);
  if (terms === null) return null;
  const endedAt = subscription.ended_at ?? subscription.canceled_at;
  return {
    ...link,
    ...terms,
    subscriptionId: subscription.id,
    status,
    currency: subscription.currency,
    startDate: dateOf(subscription.start_date),
    endDate: dateOf(hasEnded && endedAt !== null ? endedAt : item.current_period_end),
    trialEnd: subscription.trial_end === null ? null : dateOf(subscription.trial_end),
    cancelAt: hasEnded ? null : cancelAtOf(subscription, item),
    pastDueSince: status === 'PAST_DUE' ? pastDueSinceOf(subscription) : null,
    endReason: subscription.cancellation_details?.reason ?? null,
    pending: hasEnded ? null : await pendingOf(services, subscription),
  };
}

function grantsNothing(status: SubscriptionStatus): boolean {
  return status === 'CANCELED' || status === 'UNPAID';
}

/** What it was for: one that grants nothing any more does so at whatever price it has come to, too. */
async function lastTermsOf(
  { pool }: StripeServices,
  { id }: Stripe.Subscription,
  { price }: Stripe.SubscriptionItem,
  { workspaceId }: { workspaceId: string },
): Promise<Terms | null> {
  const terms = findTerms(price);
  if (terms !== null) return terms;
  const kept = await readSubscription(pool, workspaceId);
  return kept?.subscriptionId === id ? { plan: kept.plan, interval: kept.interval ?? 'month' } : null;
}

/** The item that the plan is paid with: others may be beside it. Its period counts. */
export function planItemOf({ id, items }: Stripe.Subscription): Stripe.SubscriptionItem {
  const item = items.data.find(({ price }) => findTerms(price) !== null) ?? items.data[0];
  if (item !== undefined) return item;
  throw new Contradiction(`The subscription ${id} has no items. Its plan stays as it was.`);
}

function cancelAtOf(
  { cancel_at: cancelAt, cancel_at_period_end: atPeriodEnd }: Stripe.Subscription,
  item: Stripe.SubscriptionItem,
): Date | null {
  if (cancelAt !== null) return dateOf(cancelAt);
  return atPeriodEnd ? dateOf(item.current_period_end) : null;
}

/** Its invoice is tried when it is finalized: that is when it first failed. */
function pastDueSinceOf(subscription: Stripe.Subscription): Date {
  const invoice = expanded(subscription.latest_invoice);
  return dateOf(invoice?.status_transitions.finalized_at ?? invoice?.created ?? subscription.created);
}

/** What it becomes at the end of its period, by its schedule; what is no plan's is told of when it comes to that. */
async function pendingOf(
  { stripe }: StripeServices,
  subscription: Stripe.Subscription,
): Promise<(Terms & { at: Date }) | null> {
  const schedule = expanded(subscription.schedule);
  const current = schedule?.current_phase;
  if (schedule === null || current === null || current === undefined) return null;
  const next = schedule.phases.find((phase) => phase.start_date >= current.end_date);
  if (next === undefined) return null;
  for (const { price } of next.items) {
    const terms = findTerms(await ask(() => stripe.prices.retrieve(idOf(price))));
    if (terms !== null) return { ...terms, at: dateOf(next.start_date) };
  }
  return null;
}
