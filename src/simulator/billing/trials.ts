import type Stripe from 'stripe';
import { emit } from '../events.ts';
import { nowSeconds, type World } from '../world.ts';
import { DAY_SECONDS } from './periods.ts';

const NOTICE_SECONDS = 3 * DAY_SECONDS; // Stripe's

/** When a trial's end is to be told of, or null when it has been. */
export function noticeDue(world: World, { id, status, trial_end: end }: Stripe.Subscription): number | null {
  if (status !== 'trialing' || end === null) return null;
  return world.store.get('reminder', id)?.trialEnd === end ? null : end - NOTICE_SECONDS;
}

/** Three days before a trial ends, or at once when it is shorter: told once for each end. */
export function announceTrialEnd(world: World, subscription: Stripe.Subscription): void {
  const due = noticeDue(world, subscription);
  if (due === null || due > nowSeconds(world)) return;
  const { id } = subscription;
  const renewal = world.store.get('reminder', id)?.renewal ?? null;
  world.store.put('reminder', { id, renewal, trialEnd: subscription.trial_end });
  emit(world, { type: 'customer.subscription.trial_will_end', data: { object: subscription } });
}
