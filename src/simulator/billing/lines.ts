import Stripe from 'stripe';
import { formatMoney } from '../checkout/orders.ts';
import { makeId } from '../ids.ts';
import type { World } from '../world.ts';
import { recurrenceOf } from './items.ts';
import { amountOf, type Proration } from './proration.ts';

/** A line before it has an id and an invoice. */
export type NewLine = Pick<
  Stripe.InvoiceLineItem,
  'amount' | 'currency' | 'description' | 'metadata' | 'parent' | 'period' | 'pricing'
> & { quantity: number };

export function makeLine(invoice: string, line: NewLine): Stripe.InvoiceLineItem {
  return {
    id: makeId('invoiceLine'),
    object: 'line_item',
    discount_amounts: [],
    discountable: !isProration(line),
    discounts: [],
    invoice,
    livemode: false,
    pretax_credit_amounts: [],
    quantity_decimal: Stripe.Decimal.from(line.quantity),
    subscription: line.parent?.subscription_item_details?.subscription ?? null,
    subtotal: line.amount,
    taxes: [],
    ...line,
  };
}

function isProration({ parent }: Pick<Stripe.InvoiceLineItem, 'parent'>): boolean {
  return parent?.subscription_item_details?.proration ?? parent?.invoice_item_details?.proration ?? false;
}

/** An item for a whole period, or for a trial, which costs nothing. */
export function periodLine(world: World, item: Stripe.SubscriptionItem, isTrial: boolean): NewLine {
  const name = productName(world, item.price);
  const { current_period_start: start, current_period_end: end } = item;
  return {
    amount: isTrial ? 0 : amountOf(item),
    currency: item.price.currency,
    description: isTrial ? `Trial period for ${name}` : `${item.quantity} × ${name} (at ${rateOf(item)})`,
    metadata: item.metadata,
    parent: itemParent(item, null),
    period: { start, end },
    pricing: pricingOf(item.price, isTrial ? 0 : (item.price.unit_amount ?? 0)),
    quantity: item.quantity ?? 1,
  };
}

/** $20.00 / month, $54.00 every 3 months. */
function rateOf(item: Stripe.SubscriptionItem): string {
  const { interval, interval_count: count } = recurrenceOf(item);
  const money = formatMoney(item.price.currency, item.price.unit_amount ?? 0);
  return count === 1 ? `${money} / ${interval}` : `${money} every ${count} ${interval}s`;
}

/** What a proration becomes: an invoice item that waits for the next invoice. */
export function prorationText(world: World, { kind, item, period }: Proration): string {
  const name = productName(world, item.price);
  const what = item.quantity === 1 ? name : `${item.quantity} × ${name}`;
  return `${kind === 'unused' ? 'Unused' : 'Remaining'} time on ${what} after ${dayOf(period.start)}`;
}

function dayOf(seconds: number): string {
  return new Intl.DateTimeFormat('en-GB', {
    day: '2-digit',
    month: 'short',
    year: 'numeric',
    timeZone: 'UTC',
  }).format(seconds * 1000);
}

function productName(world: World, price: Stripe.Price): string {
  return world.store.get('product', String(price.product))?.name ?? String(price.product);
}

export function pricingOf(price: Stripe.Price, unitAmount: number): Stripe.InvoiceLineItem.Pricing {
  return {
    price_details: { price: price.id, product: String(price.product) },
    type: 'price_details',
    unit_amount_decimal: Stripe.Decimal.from(unitAmount),
  };
}

function itemParent(
  { id, subscription }: Pick<Stripe.SubscriptionItem, 'id' | 'subscription'>,
  invoiceItem: string | null,
): Stripe.InvoiceLineItem.Parent {
  return {
    invoice_item_details: null,
    subscription_item_details: {
      invoice_item: invoiceItem,
      proration: invoiceItem !== null,
      proration_details: { credited_items: null },
      subscription,
      subscription_item: id,
    },
    type: 'subscription_item_details',
  };
}

/** The line of an invoice item, on the invoice that takes it up. */
export function lineOfItem(item: Stripe.InvoiceItem): NewLine {
  const { subscription, subscription_item: itemId } = item.parent?.subscription_details ?? {};
  const parent: Stripe.InvoiceLineItem.Parent =
    subscription !== undefined && itemId !== undefined
      ? itemParent({ id: itemId, subscription }, item.id)
      : {
          invoice_item_details: {
            invoice_item: item.id,
            proration: item.proration,
            proration_details: { credited_items: null },
            subscription: subscription ?? null,
          },
          subscription_item_details: null,
          type: 'invoice_item_details',
        };
  return {
    amount: item.amount,
    currency: item.currency,
    description: item.description,
    metadata: item.metadata ?? {},
    parent,
    period: item.period,
    pricing: item.pricing,
    quantity: item.quantity,
  };
}
