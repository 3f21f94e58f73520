import type Stripe from 'stripe';
import { Refusal } from '../../lib/errors.ts';
import { ask, PAGE } from '../client.ts';
import { idOf } from '../references.ts';
import type { Found, FoundPrice, FoundProduct } from './types.ts';
import { isOurKey, isOurProduct, type Wanted } from './wanted.ts';

/**
 * Reads what Stripe has of what we made. Products that are gone from the catalog are found by their prices on sale;
 * lists of all products would also have those that checkouts make in passing.
 */
export async function readFound(stripe: Stripe, wanted: Wanted): Promise<Found> {
  const onSale = await readAll('price', (page) => stripe.prices.list({ active: true, ...page }));
  const ids = new Set([
    ...wanted.products.map(({ id }) => id),
    ...onSale.map(({ product }) => idOf(product)).filter(isOurProduct),
  ]);
  const products: FoundProduct[] = [];
  for (const chunk of chunksOf([...ids], PAGE)) {
    const read = await readAll('product', (page) => stripe.products.list({ ids: chunk, ...page }));
    products.push(...read.map(productOf));
  }
  const prices: FoundPrice[] = [];
  for (const { id } of products) {
    const read = await readAll('price', (page) => stripe.prices.list({ product: id, ...page }));
    prices.push(...read.flatMap((price) => priceOf(price) ?? []));
  }
  return { products, prices };
}

function productOf({ id, name, active, default_price: price }: Stripe.Product): FoundProduct {
  if (typeof name !== 'string' || typeof active !== 'boolean') throw oddAnswer(`the product ${id}`);
  return { id, name, active, defaultPrice: idOf(price) };
}

/** Undefined for a price that somebody else has made for one of our products. */
function priceOf(price: Stripe.Price): FoundPrice | undefined {
  const { id, active, currency, lookup_key: lookupKey } = price;
  if (!isWhole(price)) throw oddAnswer(`the price ${id}`);
  const key = price.metadata?.tollgate ?? lookupKey;
  if (key === null || !isOurKey(key)) return undefined;
  const product = idOf(price.product);
  const isPlain = price.billing_scheme === 'per_unit' && price.transform_quantity === null;
  const amount = isPlain ? price.unit_amount : null;
  return { id, key, lookupKey, product, active, currency, amount, every: everyOf(price) };
}

function isWhole({
  active,
  currency,
  unit_amount: amount,
  lookup_key: key,
  recurring,
}: Stripe.Price): boolean {
  return (
    typeof active === 'boolean' &&
    typeof currency === 'string' &&
    (amount === null || Number.isSafeInteger(amount)) &&
    (key === null || typeof key === 'string') &&
    typeof recurring === 'object'
  );
}

function everyOf({ recurring }: Stripe.Price): string {
  if (recurring === null) return 'once';
  const { interval, interval_count: count, usage_type: usage } = recurring;
  const kind = usage === 'licensed' ? '' : ` (${usage})`;
  return `${count === 1 ? interval : `${count} ${interval}s`}${kind}`;
}

type Page = { limit: number; starting_after?: string };

/** All pages of a list, each object once. */
async function readAll<T extends { id: string; object: string }>(
  object: T['object'],
  list: (page: Page) => Promise<Stripe.ApiList<T>>,
): Promise<T[]> {
  const read = new Map<string, T>();
  for (let after: string | undefined; ; ) {
    const page = await ask(() =>
      list({ limit: PAGE, ...(after === undefined ? {} : { starting_after: after }) }),
    );
    const isList = page.object === 'list' && Array.isArray(page.data);
    if (!isList || page.data.some((one) => one.object !== object || typeof one.id !== 'string')) {
      throw oddAnswer(`the list of ${object}s`);
    }
    const before = read.size;
    for (const one of page.data) read.set(one.id, one);
    if (!page.has_more) return [...read.values()];
    // A page that brings nothing new would be asked for again and again.
    if (read.size === before) throw oddAnswer(`the next page of ${object}s`);
    after = page.data.at(-1)!.id;
  }
}

function chunksOf<T>(all: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

export function oddAnswer(asked: string): Refusal {
  return new Refusal(
    'provider_error',
    `Stripe answered with something else than ${asked} that was asked for.`,
  );
}
