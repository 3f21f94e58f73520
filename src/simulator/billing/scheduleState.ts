import type Stripe from 'stripe';
import { emit, previousOf } from '../events.ts';
import { idOf } from '../references.ts';
import type { World } from '../world.ts';
import { itemsOf } from './phases.ts';

export type Schedule = Stripe.SubscriptionSchedule;
export type Phase = Schedule['phases'][number];

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

/** A subscription that was changed by itself: the phase that runs says the same from now on. */
export function followItems(world: World, subscription: Stripe.Subscription): void {
  const schedule = scheduleOf(world, subscription);
  if (schedule === undefined) return;
  const items = itemsOf(subscription);
  const current = currentPhase(schedule);
  const phases = schedule.phases.map((phase) => (phase === current ? { ...phase, items } : phase));
  changeSchedule(world, schedule, { phases });
}

/** Keeps a schedule, and tells what has changed of it. */
export function changeSchedule(world: World, before: Schedule, sent: Partial<Schedule>): Schedule {
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
