import type Stripe from 'stripe';
import { emit } from '../events.ts';
import type { World } from '../world.ts';
import { DAY_SECONDS } from './periods.ts';
import { previewInvoice } from './preview.ts';
import { endsWithSchedule } from './scheduleState.ts';
import { periodEnd } from './state.ts';

const NOTICE_SECONDS = 7 * DAY_SECONDS; // Stripe's default

/** When the next invoice is to be told of, or null when it has been, or none comes. */
export function renewalNoticeDue(world: World, subscription: Stripe.Subscription): number | null {
  const end = periodEnd(subscription);
  const { id, cancel_at: last, items, status } = subscription;
  if (status !== 'active' || (last !== null && last <= end)) return null;
  if (endsWithSchedule(world, subscription, end)) return null;
  if (world.store.get('reminder', id)?.renewal === end) return null;
  const start = Math.max(...items.data.map((item) => item.current_period_start));
  return end - NOTICE_SECONDS > start ? end - NOTICE_SECONDS : null;
}

export function announceRenewal(world: World, subscription: Stripe.Subscription): void {
  const { id } = subscription;
  const trialEnd = world.store.get('reminder', id)?.trialEnd ?? null;
  world.store.put('reminder', { id, renewal: periodEnd(subscription), trialEnd });
  const { id: _, ...upcoming } = previewInvoice(world, { subscription: id });
  // It is not there yet, so it has no id. The types do not know that.
  emit(world, { type: 'invoice.upcoming', data: { object: upcoming as Stripe.Invoice } });
}
