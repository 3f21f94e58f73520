import type Stripe from 'stripe';
import { definedOf } from '../api/params.ts';
import { emit } from '../events.ts';
import { idOf } from '../references.ts';
import { nowSeconds, type World } from '../world.ts';
import type { ChangeParams } from './changes.ts';
import { changeSchedule, nextPhase, type Phase, type Schedule, scheduleOf } from './scheduleState.ts';
import { changeSubscription, endSubscription } from './state.ts';
import { updateSubscription } from './updates.ts';

/** A phase is over: the next one begins, or the schedule ends as it says. */
export function endPhase(world: World, subscription: Stripe.Subscription): void {
  const schedule = scheduleOf(world, subscription)!;
  const next = nextPhase(schedule);
  if (next !== undefined) {
    const entered = changeSchedule(world, schedule, {
      current_phase: { end_date: next.end_date, start_date: next.start_date },
    });
    enterPhase(world, entered, next, next.proration_behavior);
    return;
  }
  if (schedule.end_behavior === 'release') {
    freeSubscription(world, schedule);
    return;
  }
  const completed: Schedule = {
    ...schedule,
    completed_at: nowSeconds(world),
    current_phase: null,
    status: 'completed',
  };
  world.store.put('schedule', completed);
  emit(world, { type: 'subscription_schedule.completed', data: { object: completed } });
  endSubscription(world, subscription, null);
}

/** Makes the subscription what a phase says. */
export function enterPhase(
  world: World,
  schedule: Schedule,
  phase: Phase,
  proration: Phase['proration_behavior'],
): void {
  const id = idOf(schedule.subscription) ?? '';
  const subscription = world.store.get('subscription', id)!;
  const method = idOf(phase.default_payment_method) ?? undefined;
  const about = definedOf({ default_payment_method: method, description: phase.description ?? undefined });
  const metadata = { ...subscription.metadata, ...phase.metadata };
  updateSubscription(world, { ...about, ...phaseChange(subscription, phase, proration), metadata }, id);
}

/** What a phase changes of the bill. */
export function phaseChange(
  { items }: Stripe.Subscription,
  phase: Phase,
  proration: Phase['proration_behavior'],
): ChangeParams {
  const wanted = phase.items.map(({ metadata: about, price, quantity }) => ({
    metadata: about ?? {},
    price: idOf(price) ?? '',
    quantity: quantity ?? 1,
  }));
  const behaviors = ['always_invoice', 'create_prorations', 'none'] as const;
  return {
    ...(phase.billing_cycle_anchor === 'phase_start' ? { billing_cycle_anchor: { type: 'now' } } : {}),
    items: replacing(items.data, wanted),
    proration_behavior: behaviors.find((behavior) => behavior === proration) ?? 'create_prorations',
  };
}

type Wanted = { metadata: Record<string, string>; price: string; quantity: number };

/** Items keep their ids: one with the same price first, then in their order. */
function replacing(before: Stripe.SubscriptionItem[], wanted: Wanted[]) {
  const left = [...before];
  const take = (index: number) => (index < 0 ? undefined : left.splice(index, 1)[0]);
  const same = wanted.map(({ price }) => take(left.findIndex((item) => item.price.id === price)));
  const changes = wanted.map((item, index) => {
    const id = (same[index] ?? take(left.length > 0 ? 0 : -1))?.id;
    return id === undefined ? item : { ...item, id };
  });
  return [...changes, ...left.map(({ id }) => ({ deleted: true, id }))];
}

/** The subscription is on its own again. */
export function freeSubscription(world: World, schedule: Schedule): Schedule {
  const id = idOf(schedule.subscription) ?? '';
  const released: Schedule = {
    ...schedule,
    current_phase: null,
    released_at: nowSeconds(world),
    released_subscription: id,
    status: 'released',
    subscription: null,
  };
  world.store.put('schedule', released);
  emit(world, { type: 'subscription_schedule.released', data: { object: released } });
  const subscription = world.store.get('subscription', id);
  if (subscription !== undefined) changeSubscription(world, subscription, { schedule: null });
  return released;
}
