import type Stripe from 'stripe';
import { at, nowSeconds, type World } from '../world.ts';
import { subscriptionOf } from './invoices.ts';
import { expirePendingUpdate } from './pendingUpdates.ts';
import { HOUR_SECONDS } from './periods.ts';
import { advanceInvoice, endTrial, renew, retryInvoice } from './renewal.ts';
import { endPhase } from './scheduled.ts';
import { phaseEnd } from './scheduleState.ts';
import { expireIncomplete } from './standing.ts';
import { changeSubscription, endSubscription, isRunning, periodEnd } from './state.ts';
import { announceTrialEnd, noticeDue } from './trials.ts';
import { announceRenewal, renewalNoticeDue } from './upcoming.ts';

const INCOMPLETE_SECONDS = 23 * HOUR_SECONDS; // Stripe's

/** Something that happens by itself, and when. */
type Step = { at: number; run: (world: World) => void };

/**
 * Does what is due, in the order of its time and as if at its time, until nothing is due any more: for those who live
 * by a test clock, or for all others.
 */
export function doDue(world: World, clock: string | null = null): void {
  const now = nowSeconds(world);
  for (let due = firstDue(world, clock, now); due.length > 0; due = firstDue(world, clock, now)) {
    for (const step of due) step.run(at(world, step.at));
  }
}

/** The steps of the earliest moment that is over. One for each object: what follows from it is looked at again. */
function firstDue(world: World, clock: string | null, now: number): Step[] {
  const all = [...subscriptionSteps(world, clock), ...invoiceSteps(world, clock)];
  const steps = all.filter((step) => step.at <= now);
  const first = Math.min(...steps.map((step) => step.at));
  return steps.filter((step) => step.at === first);
}

function* subscriptionSteps(world: World, clock: string | null): Iterable<Step> {
  for (const subscription of world.store.all('subscription')) {
    if (subscription.test_clock !== clock) continue;
    const step = nextStep(world, subscription);
    if (step !== undefined) yield step;
  }
}

/** What comes next for a subscription; of two at the same time, the one that is named first. */
function nextStep(world: World, subscription: Stripe.Subscription): Step | undefined {
  const steps: Step[] = [];
  const add = (when: number | null | undefined, run: (world: World, now: Stripe.Subscription) => void) => {
    if (when === null || when === undefined) return;
    steps.push({ at: when, run: (then) => run(then, then.store.get('subscription', subscription.id)!) });
  };
  if (subscription.status === 'incomplete') add(subscription.created + INCOMPLETE_SECONDS, expireIncomplete);
  if (isRunning(subscription)) {
    add(subscription.pending_update?.expires_at, expirePendingUpdate);
    add(subscription.pause_collection?.resumes_at, resumeCollection);
    add(noticeDue(world, subscription), announceTrialEnd);
    add(renewalNoticeDue(world, subscription), announceRenewal);
    add(phaseEnd(world, subscription), endPhase);
    add(subscription.cancel_at, (then, now) => endSubscription(then, now, 'cancellation_requested'));
    if (subscription.status === 'trialing') add(subscription.trial_end, endTrial);
    else add(periodEnd(subscription), renew);
  }
  return steps.reduce<Step | undefined>(
    (first, step) => (first === undefined || step.at < first.at ? step : first),
    undefined,
  );
}

function resumeCollection(world: World, subscription: Stripe.Subscription): void {
  changeSubscription(world, subscription, { pause_collection: null });
}

function* invoiceSteps(world: World, clock: string | null): Iterable<Step> {
  for (const invoice of world.store.all('invoice')) {
    if (invoice.test_clock !== clock) continue;
    const step = invoiceStep(invoice);
    if (step !== undefined) yield step;
  }
}

function invoiceStep(invoice: Stripe.Invoice): Step | undefined {
  const { id, automatically_finalizes_at: finalizesAt, next_payment_attempt: retriesAt, status } = invoice;
  if (status === 'draft' && finalizesAt !== null) {
    return {
      at: finalizesAt,
      run: (world) => {
        const draft = world.store.get('invoice', id)!;
        if (draft.automatically_finalizes_at === finalizesAt) {
          advanceInvoice(world, draft, subscriptionOf(world, draft));
        }
      },
    };
  }
  if (status !== 'open' || retriesAt === null) return undefined;
  return {
    at: retriesAt,
    run: (world) => {
      const open = world.store.get('invoice', id)!;
      if (open.next_payment_attempt === retriesAt) retryInvoice(world, open);
    },
  };
}
