import type Stripe from 'stripe';
import { cardError, invalid, StripeError } from '../api/errors.ts';
import { changeMetadata, metadata } from '../api/metadata.ts';
import {
  boolean,
  clearable,
  definedOf,
  group,
  integer,
  oneOf,
  type Params,
  required,
  text,
} from '../api/params.ts';
import { liveCustomer } from '../livingCustomers.ts';
import { nowSeconds, type World } from '../world.ts';
import { methodOf } from './beginnings.ts';
import { type Change, changeFields, planChange, withCancellation } from './changes.ts';
import { discountChanges, dropDiscounts, giveDiscounts } from './discounts.ts';
import { cancellationDetails, moment, paymentBehavior, paymentSettings, trialSettings } from './fields.ts';
import { composeProration, keepProrations, waitingItems } from './invoiceItems.ts';
import { composeInvoice, finalizeInvoice, findInvoice, keepDraft } from './invoices.ts';
import { lineOfItem } from './lines.ts';
import { intentFor, payInvoice } from './paying.ts';
import { keepPendingUpdate, replacePendingUpdate } from './pendingUpdates.ts';
import { followItems } from './scheduleState.ts';
import { changeSubscription, detailsOf, findSubscription, isOver, periodEnd } from './state.ts';
import { announceTrialEnd } from './trials.ts';

export const subscriptionChanges = {
  ...changeFields,
  cancel_at: clearable(moment('min_period_end', 'max_period_end')),
  cancel_at_period_end: boolean(),
  cancellation_details: cancellationDetails,
  default_payment_method: clearable(text()),
  description: clearable(text(500)),
  discounts: clearable(discountChanges),
  metadata: metadata(),
  off_session: boolean(),
  pause_collection: clearable(
    group({
      behavior: required(oneOf('keep_as_draft', 'mark_uncollectible', 'void')),
      resumes_at: integer(),
    }),
  ),
  payment_behavior: paymentBehavior,
  payment_settings: paymentSettings,
  trial_settings: trialSettings,
};
type Sent = Params<typeof subscriptionChanges>;

export function updateSubscription(world: World, params: Sent, id: string): Stripe.Subscription {
  const found = findSubscription(world, id);
  requireChangeable(found, params);
  const isBilling = params.items ?? params.billing_cycle_anchor ?? params.trial_end;
  const before = isBilling === undefined ? found : replacePendingUpdate(world, found);
  const set: Stripe.Subscription = { ...before, ...settingsOf(world, before, params) };
  const change = planChange(world, set, params);
  const pending = params.payment_behavior === 'pending_if_incomplete' && change.isInvoiced;
  if (pending) changeWhenPaid(world, before, change, params);
  else changeNow(world, before, change, params);
  const after = findSubscription(world, id);
  if (params.items !== undefined) followItems(world, after);
  announceTrialEnd(world, after);
  return findSubscription(world, id);
}

function requireChangeable(subscription: Stripe.Subscription, params: Sent): void {
  const { cancellation_details, metadata, ...rest } = definedOf(params);
  if (isOver(subscription) && Object.keys(rest).length > 0) {
    throw invalid('A canceled subscription can only update its cancellation_details and metadata.', {
      code: 'invalid_canceled_subscription_fields',
    });
  }
  const ends = params.cancel_at_period_end ?? params.cancel_at;
  if (subscription.schedule !== null && ends !== undefined) {
    throw invalid(
      `The subscription is managed by the subscription schedule \`${subscription.schedule}\`, and updating any cancelation behavior directly is not allowed. Please update the schedule instead.`,
    );
  }
  if (subscription.status === 'incomplete' && (params.items ?? params.trial_end) !== undefined) {
    throw invalid('This subscription is incomplete: its first invoice has to be paid before it can change.');
  }
}

/** Everything that can be set without a bill. */
function settingsOf(world: World, before: Stripe.Subscription, params: Sent): Partial<Stripe.Subscription> {
  const { default_payment_method: method, description, pause_collection: pause } = params;
  const customer = String(before.customer);
  return {
    ...definedOf({ description }),
    ...(method === undefined
      ? {}
      : {
          default_payment_method:
            method === null ? null : methodOf(world, liveCustomer(world, customer), method),
        }),
    ...(pause === undefined
      ? {}
      : {
          pause_collection:
            pause === null ? null : { behavior: pause.behavior, resumes_at: pause.resumes_at ?? null },
        }),
    ...(params.payment_settings === undefined || before.payment_settings === null
      ? {}
      : { payment_settings: { ...before.payment_settings, ...definedOf(params.payment_settings) } }),
    ...(params.trial_settings === undefined
      ? {}
      : {
          trial_settings: {
            end_behavior: { billing_cycle_anchor: null, ...params.trial_settings.end_behavior },
          },
        }),
    ...discountsAsked(world, before, params),
    metadata: changeMetadata(before.metadata, params.metadata),
    ...cancellationOf(world, before, params),
  };
}

/** The list that is sent takes the place of the one that is there; an empty value clears it. */
function discountsAsked(
  world: World,
  before: Stripe.Subscription,
  { discounts: sent }: Sent,
): Partial<Stripe.Subscription> {
  if (sent === undefined) return {};
  const kept = (sent ?? []).flatMap(({ discount }) => discount ?? []);
  const fresh = (sent ?? []).filter(({ discount }) => discount === undefined);
  dropDiscounts(world, before, kept);
  return { discounts: [...kept, ...giveDiscounts(world, before, fresh)] };
}

function cancellationOf(
  world: World,
  before: Stripe.Subscription,
  { cancel_at: at, cancel_at_period_end: atEnd, cancellation_details: sent }: Sent,
): Partial<Stripe.Subscription> {
  const details = { ...detailsOf(before), ...definedOf(sent ?? {}) };
  const asked = {
    canceled_at: nowSeconds(world),
    cancellation_details: { ...details, reason: 'cancellation_requested' },
  };
  if (atEnd === true) return { ...asked, cancel_at: periodEnd(before), cancel_at_period_end: true };
  if (at !== undefined && at !== null) return { ...asked, cancel_at: momentOf(world, before, at) };
  if ((atEnd === false && before.cancel_at_period_end) || (at === null && before.cancel_at !== null)) {
    return {
      cancel_at: null,
      cancel_at_period_end: false,
      canceled_at: null,
      cancellation_details: { ...details, reason: null },
    };
  }
  return { cancellation_details: details };
}

function momentOf(
  world: World,
  { items }: Stripe.Subscription,
  at: number | 'min_period_end' | 'max_period_end',
): number {
  const ends = items.data.map((item) => item.current_period_end);
  if (at === 'min_period_end') return Math.min(...ends);
  if (at === 'max_period_end') return Math.max(...ends);
  if (at > nowSeconds(world)) return at;
  throw invalid('Invalid timestamp: must be an integer Unix timestamp in the future.', {
    param: 'cancel_at',
  });
}

/** Makes the change and then sends the bill for it. */
function changeNow(world: World, before: Stripe.Subscription, change: Change, params: Sent): void {
  const draft = bill(world, change);
  const after = changeSubscription(world, before, {
    ...withCancellation(change.after),
    ...(draft === null ? {} : { latest_invoice: draft.id }),
  });
  if (draft === null) return;
  const open = finalizeInvoice(world, keepDraft(world, draft, billed(world, after)));
  const { decline, intent } = collectFor(world, open, params);
  if (decline === null || params.payment_behavior !== 'error_if_incomplete') return;
  throw new StripeError(402, cardError(decline, intent === null ? {} : { payment_intent: intent }).body);
}

function collectFor(world: World, open: Stripe.Invoice, params: Sent) {
  if (params.payment_behavior === 'default_incomplete' && open.amount_due > 0) {
    return { decline: null, intent: intentFor(world, open) };
  }
  return payInvoice(world, open, { presence: params.off_session === true ? 'off_session' : 'on_session' });
}

/** Sends the bill, and makes the change when that is paid. */
function changeWhenPaid(world: World, before: Stripe.Subscription, change: Change, params: Sent): void {
  const draft = bill(world, change);
  if (draft === null) return;
  const open = finalizeInvoice(world, keepDraft(world, draft, billed(world, before)));
  const presence = params.off_session === true ? 'off_session' : 'on_session';
  const { invoice } = payInvoice(world, open, { presence, isRetried: false });
  const { pending_update: _, latest_invoice: __, ...planned } = withCancellation(change.after);
  const isPaid = findInvoice(world, invoice.id).status === 'paid';
  const asked = changedOf(before, planned);
  const current = findSubscription(world, before.id);
  if (isPaid) changeSubscription(world, current, { ...asked, latest_invoice: invoice.id });
  else keepPendingUpdate(world, current, invoice.id, asked);
}

/** Only what the change is about; the rest of the subscription may move on while it waits. */
function changedOf(
  before: Stripe.Subscription,
  after: Partial<Stripe.Subscription>,
): Partial<Stripe.Subscription> {
  const { items, billing_cycle_anchor, cancel_at, cancel_at_period_end, metadata, trial_end, status } = after;
  return definedOf({
    items,
    billing_cycle_anchor:
      billing_cycle_anchor === before.billing_cycle_anchor ? undefined : billing_cycle_anchor,
    cancel_at: cancel_at === before.cancel_at ? undefined : cancel_at,
    cancel_at_period_end:
      cancel_at_period_end === before.cancel_at_period_end ? undefined : cancel_at_period_end,
    metadata: JSON.stringify(metadata) === JSON.stringify(before.metadata) ? undefined : metadata,
    status: status === before.status ? undefined : status,
    trial_end: trial_end === before.trial_end ? undefined : trial_end,
  });
}

function billed(world: World, { customer, id }: Stripe.Subscription): Stripe.InvoiceItem[] {
  return waitingItems(world, String(customer), id);
}

/** Keeps what is prorated, and drafts the bill where it is invoiced at once. */
function bill(world: World, change: Change): Stripe.Invoice | null {
  const { after } = change;
  const customer = liveCustomer(world, String(after.customer));
  keepProrations(
    world,
    change.prorations.map((proration) => composeProration(world, customer, proration)),
  );
  return change.isInvoiced ? composeBill(world, change, billed(world, after)) : null;
}

/** The invoice of a change: what waited for it, then the periods that begin. */
export function composeBill(
  world: World,
  { after, lines }: Change,
  waiting: Stripe.InvoiceItem[],
): Stripe.Invoice {
  const now = nowSeconds(world);
  return composeInvoice(world, {
    customer: String(after.customer),
    currency: after.currency,
    reason: 'subscription_update',
    subscription: after,
    lines: [...waiting.map(lineOfItem), ...lines],
    period: { start: now, end: now },
    finalizesAt: null,
  });
}
