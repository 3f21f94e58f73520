import type Stripe from 'stripe';
import { invalid } from '../api/errors.ts';
import { changeMetadata, metadata } from '../api/metadata.ts';
import {
  boolean,
  clearable,
  group,
  integer,
  listOf,
  oneOf,
  type Params,
  required,
  text,
} from '../api/params.ts';
import { emit } from '../events.ts';
import { makeId } from '../ids.ts';
import { findMethod } from '../payments/wallet.ts';
import { currency } from '../prices.ts';
import { nowSeconds, type World } from '../world.ts';
import { discountFields } from './discounts.ts';
import { moment, paymentBehavior, paymentSettings, prorationBehavior, trialSettings } from './fields.ts';
import { waitingItems } from './invoiceItems.ts';
import { composeInvoice, finalizeInvoice, keepDraft } from './invoices.ts';
import { makeItems, newItem, recurrenceOf, type Wanted, withPeriod } from './items.ts';
import { lineOfItem, type NewLine, periodLine } from './lines.ts';
import { DAY_SECONDS, nextRenewal, periodAround } from './periods.ts';
import { shareOf } from './proration.ts';
import { periodEnd } from './state.ts';
import { announceTrialEnd } from './trials.ts';

export const subscriptionFields = {
  billing_cycle_anchor: integer(),
  cancel_at: integer(),
  cancel_at_period_end: boolean(),
  collection_method: oneOf('charge_automatically'),
  currency: currency(),
  customer: required(text()),
  default_payment_method: text(),
  description: text(500),
  discounts: clearable(discountFields),
  items: required(listOf(group(newItem))),
  metadata: metadata(),
  off_session: boolean(),
  payment_behavior: paymentBehavior,
  payment_settings: paymentSettings,
  proration_behavior: prorationBehavior,
  trial_end: moment('now'),
  trial_period_days: integer({ min: 1, max: 730 }),
  trial_settings: trialSettings,
};
export type NewSubscription = Params<typeof subscriptionFields>;

/** A subscription as it will be kept, in its first period. */
export function composeSubscription(
  world: World,
  customer: Stripe.Customer,
  wanted: Wanted[],
  params: Omit<NewSubscription, 'customer' | 'items'>,
): Stripe.Subscription {
  const now = nowSeconds(world);
  const id = makeId('subscription');
  const made = makeItems(world, id, wanted);
  const trialEnd = trialEndOf(params, now);
  const anchor = trialEnd ?? anchorOf(params.billing_cycle_anchor, now);
  const items = made.map((item) =>
    withPeriod(item, {
      start: now,
      end: anchor > now ? anchor : nextRenewal(anchor, recurrenceOf(item), now),
    }),
  );
  const subscription: Stripe.Subscription = {
    id,
    object: 'subscription',
    application: null,
    application_fee_percent: null,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null },
    billing_cycle_anchor: anchor,
    billing_cycle_anchor_config: null,
    billing_mode: { flexible: { proration_discounts: 'included' }, type: 'flexible' },
    billing_schedules: [],
    billing_thresholds: null,
    cancel_at: params.cancel_at ?? null,
    cancel_at_period_end: params.cancel_at_period_end ?? false,
    canceled_at: null,
    cancellation_details: { comment: null, feedback: null, feedback_option: null, reason: null },
    collection_method: 'charge_automatically',
    created: now,
    currency: made[0]!.price.currency,
    customer: customer.id,
    customer_account: null,
    days_until_due: null,
    default_payment_method: methodOf(world, customer, params.default_payment_method),
    default_source: null,
    default_tax_rates: [],
    description: params.description ?? null,
    discounts: [],
    ended_at: null,
    invoice_settings: {
      account_tax_ids: null,
      custom_fields: null,
      description: null,
      footer: null,
      issuer: { type: 'self' },
    },
    items: {
      object: 'list',
      data: items,
      has_more: false,
      url: `/v1/subscription_items?subscription=${id}`,
    },
    latest_invoice: null,
    livemode: false,
    managed_payments: null,
    metadata: changeMetadata({}, params.metadata),
    next_pending_invoice_item_invoice: null,
    on_behalf_of: null,
    pause_collection: null,
    payment_settings: {
      payment_method_options: null,
      payment_method_types: params.payment_settings?.payment_method_types ?? null,
      save_default_payment_method: params.payment_settings?.save_default_payment_method ?? 'off',
    },
    pending_invoice_item_interval: null,
    pending_setup_intent: null,
    pending_update: null,
    schedule: null,
    start_date: now,
    status: trialEnd === null ? 'incomplete' : 'trialing',
    test_clock: customer.test_clock ?? null,
    transfer_data: null,
    trial_end: trialEnd,
    trial_settings: {
      end_behavior: {
        billing_cycle_anchor: null,
        missing_payment_method:
          params.trial_settings?.end_behavior.missing_payment_method ?? 'create_invoice',
      },
    },
    trial_start: trialEnd === null ? null : now,
  };
  return params.cancel_at_period_end === true
    ? { ...subscription, cancel_at: periodEnd(subscription), canceled_at: now }
    : subscription;
}

function trialEndOf(
  { trial_end: end, trial_period_days: days }: Partial<NewSubscription>,
  now: number,
): number | null {
  if (end !== undefined && days !== undefined) {
    throw invalid('You may only specify one of these parameters: trial_end, trial_period_days.', {
      param: 'trial_end',
    });
  }
  if (days !== undefined) return now + days * DAY_SECONDS;
  if (end === undefined || end === 'now') return null;
  if (end <= now)
    throw invalid('Invalid timestamp: must be an integer Unix timestamp in the future.', {
      param: 'trial_end',
    });
  return end;
}

function anchorOf(asked: number | undefined, now: number): number {
  if (asked === undefined) return now;
  if (asked < now) {
    throw invalid('Billing cycle anchor must be in the future.', { param: 'billing_cycle_anchor' });
  }
  return asked;
}

/** The method that a subscription names, if it is its customer's. */
export function methodOf(world: World, customer: Stripe.Customer, id: string | undefined): string | null {
  if (id === undefined) return null;
  const method = findMethod(world, id, 'default_payment_method');
  if (method.customer === customer.id) return id;
  throw invalid(
    `The customer does not have a payment method with the ID ${id}. The payment method must be attached to the customer.`,
    { code: 'resource_missing', param: 'default_payment_method' },
  );
}

/** A whole period of every item, the part of one that ends early, or a trial for nothing. */
export function composeFirstInvoice(
  world: World,
  subscription: Stripe.Subscription,
  proration: NewSubscription['proration_behavior'] = 'create_prorations',
): Stripe.Invoice {
  const { customer, currency: money, created: now } = subscription;
  const waiting = waitingItems(world, String(customer), null);
  return composeInvoice(world, {
    customer: String(customer),
    currency: money,
    reason: 'subscription_create',
    subscription,
    lines: [
      ...subscription.items.data.map((item) => firstLine(world, subscription, item, proration)),
      ...waiting.map(lineOfItem),
    ],
    period: { start: now, end: now },
    finalizesAt: null,
  });
}

function firstLine(
  world: World,
  { billing_cycle_anchor: anchor, status, created: now }: Stripe.Subscription,
  item: Stripe.SubscriptionItem,
  proration: NewSubscription['proration_behavior'],
): NewLine {
  const line = periodLine(world, item, status === 'trialing');
  if (status === 'trialing' || anchor <= now) return line;
  const whole = periodAround(anchor, recurrenceOf(item), now);
  const share = shareOf(line.amount, whole.end - now, whole.end - whole.start);
  return { ...line, amount: proration === 'none' ? 0 : share };
}

/** Keeps a new subscription with its first invoice, which is finalised at once. */
export function begin(
  world: World,
  subscription: Stripe.Subscription,
  draft: Stripe.Invoice,
): Stripe.Invoice {
  const kept: Stripe.Subscription = { ...subscription, latest_invoice: draft.id };
  world.store.put('subscription', kept);
  emit(world, { type: 'customer.subscription.created', data: { object: kept } });
  keepDraft(world, draft, waitingItems(world, String(kept.customer), null));
  announceTrialEnd(world, kept);
  return finalizeInvoice(world, draft);
}
