import type Stripe from 'stripe';
import type { Period } from './periods.ts';

/** Money for a part of a period: back for what is not used any more, or due for what is left of it. */
export type Proration = {
  kind: 'unused' | 'remaining';
  item: Stripe.SubscriptionItem;
  /** Below zero when it is money back. */
  amount: number;
  period: Period;
};

/** That part of an amount, in whole units: half a unit is rounded up. */
export function shareOf(amount: number, part: number, whole: number): number {
  if (part <= 0 || whole <= 0) return 0;
  const [numerator, denominator] = [BigInt(amount) * BigInt(part), BigInt(whole)];
  return Number((2n * numerator + denominator) / (2n * denominator));
}

/** What an item costs for a whole period. */
export function amountOf({ price, quantity }: Pick<Stripe.SubscriptionItem, 'price' | 'quantity'>): number {
  return (price.unit_amount ?? 0) * (quantity ?? 1);
}

/** What a whole period of an item costs somebody. */
export type Cost = (item: Stripe.SubscriptionItem) => number;

export function unusedTime(item: Stripe.SubscriptionItem, at: number, cost: Cost): Proration {
  return prorated('unused', item, at, cost);
}

function remainingTime(item: Stripe.SubscriptionItem, at: number, cost: Cost): Proration {
  return prorated('remaining', item, at, cost);
}

/** All of a period that is given back, if anything is left of it. */
export function unusedTimes(items: Stripe.SubscriptionItem[], at: number, cost: Cost): Proration[] {
  return items.filter((item) => at < item.current_period_end).map((item) => unusedTime(item, at, cost));
}

function prorated(kind: Proration['kind'], item: Stripe.SubscriptionItem, at: number, cost: Cost): Proration {
  const { current_period_start: start, current_period_end: end } = item;
  const share = shareOf(cost(item), end - at, end - start);
  return {
    kind,
    item,
    amount: kind === 'unused' && share !== 0 ? -share : share,
    period: { start: at, end },
  };
}

/** What a change of items within their period costs, the old ones first. At its end, it costs nothing. */
export function prorationsOf(
  before: Stripe.SubscriptionItem[],
  after: Stripe.SubscriptionItem[],
  at: number,
  cost: Cost,
): Proration[] {
  const costsTheSame = (item: Stripe.SubscriptionItem, others: Stripe.SubscriptionItem[]) =>
    others.some(
      (other) => other.id === item.id && other.price.id === item.price.id && other.quantity === item.quantity,
    );
  return [
    ...before
      .filter((item) => !costsTheSame(item, after) && at < item.current_period_end)
      .map((item) => unusedTime(item, at, cost)),
    ...after
      .filter((item) => !costsTheSame(item, before) && at < item.current_period_end)
      .map((item) => remainingTime(item, at, cost)),
  ];
}
