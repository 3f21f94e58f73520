import type Stripe from 'stripe';
import type { Decline } from '../api/errors.ts';
import { emit } from '../events.ts';
import { liveCustomer } from '../livingCustomers.ts';
import { disputeTestCard } from '../payments/disputes.ts';
import { methodTypesFor } from '../payments/methods.ts';
import { type Attempt, attempt, findIntent, openIntent, type Presence } from '../payments/payments.ts';
import { findMethod } from '../payments/wallet.ts';
import { idOf } from '../references.ts';
import { nowSeconds, type World } from '../world.ts';
import { nextAttempt } from './dunning.ts';
import { countPaid, intentOf, invoiceOfIntent, tieIntent } from './invoicePayments.ts';
import { changeInvoice, subscriptionOf } from './invoices.ts';
import { afterFailed, afterPaid, afterProcessing } from './standing.ts';
import { inTimeOf } from './timed.ts';

export type PayOptions = {
  /** The method to charge; else the invoice's, the subscription's or the customer's own. */
  method?: string | null;
  presence?: Presence;
  /** Where the card's holder is led after confirming. */
  returnUrl?: string;
  /** By the schedule of retries, and not because somebody asked. */
  isRetry?: boolean;
  /** Whether a failed attempt is followed by others. */
  isRetried?: boolean;
};
export type Paid = { invoice: Stripe.Invoice; decline: Decline | null; intent: Stripe.PaymentIntent | null };

export const NO_METHOD: Decline = {
  code: 'invoice_no_payment_method_types',
  declineCode: null,
  adviceCode: null,
  message:
    'There is no `default_payment_method` set on this Customer or Invoice. Please set a default payment method.',
};
const ACTION_REQUIRED: Decline = {
  code: 'invoice_payment_intent_requires_action',
  declineCode: null,
  adviceCode: null,
  message:
    'This payment requires additional user action before it can be completed successfully. Payment can be completed using the PaymentIntent associated with the invoice.',
};

/** Tries to collect an open invoice. One that asks for nothing is paid with that. */
export function payInvoice(world: World, invoice: Stripe.Invoice, options: PayOptions = {}): Paid {
  if (invoice.amount_remaining === 0) {
    return { invoice: markPaid(world, invoice, { attempted: true }), decline: null, intent: null };
  }
  const method = methodFor(world, invoice, options.method ?? null);
  if (method === null) {
    return { invoice: fail(world, invoice, 'failed', options), decline: NO_METHOD, intent: null };
  }
  const intent = intentFor(world, invoice);
  const tried = attempt(
    world,
    intent,
    findMethod(world, method),
    options.presence ?? 'off_session',
    options.returnUrl ?? null,
  );
  return conclude(world, invoice, tried, options);
}

function conclude(world: World, invoice: Stripe.Invoice, tried: Attempt, options: PayOptions): Paid {
  const { intent, result } = tried;
  if (result === 'succeeded') {
    disputeTestCard(world, idOf(intent.latest_charge) ?? '');
    return { invoice: markPaid(world, invoice, counted(invoice, options)), decline: null, intent };
  }
  if (result === 'processing') return { invoice: wait(world, invoice, options), decline: null, intent };
  const failed = fail(world, invoice, result, options);
  return { invoice: failed, decline: tried.decline ?? ACTION_REQUIRED, intent };
}

/** The intent of an invoice has moved by itself: its holder has confirmed it, or a bank has answered. */
export function followInvoice(base: World, intent: Stripe.PaymentIntent): void {
  const invoice = invoiceOfIntent(base, intent.id);
  if (invoice === undefined || (invoice.status !== 'open' && invoice.status !== 'uncollectible')) return;
  const world = inTimeOf(base, invoice.test_clock);
  if (intent.status === 'succeeded') markPaid(world, invoice, counted(invoice, {}));
  if (intent.status === 'processing') wait(world, invoice, {});
  if (intent.status === 'requires_payment_method') fail(world, invoice, 'failed', {});
}

/** Who is charged for an invoice that nobody names a method for. */
export function methodFor(world: World, invoice: Stripe.Invoice, named: string | null): string | null {
  const subscription = subscriptionOf(world, invoice);
  return (
    named ??
    methodOf(world, invoice) ??
    idOf(subscription?.default_payment_method ?? null) ??
    customerMethod(world, idOf(invoice.customer) ?? '')
  );
}

/** The method that an invoice was made with; it may have been detached since. */
function methodOf(world: World, invoice: Stripe.Invoice): string | null {
  const id = idOf(invoice.default_payment_method);
  return id === null || findMethod(world, id).customer === null ? null : id;
}

export function customerMethod(world: World, customer: string): string | null {
  const { default_source: source, invoice_settings: settings } = liveCustomer(world, customer);
  return idOf(settings.default_payment_method) ?? idOf(source);
}

const DESCRIPTIONS: Record<string, string> = {
  subscription_create: 'Subscription creation',
  subscription_cycle: 'Subscription update',
  subscription_update: 'Subscription update',
};

/** The intent that collects an invoice: the one of its first attempt, as long as that can be used. */
export function intentFor(world: World, invoice: Stripe.Invoice): Stripe.PaymentIntent {
  const earlier = intentOf(world, invoice.id);
  const intent = earlier === null ? undefined : findIntent(world, earlier);
  if (intent !== undefined && intent.status !== 'canceled') return intent;
  const fresh = openIntent(world, {
    amount: invoice.amount_remaining,
    currency: invoice.currency,
    customer: idOf(invoice.customer),
    description: DESCRIPTIONS[invoice.billing_reason ?? ''] ?? `Payment for Invoice ${invoice.number}`,
    metadata: {},
    payment_method_types: methodTypesFor(invoice.currency, undefined),
    setup_future_usage: 'off_session',
  });
  tieIntent(world, invoice, fresh.id);
  return fresh;
}

/** An attempt counts if it is the first, or one of the schedule's. */
function counted({ attempt_count: count }: Stripe.Invoice, { isRetry = false }: PayOptions) {
  return { attempt_count: count === 0 || isRetry ? count + 1 : count, attempted: true };
}

/** Nothing is owed any more. What was paid elsewhere was no attempt here. */
export function markPaid(
  world: World,
  invoice: Stripe.Invoice,
  change: Partial<Stripe.Invoice>,
): Stripe.Invoice {
  const isElsewhere = change.amount_paid_off_stripe !== undefined;
  if (!isElsewhere) countPaid(world, invoice.id);
  const paid = changeInvoice(world, invoice, {
    ...change,
    amount_paid: invoice.amount_due,
    amount_remaining: 0,
    auto_advance: false,
    next_payment_attempt: null,
    status: 'paid',
    status_transitions: { ...invoice.status_transitions, paid_at: nowSeconds(world) },
  });
  emit(world, { type: 'invoice.paid', data: { object: paid } });
  if (!isElsewhere) emit(world, { type: 'invoice.payment_succeeded', data: { object: paid } });
  afterPaid(world, paid);
  return paid;
}

/** A bank takes its time; Stripe trusts it until then. */
function wait(world: World, invoice: Stripe.Invoice, options: PayOptions): Stripe.Invoice {
  const waiting = changeInvoice(world, invoice, {
    ...counted(invoice, options),
    auto_advance: false,
    next_payment_attempt: null,
  });
  afterProcessing(world, waiting);
  return waiting;
}

function fail(
  world: World,
  invoice: Stripe.Invoice,
  result: 'failed' | 'requires_action',
  options: PayOptions,
): Stripe.Invoice {
  const tried = { ...invoice, ...counted(invoice, options) };
  const isCounted = tried.attempt_count > invoice.attempt_count;
  const isRetried = options.isRetried !== false && isOfRunningSubscription(world, invoice);
  const planned = isRetried ? nextAttempt(world.dunning, tried) : null;
  const next = isCounted ? planned : invoice.next_payment_attempt;
  const failed = changeInvoice(world, invoice, {
    attempt_count: tried.attempt_count,
    attempted: true,
    auto_advance: next !== null,
    next_payment_attempt: next,
  });
  if (result === 'requires_action') {
    emit(world, { type: 'invoice.payment_action_required', data: { object: failed } });
  }
  emit(world, { type: 'invoice.payment_failed', data: { object: failed } });
  afterFailed(world, failed, isRetried && isCounted && next === null);
  return failed;
}

/** Invoices by hand, and those that a subscription begins with, are not tried again. */
function isOfRunningSubscription(world: World, invoice: Stripe.Invoice): boolean {
  const status = subscriptionOf(world, invoice)?.status;
  return status === 'active' || status === 'past_due' || status === 'trialing' || status === 'unpaid';
}
