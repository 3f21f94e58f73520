import type Stripe from 'stripe';
import { invalid } from '../api/errors.ts';
import { group, integer, oneOf, type Params, required } from '../api/params.ts';
import { emit } from '../events.ts';
import { liveCustomer } from '../livingCustomers.ts';
import { nowSeconds, type World } from '../world.ts';
import { planChange, withCancellation } from './changes.ts';
import { costFor } from './discounts.ts';
import { prorationBehavior } from './fields.ts';
import { composeProration, keepProrations, waitingItems } from './invoiceItems.ts';
import { finalizeInvoice, keepDraft } from './invoices.ts';
import { recurrenceOf, withPeriod } from './items.ts';
import { payInvoice } from './paying.ts';
import { periodAround } from './periods.ts';
import { unusedTime } from './proration.ts';
import { resumed } from './standing.ts';
import { changeSubscription, findSubscription, withItems } from './state.ts';
import { composeBill } from './updates.ts';

export const pauseFields = {
  bill_for: group({ unused_time_from: group({ type: required(oneOf('none', 'now')) }) }),
  invoicing_behavior: oneOf('pending_invoice_item'),
  type: oneOf('subscription'),
};

/** Stops everything: no periods pass and nothing is invoiced until it is resumed. */
export function pauseSubscription(
  world: World,
  params: Params<typeof pauseFields>,
  id: string,
): Stripe.Subscription {
  const before = findSubscription(world, id);
  if (before.status !== 'active' && before.status !== 'trialing') {
    throw invalid(`Only active subscriptions can be paused; this one is ${before.status}.`);
  }
  if (before.status === 'active' && params.bill_for?.unused_time_from?.type !== 'none') {
    const customer = liveCustomer(world, String(before.customer));
    const now = nowSeconds(world);
    const items = before.items.data.map((item) =>
      composeProration(world, customer, unusedTime(item, now, costFor(world, before))),
    );
    keepProrations(world, items);
  }
  return pause(world, before, 'pause_requested');
}

/** Pauses it, for whatever reason. */
export function pause(
  world: World,
  before: Stripe.Subscription,
  type: Stripe.Subscription.StatusDetails.Paused.Subscription.Type,
): Stripe.Subscription {
  const paused = changeSubscription(world, before, {
    status: 'paused',
    status_details: {
      paused: { subscription: { type }, transitioned_at: nowSeconds(world), type: 'subscription' },
    },
  });
  emit(world, { type: 'customer.subscription.paused', data: { object: paused } });
  return paused;
}

export const resumeFields = {
  billing_cycle_anchor: group({ type: required(oneOf('now', 'unchanged')) }),
  payment_behavior: oneOf('resume_on_payment_attempt', 'resume_on_payment_success'),
  proration_behavior: prorationBehavior,
  proration_date: integer(),
};

/** Lets a paused subscription run again: from now on, or in the period that would run without the pause. */
export function resumeSubscription(
  world: World,
  params: Params<typeof resumeFields>,
  id: string,
): Stripe.Subscription {
  const before = findSubscription(world, id);
  if (before.status !== 'paused') {
    throw invalid(`Only paused subscriptions can be resumed; this one is ${before.status}.`);
  }
  if (params.billing_cycle_anchor?.type === 'unchanged') {
    return resumed(world, before, 'active', { items: withItems(before, caughtUp(world, before)) });
  }
  const change = planChange(world, before, {
    billing_cycle_anchor: { type: 'now' },
    proration_behavior: 'none',
  });
  const waiting = waitingItems(world, String(before.customer), id);
  const draft = composeBill(world, change, waiting);
  const after = changeSubscription(world, before, {
    ...withCancellation(change.after),
    latest_invoice: draft.id,
    status: 'paused',
  });
  const open = finalizeInvoice(world, keepDraft(world, draft, waiting));
  const { decline } = payInvoice(world, open);
  if (decline !== null && params.payment_behavior !== 'resume_on_payment_success') {
    resumed(world, findSubscription(world, after.id), 'past_due');
  }
  return findSubscription(world, id);
}

function caughtUp(world: World, subscription: Stripe.Subscription): Stripe.SubscriptionItem[] {
  const { billing_cycle_anchor: anchor, items } = subscription;
  return items.data.map((item) =>
    withPeriod(item, periodAround(anchor, recurrenceOf(item), nowSeconds(world))),
  );
}
