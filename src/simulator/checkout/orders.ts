import type Stripe from 'stripe';
import {
  CurrencyError,
  chargeMaximum,
  chargeMinimum,
  currencyDecimals,
  fromStripeAmount,
  stripeExponent,
  toStripeAmount,
} from '../../lib/currencies.ts';
import { invalid } from '../api/errors.ts';
import { changeMetadata, metadata } from '../api/metadata.ts';
import { group, integer, type Params, text } from '../api/params.ts';
import { makeId } from '../ids.ts';
import { createInlinePrice, findPrice, inlinePrice } from '../prices.ts';
import { findProduct } from '../products.ts';
import type { World } from '../world.ts';

export const lineItem = {
  metadata: metadata(),
  price: text(),
  price_data: group(inlinePrice),
  quantity: integer({ max: 999_999 }),
};

/** What a session sells: goods, or what is paid again and again. */
export type Mode = 'payment' | 'subscription';

/** What is sold: each line priced, all in one currency, in an amount that Stripe would charge. */
export function makeItems(world: World, lines: Params<typeof lineItem>[], mode: Mode): Stripe.LineItem[] {
  const items = lines.map((line, index) => makeItem(world, line, mode, `line_items[${index}]`));
  const currencies = new Set(items.map((item) => item.currency));
  if (currencies.size > 1) {
    throw invalid(`All line items must have the same currency: ${[...currencies].join(', ')}.`, {
      param: 'line_items',
    });
  }
  const total = totalOf(items);
  if (total !== 0) requireChargeable(items[0]!.currency, total, 'line_items');
  return items;
}

export function totalOf(items: Stripe.LineItem[]): number {
  return items.reduce((sum, item) => sum + item.amount_total, 0);
}

function makeItem(world: World, line: Params<typeof lineItem>, mode: Mode, param: string): Stripe.LineItem {
  const price = priceOf(world, line, param);
  if (mode === 'subscription' && price.type !== 'recurring') {
    throw invalid('In `subscription` mode, the simulator sells recurring prices only.', { param });
  }
  if (mode === 'payment' && price.type === 'recurring') {
    throw invalid(
      'You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.',
      { param },
    );
  }
  if (line.quantity === undefined) {
    throw invalid(`Quantity is required. Add \`quantity\` to \`${param}\``, { param });
  }
  const amount = (price.unit_amount ?? 0) * line.quantity;
  return {
    id: makeId('lineItem'),
    object: 'item',
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    currency: price.currency,
    description: findProduct(world, String(price.product)).name,
    metadata: changeMetadata({}, line.metadata),
    price,
    quantity: line.quantity,
  };
}

function priceOf(world: World, { price: id, price_data: data }: Params<typeof lineItem>, param: string) {
  if ((id === undefined) === (data === undefined)) {
    throw invalid('You must specify either `price` or `price_data` for each line item.', {
      code: 'parameter_missing',
      param,
    });
  }
  if (id === undefined) return createInlinePrice(world, data!);
  const price = findPrice(world, id, `${param}[price]`);
  if (!price.active) {
    throw invalid('The price specified is inactive. This field only accepts active prices.', {
      param: `${param}[price]`,
    });
  }
  return price;
}

/** It must be an amount that the currency has and Stripe takes. */
export function requireChargeable(currency: string, amount: number, param: 'amount' | 'line_items'): void {
  const what = param === 'amount' ? 'Amount must' : "The Checkout Session's total amount due must";
  try {
    toStripeAmount(currency, fromStripeAmount(currency, amount));
  } catch (error) {
    if (error instanceof CurrencyError) throw invalid(`Invalid amount. ${error.message}`, { param });
    throw error;
  }
  if (fromStripeAmount(currency, amount) < chargeMinimum(currency)) {
    const least = formatMoney(currency, toStripeAmount(currency, chargeMinimum(currency)));
    throw invalid(`${what} add up to at least ${least}`, { code: 'amount_too_small', param });
  }
  if (fromStripeAmount(currency, amount) > chargeMaximum(currency)) {
    const most = formatMoney(currency, toStripeAmount(currency, chargeMaximum(currency)));
    throw invalid(`${what} be no more than ${most}`, { code: 'amount_too_large', param });
  }
}

/** Money for people to read: $10.00, ¥500. */
export function formatMoney(currency: string, amount: number): string {
  const digits = currencyDecimals(currency);
  return new Intl.NumberFormat('en', {
    style: 'currency',
    currency: currency.toUpperCase(),
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(amount / 10 ** stripeExponent(currency));
}
