import { type Catalog, type Interval, PLANS, type Plan } from '../../catalog/types.ts';
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
    const product = { id: planProduct(plan), name };
    const pricesPer = (every: Interval) =>
      pricesOf(prices[every], {
        product: product.id,
        every,
        keyOf: (currency) => planKey({ plan, interval: every, currency }),
      });
    add(wanted, product, [...pricesPer('month'), ...pricesPer('year')]);
  }
  for (const { id, name, prices } of catalog.packs.values()) {
    const product = { id: `tollgate_pack_${id}`, name };
    const keyOf = (currency: string) => `${product.id}_${currency}`;
    add(wanted, product, pricesOf(prices, { product: product.id, every: 'once', keyOf }));
  }
  return wanted;
}

const PLAN_PRODUCT = 'tollgate_plan_';

/** The product of a plan. Its prices come and go, and it stays: by it, a plan is known. */
export function planProduct(plan: Plan): string {
  return `${PLAN_PRODUCT}${plan}`;
}

export function planOfProduct(id: string): Plan | null {
  return PLANS.find((plan) => planProduct(plan) === id) ?? null;
}

/** The lookup key of a plan's price. */
export function planKey({
  plan,
  interval,
  currency,
}: {
  plan: Plan;
  interval: Interval;
  currency: string;
}): string {
  return `tollgate_${plan}_${interval}_${currency}`;
}

/** What has no price is not sold through Stripe: the free plan, and the one by contact. */
function add(wanted: Wanted, product: WantedProduct, prices: WantedPrice[]): void {
  if (prices.length === 0) return;
  wanted.products.push(product);
  wanted.prices.push(...prices);
}

function pricesOf(
  prices: Map<string, Micros>,
  { keyOf, ...terms }: Pick<WantedPrice, 'product' | 'every'> & { keyOf(currency: string): string },
): WantedPrice[] {
  return [...prices].map(([currency, micros]) => ({
    key: keyOf(currency),
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
