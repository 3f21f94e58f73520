import type Stripe from 'stripe';
import { emit, previousOf } from '../events.ts';
import { idOf } from '../references.ts';
import { nowSeconds, type World } from '../world.ts';
import { subscriptionOf, voidInvoice } from './invoices.ts';
import { applyPendingUpdate, expirePendingUpdate } from './pendingUpdates.ts';
import { changeSubscription, endSubscription, isOver } from './state.ts';

/** What a paid invoice does for its subscription. Only the latest decides whether it is in good standing. */
export function afterPaid(world: World, invoice: Stripe.Invoice): void {
  const subscription = subscriptionOf(world, invoice);
  if (subscription === undefined || isOver(subscription)) return;
  if (world.store.get('waitingChange', subscription.id)?.invoice === invoice.id) {
    applyPendingUpdate(world, subscription);
    return;
  }
  if (subscription.latest_invoice !== invoice.id) return;
  const isTrial = subscription.trial_end !== null && subscription.trial_end > nowSeconds(world);
  if (subscription.status === 'incomplete') {
    changeSubscription(world, subscription, { status: isTrial ? 'trialing' : 'active' });
  }
  if (subscription.status === 'past_due' || subscription.status === 'unpaid') {
    changeSubscription(world, subscription, { status: 'active' });
  }
  if (subscription.status === 'paused') resumed(world, subscription, 'active');
}

/** A bank has still to answer; until it says no, the subscription runs. */
export function afterProcessing(world: World, invoice: Stripe.Invoice): void {
  const subscription = subscriptionOf(world, invoice);
  if (subscription?.latest_invoice !== invoice.id || subscription.status !== 'incomplete') return;
  changeSubscription(world, subscription, { status: 'active' });
}

/** An invoice is not collected any more: what waited for it is over, and what was late is not late any more. */
export function afterDropped(world: World, invoice: Stripe.Invoice): void {
  const subscription = subscriptionOf(world, invoice);
  if (subscription?.latest_invoice !== invoice.id) return;
  const waiting = world.store.get('waitingChange', subscription.id);
  if (invoice.status === 'void' && waiting?.invoice === invoice.id) {
    expirePendingUpdate(world, subscription);
    return;
  }
  if (subscription.status === 'incomplete') expireIncomplete(world, subscription);
  if (subscription.status === 'past_due' || subscription.status === 'unpaid') {
    changeSubscription(world, subscription, { status: 'active' });
  }
}

/** A subscription whose first invoice was never paid comes to nothing. */
export function expireIncomplete(world: World, subscription: Stripe.Subscription): void {
  const invoice = world.store.get('invoice', idOf(subscription.latest_invoice) ?? '');
  if (invoice?.status === 'open') voidInvoice(world, invoice);
  const now = nowSeconds(world);
  changeSubscription(world, subscription, { canceled_at: now, ended_at: now, status: 'incomplete_expired' });
}

/** A paused subscription runs again. */
export function resumed(
  world: World,
  before: Stripe.Subscription,
  status: 'active' | 'past_due',
  change: Partial<Stripe.Subscription> = {},
): Stripe.Subscription {
  const { status_details: _, ...rest } = before;
  const running: Stripe.Subscription = { ...rest, ...change, status };
  world.store.put('subscription', running);
  emit(world, {
    type: 'customer.subscription.updated',
    data: { object: running, previous_attributes: previousOf(before, running) },
  });
  emit(world, { type: 'customer.subscription.resumed', data: { object: running } });
  return running;
}

/** An attempt has failed. With no more to come, the account's setting says what becomes of the subscription. */
export function afterFailed(world: World, invoice: Stripe.Invoice, isLastAttempt: boolean): void {
  const subscription = subscriptionOf(world, invoice);
  if (subscription === undefined || subscription.latest_invoice !== invoice.id) return;
  if (world.store.get('waitingChange', subscription.id)?.invoice === invoice.id) return;
  const { status } = subscription;
  const late =
    status === 'active' || status === 'trialing'
      ? changeSubscription(world, subscription, { status: 'past_due' })
      : subscription;
  if (!isLastAttempt || late.status !== 'past_due') return;
  if (world.dunning.outcome === 'cancel') endSubscription(world, late, 'payment_failed');
  if (world.dunning.outcome === 'unpaid') changeSubscription(world, late, { status: 'unpaid' });
}
