import type { Catalog, Interval } from '../../catalog/types.ts';
import type { Micros } from '../../lib/amounts.ts';
import { toStripeAmount } from '../../lib/currencies.ts';

/** What Stripe should have of a catalog: a product for each plan and pack that is sold, with all its prices. */
export type Wanted = { products: WantedProduct[]; prices: WantedPrice[] };

export type WantedProduct = { id: string; name: string };

export type WantedPrice = {
  /** The lookup key, by which it is found. */
  key: string;
  product: string;
  currency: string;
  /** Stripe's integer. */
  amount: number;
  every: Interval | 'once';
};

/** Ids and keys follow from the catalog alone, so that every push finds what an earlier one has made. */
export function wantedOf(catalog: Catalog): Wanted {
  const wanted: Wanted = { products: [], prices: [] };
  for (const { plan, name, prices } of catalog.plans.values()) {
    const product = { id: `tollgate_plan_${plan}`, name };
    add(wanted, product, [
      ...pricesOf(prices.month, { product: product.id, every: 'month', key: `tollgate_${plan}_month` }),
      ...pricesOf(prices.year, { product: product.id, every: 'year', key: `tollgate_${plan}_year` }),
    ]);
  }
  for (const { id, name, prices } of catalog.packs.values()) {
    const product = { id: `tollgate_pack_${id}`, name };
    add(wanted, product, pricesOf(prices, { product: product.id, every: 'once', key: product.id }));
  }
  return wanted;
}

/** What has no price is not sold through Stripe: the free plan, and the one by contact. */
function add(wanted: Wanted, product: WantedProduct, prices: WantedPrice[]): void {
  if (prices.length === 0) return;
  wanted.products.push(product);
  wanted.prices.push(...prices);
}

function pricesOf(
  prices: Map<string, Micros>,
  { key, ...terms }: Pick<WantedPrice, 'key' | 'product' | 'every'>,
): WantedPrice[] {
  return [...prices].map(([currency, micros]) => ({
    key: `${key}_${currency}`,
    ...terms,
    currency,
    amount: toStripeAmount(currency, micros),
  }));
}

/** Nobody else makes such ids: those that Stripe chooses begin with `prod_`. */
export function isOurProduct(id: string): boolean {
  return /^tollgate_(plan|pack)_/.test(id);
}

export function isOurKey(key: string): boolean {
  return key.startsWith('tollgate_');
}
