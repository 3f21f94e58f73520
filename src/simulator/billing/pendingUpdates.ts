import type Stripe from 'stripe';
import { emit } from '../events.ts';
import { nowSeconds, type World } from '../world.ts';
import { findInvoice, voidInvoice } from './invoices.ts';
import { HOUR_SECONDS } from './periods.ts';
import { changeSubscription } from './state.ts';

const LIFETIME_SECONDS = 23 * HOUR_SECONDS; // Stripe's

/** A change that comes when its invoice is paid, and not at all when it is not paid in time. */
export function keepPendingUpdate(
  world: World,
  subscription: Stripe.Subscription,
  invoice: string,
  change: Partial<Stripe.Subscription>,
): Stripe.Subscription {
  world.store.put('waitingChange', { id: subscription.id, invoice, change });
  return changeSubscription(world, subscription, {
    latest_invoice: invoice,
    pending_update: {
      billing_cycle_anchor: change.billing_cycle_anchor ?? null,
      cancel_at_period_end: change.cancel_at_period_end ?? null,
      discount: null,
      discounts: null,
      expires_at: nowSeconds(world) + LIFETIME_SECONDS,
      metadata: change.metadata ?? null,
      subscription_items: change.items?.data ?? null,
      trial_end: change.trial_end ?? null,
      trial_from_plan: null,
    },
  });
}

export function applyPendingUpdate(world: World, subscription: Stripe.Subscription): void {
  const waiting = world.store.get('waitingChange', subscription.id);
  if (waiting === undefined) return;
  world.store.drop('waitingChange', subscription.id);
  const applied = changeSubscription(world, subscription, { ...waiting.change, pending_update: null });
  emit(world, { type: 'customer.subscription.pending_update_applied', data: { object: applied } });
}

/** Its time is over: the subscription stays as it is, and the invoice is not owed any more. */
export function expirePendingUpdate(world: World, subscription: Stripe.Subscription): void {
  const waiting = world.store.get('waitingChange', subscription.id);
  world.store.drop('waitingChange', subscription.id);
  if (waiting !== undefined) dropInvoice(world, waiting.invoice);
  const expired = changeSubscription(world, subscription, { pending_update: null });
  emit(world, { type: 'customer.subscription.pending_update_expired', data: { object: expired } });
}

/** Another change takes the place of the one that waits. */
export function replacePendingUpdate(world: World, subscription: Stripe.Subscription): Stripe.Subscription {
  const waiting = world.store.get('waitingChange', subscription.id);
  if (waiting === undefined) return subscription;
  world.store.drop('waitingChange', subscription.id);
  dropInvoice(world, waiting.invoice);
  return changeSubscription(world, subscription, { pending_update: null });
}

function dropInvoice(world: World, id: string): void {
  const invoice = findInvoice(world, id);
  if (invoice.status === 'open' || invoice.status === 'uncollectible') voidInvoice(world, invoice);
}
