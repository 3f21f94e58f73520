import type Stripe from 'stripe';
import { definedOf } from '../api/params.ts';
import { emit, previousOf } from '../events.ts';
import { idOf } from '../payments/payments.ts';
import { nowSeconds, type World } from '../world.ts';
import type { ChangeParams } from './changes.ts';
import { itemsOf } from './phases.ts';
import { changeSubscription, endSubscription } from './state.ts';
import { updateSubscription } from './updates.ts';

type Schedule = Stripe.SubscriptionSchedule;
type Phase = Schedule['phases'][number];

export function scheduleOf(world: World, { schedule }: Stripe.Subscription): Schedule | undefined {
  const id = idOf(schedule);
  return id === null ? undefined : world.store.get('schedule', id);
}

export function currentPhase({ current_phase: current, phases }: Schedule): Phase {
  const found = phases.find((phase) => phase.start_date === current?.start_date);
  if (found === undefined) throw new Error('a schedule that runs has a phase that runs');
  return found;
}

export function nextPhase({ current_phase: current, phases }: Schedule): Phase | undefined {
  return phases.find((phase) => phase.start_date === current?.end_date);
}

/** Whether a subscription ends then, because its schedule says so. */
export function endsWithSchedule(world: World, subscription: Stripe.Subscription, end: number): boolean {
  const schedule = scheduleOf(world, subscription);
  if (schedule?.current_phase?.end_date !== end || schedule.end_behavior !== 'cancel') return false;
  return nextPhase(schedule) === undefined;
}

/** When the phase that runs is over. */
export function phaseEnd(world: World, subscription: Stripe.Subscription): number | null {
  return scheduleOf(world, subscription)?.current_phase?.end_date ?? null;
}

/** A phase is over: the next one begins, or the schedule ends as it says. */
export function endPhase(world: World, subscription: Stripe.Subscription): void {
  const schedule = scheduleOf(world, subscription)!;
  const next = nextPhase(schedule);
  if (next !== undefined) {
    const entered = change(world, schedule, {
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

/** A subscription that was changed by itself: the phase that runs says the same from now on. */
export function followItems(world: World, subscription: Stripe.Subscription): void {
  const schedule = scheduleOf(world, subscription);
  if (schedule === undefined) return;
  const items = itemsOf(subscription);
  const current = currentPhase(schedule);
  const phases = schedule.phases.map((phase) => (phase === current ? { ...phase, items } : phase));
  change(world, schedule, { phases });
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

function change(world: World, before: Schedule, sent: Partial<Schedule>): Schedule {
  const after: Schedule = { ...before, ...sent };
  const previous = previousOf(before, after);
  if (Object.keys(previous).length === 0) return before;
  world.store.put('schedule', after);
  emit(world, {
    type: 'subscription_schedule.updated',
    data: { object: after, previous_attributes: previous },
  });
  return after;
}
