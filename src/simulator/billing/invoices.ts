import type Stripe from 'stripe';
import { invalid, noSuch } from '../api/errors.ts';
import { emit, previousOf } from '../events.ts';
import { makeId } from '../ids.ts';
import { liveCustomer } from '../livingCustomers.ts';
import { idOf } from '../references.ts';
import { nowSeconds, type World } from '../world.ts';
import { amountsOf, dueOf } from './amounts.ts';
import { changeBalance } from './balance.ts';
import { discounted, discountsOf, leftAfterInvoice } from './discounts.ts';
import { makeLine, type NewLine } from './lines.ts';
import type { Period } from './periods.ts';
import { changeSubscription } from './state.ts';

export type InvoiceSpec = {
  customer: string;
  currency: string;
  reason: Stripe.Invoice.BillingReason;
  subscription: Stripe.Subscription | null;
  lines: NewLine[];
  period: Period;
  /** When it is finalised by itself; null leaves it a draft. */
  finalizesAt: number | null;
  description?: string | null;
  defaultPaymentMethod?: string | null;
  metadata?: Record<string, string>;
};

/** An invoice as it would be drafted; nobody knows of it yet. */
export function composeInvoice(world: World, spec: InvoiceSpec, id = makeId('invoice')): Stripe.Invoice {
  const customer = liveCustomer(world, spec.customer, 'customer');
  const { subscription } = spec;
  const given = subscription === null ? [] : discountsOf(world, subscription);
  const { lines, total, totals } = discounted(
    spec.lines.map((line) => makeLine(id, line)),
    given,
  );
  return {
    id,
    object: 'invoice',
    account_country: 'US',
    account_name: 'Stripe simulator',
    account_tax_ids: null,
    amount_overpaid: 0,
    amount_paid: 0,
    amount_shipping: 0,
    application: null,
    attempt_count: 0,
    attempted: false,
    auto_advance: spec.finalizesAt !== null,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
    automatically_finalizes_at: spec.finalizesAt,
    billing_reason: spec.reason,
    collection_method: 'charge_automatically',
    created: nowSeconds(world),
    currency: spec.currency,
    custom_fields: null,
    customer: customer.id,
    customer_account: null,
    customer_address: customer.address ?? null,
    customer_email: customer.email,
    customer_name: customer.name ?? null,
    customer_phone: customer.phone ?? null,
    customer_shipping: null,
    customer_tax_exempt: 'none',
    customer_tax_ids: [],
    default_payment_method: spec.defaultPaymentMethod ?? null,
    default_source: null,
    default_tax_rates: [],
    description: spec.description ?? subscription?.description ?? null,
    discounts: totals.map(({ discount }) => discount),
    due_date: null,
    effective_at: null,
    ending_balance: null,
    footer: null,
    from_invoice: null,
    hosted_invoice_url: null,
    invoice_pdf: null,
    issuer: { type: 'self' },
    last_finalization_error: null,
    latest_revision: null,
    lines: { object: 'list', data: lines, has_more: false, url: `/v1/invoices/${id}/lines` },
    livemode: false,
    metadata: spec.metadata ?? {},
    next_payment_attempt: spec.finalizesAt,
    number: null,
    on_behalf_of: null,
    parent: parentOf(subscription),
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    period_end: spec.period.end,
    period_start: spec.period.start,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    receipt_number: null,
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    statement_descriptor: null,
    status: 'draft',
    status_transitions: {
      finalized_at: null,
      marked_uncollectible_at: null,
      paid_at: null,
      voided_at: null,
    },
    test_clock: customer.test_clock ?? null,
    total_discount_amounts: totals,
    total_pretax_credit_amounts: [],
    total_taxes: [],
    webhooks_delivered_at: null,
    ...amountsOf(lines, total, customer.balance, spec.currency),
  };
}

function parentOf(subscription: Stripe.Subscription | null): Stripe.Invoice.Parent | null {
  if (subscription === null) return null;
  return {
    quote_details: null,
    subscription_details: { metadata: subscription.metadata, subscription: subscription.id },
    type: 'subscription_details',
  };
}

/** A draft that takes up the invoice items which waited for it. */
export function keepDraft(
  world: World,
  draft: Stripe.Invoice,
  waiting: Stripe.InvoiceItem[],
): Stripe.Invoice {
  for (const item of waiting) world.store.put('invoiceItem', { ...item, invoice: draft.id });
  world.store.put('invoice', draft);
  emit(world, { type: 'invoice.created', data: { object: draft } });
  useDiscounts(world, draft);
  return draft;
}

/** A discount for one invoice is used up by the first that it takes something off. */
function useDiscounts(world: World, draft: Stripe.Invoice): void {
  const subscription = subscriptionOf(world, draft);
  const taken = draft.total_discount_amounts?.some(({ amount }) => amount > 0);
  if (subscription === undefined || taken !== true) return;
  changeSubscription(world, subscription, { discounts: leftAfterInvoice(world, subscription) });
}

/** From a draft to what is owed: it has a number and a page from now on, and its amount does not change. */
export function finalizeInvoice(world: World, draft: Stripe.Invoice): Stripe.Invoice {
  const customer = liveCustomer(world, idOf(draft.customer) ?? '', 'customer');
  const { due, endingBalance } = dueOf(draft.total, customer.balance, draft.currency);
  const sequence = customer.next_invoice_sequence ?? 1;
  const now = nowSeconds(world);
  world.store.put('customer', { ...customer, next_invoice_sequence: sequence + 1 });
  changeBalance(world, customer.id, endingBalance - customer.balance);
  const url = invoicePageUrl(world, draft.id);
  const open: Stripe.Invoice = {
    ...draft,
    amount_due: due,
    amount_remaining: due,
    automatically_finalizes_at: null,
    effective_at: now,
    ending_balance: endingBalance,
    hosted_invoice_url: url,
    invoice_pdf: `${url}/pdf`,
    number: `${customer.invoice_prefix}-${String(sequence).padStart(4, '0')}`,
    starting_balance: customer.balance,
    status: 'open',
    status_transitions: { ...draft.status_transitions, finalized_at: now },
  };
  world.store.put('invoice', open);
  emit(world, {
    type: 'invoice.finalized',
    data: { object: open, previous_attributes: previousOf(draft, open) },
  });
  return open;
}

function invoicePageUrl(world: Pick<World, 'baseUrl'>, id: string): string {
  return `${world.baseUrl}/i/${id}`;
}

/** It is not owed any more. What it took from the customer's balance, or gave to it, is undone. */
export function voidInvoice(world: World, invoice: Stripe.Invoice): Stripe.Invoice {
  requireStatus(invoice, ['open', 'uncollectible'], 'void');
  const { customer, ending_balance: ending, starting_balance: starting } = invoice;
  changeBalance(world, idOf(customer) ?? '', starting - (ending ?? starting));
  return end(world, invoice, 'invoice.voided', {
    status: 'void',
    status_transitions: { ...invoice.status_transitions, voided_at: nowSeconds(world) },
  });
}

/** It is owed still, but nobody expects it any more. */
export function giveUpInvoice(world: World, invoice: Stripe.Invoice): Stripe.Invoice {
  requireStatus(invoice, ['open'], 'mark as uncollectible');
  return end(world, invoice, 'invoice.marked_uncollectible', {
    status: 'uncollectible',
    status_transitions: { ...invoice.status_transitions, marked_uncollectible_at: nowSeconds(world) },
  });
}

function end(
  world: World,
  before: Stripe.Invoice,
  type: 'invoice.voided' | 'invoice.marked_uncollectible',
  change: Partial<Stripe.Invoice>,
): Stripe.Invoice {
  const ended = changeInvoice(world, before, { ...change, auto_advance: false, next_payment_attempt: null });
  emit(world, { type, data: { object: ended } });
  return ended;
}

export function changeInvoice(
  world: World,
  before: Stripe.Invoice,
  change: Partial<Stripe.Invoice>,
): Stripe.Invoice {
  const after: Stripe.Invoice = { ...before, ...change };
  const previous = previousOf(before, after);
  if (Object.keys(previous).length === 0) return before;
  world.store.put('invoice', after);
  emit(world, { type: 'invoice.updated', data: { object: after, previous_attributes: previous } });
  return after;
}

export function requireStatus(invoice: Stripe.Invoice, wanted: string[], what: string): void {
  if (wanted.includes(String(invoice.status))) return;
  throw invalid(
    `You can only ${what} an invoice with status ${wanted.join(' or ')}. This invoice has status ${invoice.status}.`,
    { code: 'invoice_not_editable' },
  );
}

export function findInvoice(world: World, id: string, param = 'id'): Stripe.Invoice {
  const invoice = world.store.get('invoice', id);
  if (invoice === undefined) throw noSuch('invoice', id, param);
  return invoice;
}

/** The subscription that an invoice is for. */
export function subscriptionOf(world: World, invoice: Stripe.Invoice): Stripe.Subscription | undefined {
  const id = subscriptionIdOf(invoice);
  return id === null ? undefined : world.store.get('subscription', id);
}

export function subscriptionIdOf({ parent }: Stripe.Invoice): string | null {
  return idOf(parent?.subscription_details?.subscription ?? null);
}
