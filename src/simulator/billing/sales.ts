import type Stripe from 'stripe';
import { invalid } from '../api/errors.ts';
import { requireChargeable, totalOf } from '../checkout/orders.ts';
import { idOf } from '../references.ts';
import type { World } from '../world.ts';
import { countRedemption } from './coupons.ts';
import { discountAmounts } from './discounting.ts';
import { type AskedDiscount, couponOf } from './discounts.ts';

/** What a session sells, with what its discount takes off. */
export function discountItems(
  world: World,
  items: Stripe.LineItem[],
  wanted: AskedDiscount[],
  customer: string | null,
): Stripe.LineItem[] {
  const [first, ...others] = wanted;
  if (first === undefined) return items;
  if (others.length > 0) {
    throw invalid('A Checkout Session takes one discount.', { param: 'discounts' });
  }
  const { coupon } = couponOf(world, first, 'discounts[0]', customer);
  const { currency } = items[0]!;
  if (coupon.currency !== null && coupon.currency !== currency) {
    throw invalid(`The coupon ${coupon.id} is in another currency.`, { param: 'discounts[0]' });
  }
  const [taken] = discountAmounts(
    items.map((item) => item.amount_subtotal),
    [coupon],
  );
  const discounted = items.map((item, index) => ({
    ...item,
    amount_discount: taken![index]!,
    amount_total: item.amount_subtotal - taken![index]!,
  }));
  const total = totalOf(discounted);
  if (total !== 0) requireChargeable(currency, total, 'line_items');
  return discounted;
}

/** Goods have been sold with a coupon; a subscription counts it when it begins. */
export function redeemForGoods(world: World, { discounts, mode }: Stripe.Checkout.Session): void {
  if (mode !== 'payment') return;
  for (const { coupon: named, promotion_code: codeId } of discounts ?? []) {
    const code = world.store.get('promotionCode', idOf(codeId) ?? '');
    const coupon = world.store.get('coupon', idOf(named ?? code?.promotion.coupon ?? null) ?? '');
    countRedemption(world, coupon, code);
  }
}
