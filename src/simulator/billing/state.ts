import type Stripe from 'stripe';
import { noSuch } from '../api/errors.ts';
import { emit, previousOf } from '../events.ts';
import { idOf } from '../references.ts';
import { nowSeconds, type World } from '../world.ts';

export function findSubscription(world: World, id: string, param = 'id'): Stripe.Subscription {
  const subscription = world.store.get('subscription', id);
  if (subscription === undefined) throw noSuch('subscription', id, param);
  return subscription;
}

/** Changes a subscription and tells it, where anything really changed. */
export function changeSubscription(
  world: World,
  before: Stripe.Subscription,
  change: Partial<Stripe.Subscription>,
): Stripe.Subscription {
  const after: Stripe.Subscription = { ...before, ...change };
  const previous = previousOf(before, after);
  if (Object.keys(previous).length === 0) return before;
  world.store.put('subscription', after);
  emit(world, {
    type: 'customer.subscription.updated',
    data: { object: after, previous_attributes: previous },
  });
  return after;
}

/** A method that was detached pays for no subscription any more, now or in a phase that comes. */
export function forgetMethod(world: World, method: string): void {
  for (const subscription of [...world.store.all('subscription')]) {
    if (idOf(subscription.default_payment_method) === method) {
      changeSubscription(world, subscription, { default_payment_method: null });
    }
  }
  for (const schedule of [...world.store.all('schedule')]) {
    const isNamed = schedule.phases.some((phase) => idOf(phase.default_payment_method) === method);
    if (!isNamed) continue;
    const phases = schedule.phases.map((phase) =>
      idOf(phase.default_payment_method) === method ? { ...phase, default_payment_method: null } : phase,
    );
    world.store.put('schedule', { ...schedule, phases });
  }
}

/** It is over: nothing is invoiced any more, and what was drafted stays a draft. */
export function endSubscription(
  world: World,
  before: Stripe.Subscription,
  reason: Stripe.Subscription.CancellationDetails.Reason | null,
  change: Partial<Stripe.Subscription> = {},
): Stripe.Subscription {
  const now = nowSeconds(world);
  const ended: Stripe.Subscription = {
    ...before,
    canceled_at: before.canceled_at ?? now,
    cancellation_details: { ...detailsOf(before), reason: detailsOf(before).reason ?? reason },
    ended_at: now,
    pending_update: null,
    status: 'canceled',
    ...change,
  };
  world.store.put('subscription', ended);
  world.store.drop('waitingChange', before.id);
  world.store.drop('reminder', before.id);
  stopInvoices(world, before.id);
  stopSchedule(world, before, reason);
  emit(world, { type: 'customer.subscription.deleted', data: { object: ended } });
  return ended;
}

export function detailsOf(subscription: Stripe.Subscription): Stripe.Subscription.CancellationDetails {
  return (
    subscription.cancellation_details ?? {
      comment: null,
      feedback: null,
      feedback_option: null,
      reason: null,
    }
  );
}

/** A schedule ends with its subscription: aborted when that was not paid for. */
function stopSchedule(
  world: World,
  { schedule }: Stripe.Subscription,
  reason: Stripe.Subscription.CancellationDetails.Reason | null,
): void {
  const running = world.store.get('schedule', idOf(schedule) ?? '');
  if (running?.status !== 'active') return;
  const canceled: Stripe.SubscriptionSchedule = {
    ...running,
    canceled_at: nowSeconds(world),
    current_phase: null,
    status: 'canceled',
  };
  world.store.put('schedule', canceled);
  const type =
    reason === 'payment_failed' ? 'subscription_schedule.aborted' : 'subscription_schedule.canceled';
  emit(world, { type, data: { object: canceled } });
}

function stopInvoices(world: World, subscription: string): void {
  for (const invoice of [...world.store.all('invoice')]) {
    if (idOf(invoice.parent?.subscription_details?.subscription ?? null) !== subscription) continue;
    if (invoice.auto_advance !== true && invoice.next_payment_attempt === null) continue;
    world.store.put('invoice', {
      ...invoice,
      auto_advance: false,
      automatically_finalizes_at: null,
      next_payment_attempt: null,
    });
  }
}

/** The subscription lives: its periods pass and it is invoiced. */
export function isRunning({ status }: Stripe.Subscription): boolean {
  return ['active', 'past_due', 'trialing', 'unpaid'].includes(status);
}

export function isOver({ status }: Stripe.Subscription): boolean {
  return status === 'canceled' || status === 'incomplete_expired';
}

/** When the first of its items is due. */
export function periodEnd({ items }: Stripe.Subscription): number {
  return Math.min(...items.data.map((item) => item.current_period_end));
}

export function withItems(
  subscription: Stripe.Subscription,
  data: Stripe.SubscriptionItem[],
): Stripe.Subscription['items'] {
  return { ...subscription.items, data };
}
