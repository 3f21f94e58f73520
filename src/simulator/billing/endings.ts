import type Stripe from 'stripe';
import { invalid } from '../api/errors.ts';
import { boolean, definedOf, type Params } from '../api/params.ts';
import { liveCustomer } from '../livingCustomers.ts';
import { nowSeconds, type World } from '../world.ts';
import { costFor } from './discounts.ts';
import { cancellationDetails } from './fields.ts';
import { composeProration, keepProrations, waitingItems } from './invoiceItems.ts';
import { composeInvoice, finalizeInvoice, keepDraft } from './invoices.ts';
import { lineOfItem } from './lines.ts';
import { payInvoice } from './paying.ts';
import { unusedTime } from './proration.ts';
import { detailsOf, endSubscription, findSubscription, isOver, isRunning } from './state.ts';
import { inTimeOf } from './timed.ts';

export const cancelFields = {
  cancellation_details: cancellationDetails,
  invoice_now: boolean(),
  prorate: boolean(),
};

/** Ends a subscription at once. */
export function cancelSubscription(
  world: World,
  params: Params<typeof cancelFields>,
  id: string,
): Stripe.Subscription {
  const before = findSubscription(world, id);
  if (isOver(before)) {
    throw invalid(`No such subscription: '${id}'`, { code: 'resource_missing', param: 'id' });
  }
  const sent = definedOf(params.cancellation_details ?? {});
  const named = { ...before, cancellation_details: { ...detailsOf(before), ...sent } };
  if (params.prorate === true && isRunning(before) && before.status !== 'trialing') credit(world, before);
  const ended = endSubscription(world, named, 'cancellation_requested');
  if (params.invoice_now !== true) return ended;
  billRest(world, ended);
  return findSubscription(world, id);
}

function credit(world: World, subscription: Stripe.Subscription): void {
  const customer = liveCustomer(world, String(subscription.customer));
  const now = nowSeconds(world);
  const items = subscription.items.data.map((item) =>
    composeProration(world, customer, unusedTime(item, now, costFor(world, subscription))),
  );
  keepProrations(world, items);
}

/** One last invoice for what still waits for one. */
function billRest(world: World, subscription: Stripe.Subscription): void {
  const customer = String(subscription.customer);
  const waiting = waitingItems(world, customer, subscription.id);
  if (waiting.length === 0) return;
  const now = nowSeconds(world);
  const draft = composeInvoice(world, {
    customer,
    currency: subscription.currency,
    reason: 'subscription_update',
    subscription,
    lines: waiting.map(lineOfItem),
    period: { start: now, end: now },
    finalizesAt: null,
  });
  world.store.put('subscription', { ...subscription, latest_invoice: draft.id });
  payInvoice(world, finalizeInvoice(world, keepDraft(world, draft, waiting)));
}

/** A customer who is deleted leaves no subscription behind. */
export function cancelAll(world: World, customer: string): void {
  for (const subscription of [...world.store.all('subscription')]) {
    if (subscription.customer === customer && !isOver(subscription)) {
      endSubscription(inTimeOf(world, subscription.test_clock), subscription, 'cancellation_requested');
    }
  }
}
