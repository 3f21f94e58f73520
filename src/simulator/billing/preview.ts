import type Stripe from 'stripe';
import { invalid, StripeError } from '../api/errors.ts';
import { boolean, clearable, group, type Params, text } from '../api/params.ts';
import { makeId } from '../ids.ts';
import { liveCustomer } from '../livingCustomers.ts';
import { idOf } from '../references.ts';
import { at, nowSeconds, type World } from '../world.ts';
import { type Change, changeFields, planChange } from './changes.ts';
import { costFor } from './discounts.ts';
import { moment } from './fields.ts';
import { composeProration, waitingItems } from './invoiceItems.ts';
import { unusedTime } from './proration.ts';
import { composeRenewal } from './renewal.ts';
import { phaseChange } from './scheduled.ts';
import { endsWithSchedule, nextPhase, scheduleOf } from './scheduleState.ts';
import { scheduleChanges, updateSchedule } from './schedules.ts';
import { findSubscription, isRunning, periodEnd } from './state.ts';
import { composeBill } from './updates.ts';

export const previewFields = {
  customer: text(),
  schedule: text(),
  schedule_details: group({
    end_behavior: scheduleChanges.end_behavior,
    phases: scheduleChanges.phases,
    proration_behavior: scheduleChanges.proration_behavior,
  }),
  subscription: text(),
  subscription_details: group({
    ...changeFields,
    cancel_at: clearable(moment('min_period_end', 'max_period_end')),
    cancel_at_period_end: boolean(),
    cancel_now: boolean(),
  }),
};
type Details = NonNullable<Params<typeof previewFields>['subscription_details']>;

/** The next invoice of a subscription, or the one that a change of it would make. Nothing of it is kept. */
export function previewInvoice(world: World, params: Params<typeof previewFields>): Stripe.Invoice {
  const { customer, schedule, schedule_details: planned, subscription_details: details = {} } = params;
  return world.store.rehearse(() => {
    const plan = schedule === undefined ? undefined : updateSchedule(world, planned ?? {}, schedule);
    const id = plan === undefined ? params.subscription : (idOf(plan.subscription) ?? undefined);
    if (id === undefined) {
      throw invalid('Missing required param: subscription.', {
        code: 'parameter_missing',
        param: 'subscription',
      });
    }
    const subscription = findSubscription(world, id, 'subscription');
    if (customer !== undefined && customer !== subscription.customer) {
      throw invalid(`The subscription ${id} is of another customer.`, { param: 'customer' });
    }
    return preview(world, subscription, details);
  });
}

function preview(world: World, subscription: Stripe.Subscription, details: Details): Stripe.Invoice {
  if (!isRunning(subscription)) throw noneUpcoming(subscription);
  const change =
    details.cancel_now === true
      ? ending(world, subscription, details)
      : planChange(world, subscription, details);
  const customer = liveCustomer(world, String(subscription.customer));
  const waiting = [
    ...waitingItems(world, customer.id, subscription.id),
    ...change.prorations.map((proration) => composeProration(world, customer, proration)),
  ];
  if (change.isInvoiced) return asPreview(composeBill(world, change, waiting));
  return nextInvoice(world, change.after, waiting, details);
}

function ending(world: World, subscription: Stripe.Subscription, details: Details): Change {
  const isCredited = details.proration_behavior !== 'none' && subscription.status !== 'trialing';
  const from = details.proration_date ?? nowSeconds(world);
  const prorations = isCredited
    ? subscription.items.data.map((item) => unusedTime(item, from, costFor(world, subscription)))
    : [];
  return { after: subscription, prorations, lines: [], isInvoiced: true };
}

/** The invoice at the end of the period, if the subscription goes on after it. */
function nextInvoice(
  world: World,
  subscription: Stripe.Subscription,
  waiting: Stripe.InvoiceItem[],
  details: Details,
): Stripe.Invoice {
  const end = periodEnd(subscription);
  const last = subscription.cancel_at ?? Infinity;
  const isKept = details.cancel_at_period_end === false || details.cancel_at === null || last > end;
  const isLast = details.cancel_at_period_end === true || endsWithSchedule(world, subscription, end);
  if (isLast || !isKept) throw noneUpcoming(subscription);
  const then = at(world, end);
  const next = phaseFrom(world, subscription, end);
  if (next === undefined) return asPreview(composeRenewal(then, subscription, waiting).invoice);
  const change = planChange(then, subscription, phaseChange(subscription, next, next.proration_behavior));
  if (change.isInvoiced) return asPreview(composeBill(then, change, waiting));
  return asPreview(composeRenewal(then, change.after, waiting).invoice);
}

/** The phase that begins with the next period. */
function phaseFrom(world: World, subscription: Stripe.Subscription, end: number) {
  const schedule = scheduleOf(world, subscription);
  return schedule?.current_phase?.end_date === end ? nextPhase(schedule) : undefined;
}

function asPreview(invoice: Stripe.Invoice): Stripe.Invoice {
  const id = `upcoming_${makeId('invoice')}`;
  const data = invoice.lines.data.map((line) => ({ ...line, invoice: id }));
  return {
    ...invoice,
    id,
    billing_reason: 'upcoming',
    lines: { ...invoice.lines, data, url: `/v1/invoices/${id}/lines` },
  };
}

function noneUpcoming({ customer }: Stripe.Subscription): StripeError {
  return new StripeError(404, {
    ...invalid(`No upcoming invoices for customer: '${customer}'`, { code: 'invoice_upcoming_none' }).body,
  });
}
