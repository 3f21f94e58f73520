import Stripe from 'stripe';
import { invalid, noSuch } from '../api/errors.ts';
import { listing, paginate } from '../api/lists.ts';
import { changeMetadata, metadata } from '../api/metadata.ts';
import { created, group, integer, oneOf, type Params, required, text } from '../api/params.ts';
import { emit } from '../events.ts';
import { makeId } from '../ids.ts';
import { liveCustomer } from '../livingCustomers.ts';
import { currency, findPrice } from '../prices.ts';
import { nowSeconds, type World } from '../world.ts';
import { amountsOf } from './amounts.ts';
import { changeInvoice, findInvoice, requireStatus } from './invoices.ts';
import { lineOfItem, makeLine, pricingOf, prorationText } from './lines.ts';
import type { Proration } from './proration.ts';

const AMOUNT_MAX = 999_999_999_999; // Stripe's

export const invoiceItemFields = {
  amount: integer({ min: -AMOUNT_MAX, max: AMOUNT_MAX }),
  currency: currency(),
  customer: required(text()),
  description: text(),
  invoice: text(),
  metadata: metadata(),
  period: group({ end: required(integer()), start: required(integer()) }),
  pricing: group({ price: required(text()) }),
  quantity: integer({ max: 999_999 }),
  subscription: text(),
};

/** Something to be paid with an invoice: the one that is named, or the customer's next. */
export function createInvoiceItem(
  world: World,
  params: Params<typeof invoiceItemFields>,
): Stripe.InvoiceItem {
  const customer = liveCustomer(world, params.customer, 'customer');
  const { amount, currency: money, pricing } = pricedBy(world, params);
  const now = nowSeconds(world);
  const invoice = params.invoice === undefined ? null : findInvoice(world, params.invoice, 'invoice');
  if (invoice !== null) requireStatus(invoice, ['draft'], 'add items to');
  const quantity = params.quantity ?? 1;
  const item: Stripe.InvoiceItem = {
    ...blank(world, customer, quantity),
    amount,
    currency: money,
    description: params.description ?? null,
    invoice: invoice?.id ?? null,
    metadata: changeMetadata({}, params.metadata),
    net_amount: amount,
    parent: ownerOf(params.subscription),
    period: params.period ?? { start: now, end: now },
    pricing,
    proration: false,
  };
  keep(world, item);
  if (invoice !== null) addLine(world, invoice, item);
  return item;
}

function ownerOf(subscription: string | undefined): Stripe.InvoiceItem.Parent | null {
  if (subscription === undefined) return null;
  return { subscription_details: { subscription }, type: 'subscription_details' };
}

function pricedBy(world: World, params: Params<typeof invoiceItemFields>) {
  if ((params.amount === undefined) === (params.pricing === undefined)) {
    throw invalid('You must specify either `amount` or `pricing`.', {
      code: 'parameter_missing',
      param: 'amount',
    });
  }
  if (params.pricing === undefined) {
    if (params.currency === undefined) {
      throw invalid('Missing required param: currency.', { code: 'parameter_missing', param: 'currency' });
    }
    return { amount: params.amount!, currency: params.currency, pricing: null };
  }
  const price = findPrice(world, params.pricing.price, 'pricing[price]');
  const unit = price.unit_amount ?? 0;
  return {
    amount: unit * (params.quantity ?? 1),
    currency: price.currency,
    pricing: pricingOf(price, unit),
  };
}

function addLine(world: World, invoice: Stripe.Invoice, item: Stripe.InvoiceItem): void {
  const data = [...invoice.lines.data, makeLine(invoice.id, lineOfItem(item))];
  const off = invoice.total_discount_amounts?.reduce((sum, { amount }) => sum + amount, 0) ?? 0;
  const amounts = amountsOf(data, off, invoice.starting_balance, invoice.currency);
  changeInvoice(world, invoice, { lines: { ...invoice.lines, data }, ...amounts });
}

/** A proration waits for an invoice as an item. */
export function composeProration(
  world: World,
  customer: Stripe.Customer,
  proration: Proration,
): Stripe.InvoiceItem {
  const { item, amount, period } = proration;
  const quantity = item.quantity ?? 1;
  return {
    ...blank(world, customer, quantity),
    amount,
    currency: item.price.currency,
    description: prorationText(world, proration),
    discountable: false,
    invoice: null,
    metadata: item.metadata,
    net_amount: amount,
    parent: {
      subscription_details: { subscription: item.subscription, subscription_item: item.id },
      type: 'subscription_details',
    },
    period,
    pricing: pricingOf(item.price, Math.trunc(amount / quantity)),
    proration: true,
    proration_details: { credited_items: null, discount_amounts: [] },
  };
}

export function keepProrations(world: World, items: Stripe.InvoiceItem[]): void {
  for (const item of items) keep(world, item);
}

function keep(world: World, item: Stripe.InvoiceItem): void {
  world.store.put('invoiceItem', item);
  emit(world, { type: 'invoiceitem.created', data: { object: item } });
}

function blank(world: World, customer: Stripe.Customer, quantity: number) {
  return {
    id: makeId('invoiceItem'),
    object: 'invoiceitem' as const,
    customer: customer.id,
    customer_account: null,
    date: nowSeconds(world),
    discountable: true,
    discounts: [],
    livemode: false,
    quantity,
    quantity_decimal: Stripe.Decimal.from(quantity),
    tax_rates: [],
    test_clock: customer.test_clock ?? null,
  };
}

/** What waits for a subscription's next invoice, or with no subscription for one that is made by hand; oldest first. */
export function waitingItems(
  world: World,
  customer: string,
  subscription: string | null,
): Stripe.InvoiceItem[] {
  return [...world.store.all('invoiceItem')].filter((item) => {
    if (item.customer !== customer || item.invoice !== null) return false;
    const owner = item.parent?.subscription_details?.subscription;
    return owner === undefined || owner === subscription;
  });
}

export const invoiceItemListing = {
  ...listing,
  created: created(),
  customer: text(),
  invoice: text(),
  pending: oneOf('true', 'false'),
};

export function listInvoiceItems(
  world: World,
  params: Params<typeof invoiceItemListing>,
): Stripe.ApiList<Stripe.InvoiceItem> {
  const { created: within, customer, invoice, pending } = params;
  return paginate(world.store.all('invoiceItem'), '/v1/invoiceitems', params, 'invoiceitem', (item) => {
    if (within !== undefined && !within(item.date)) return false;
    if (customer !== undefined && item.customer !== customer) return false;
    if (pending !== undefined && (pending === 'true') !== (item.invoice === null)) return false;
    return invoice === undefined || item.invoice === invoice;
  });
}

export function retrieveInvoiceItem(world: World, _params: unknown, id: string): Stripe.InvoiceItem {
  const item = world.store.get('invoiceItem', id);
  if (item === undefined) throw noSuch('invoiceitem', id);
  return item;
}

export function deleteInvoiceItem(world: World, _params: unknown, id: string): Stripe.DeletedInvoiceItem {
  const item = retrieveInvoiceItem(world, {}, id);
  if (item.invoice !== null) {
    throw invalid('This invoice item belongs to an invoice and cannot be deleted any more.', {
      code: 'invoice_not_editable',
    });
  }
  world.store.drop('invoiceItem', id);
  emit(world, { type: 'invoiceitem.deleted', data: { object: item } });
  return { id, object: 'invoiceitem', deleted: true };
}
