import type Stripe from 'stripe';
import { invalid } from '../api/errors.ts';
import { group, listOf, type Params, text } from '../api/params.ts';
import { emit } from '../events.ts';
import { makeId } from '../ids.ts';
import { idOf } from '../references.ts';
import { nowSeconds, type World } from '../world.ts';
import { countRedemption, findCode, findCoupon, requireValid } from './coupons.ts';
import { discountAmounts, percentOf } from './discounting.ts';
import { nextRenewal } from './periods.ts';
import { amountOf, type Cost } from './proration.ts';

const asked = { coupon: text(), promotion_code: text() };
export const discountFields = listOf(group(asked), 20);
/** An update can also name a discount that is to stay. */
export const discountChanges = listOf(group({ ...asked, discount: text() }), 20);
export type AskedDiscount = Params<typeof asked>;

/** The coupon that was asked for, by itself or by a code. */
export function couponOf(
  world: World,
  { coupon: id, promotion_code: codeId }: AskedDiscount,
  param: string,
  customer: string | null,
): { coupon: Stripe.Coupon; code: Stripe.PromotionCode | null } {
  if ((id === undefined) === (codeId === undefined)) {
    throw invalid('You must pass either `coupon` or `promotion_code` for a discount.', { param });
  }
  if (id !== undefined) {
    const coupon = findCoupon(world, id, `${param}[coupon]`);
    requireValid(world, coupon, param);
    return { coupon, code: null };
  }
  const code = findCode(world, codeId!, `${param}[promotion_code]`);
  const isOver =
    !code.active ||
    (code.expires_at !== null && code.expires_at <= nowSeconds(world)) ||
    (code.max_redemptions !== null && code.times_redeemed >= code.max_redemptions);
  if (isOver) throw invalid('This promotion code is expired.', { param });
  if (code.customer !== null && code.customer !== customer) {
    throw invalid('This promotion code is for another customer.', { param });
  }
  const coupon = findCoupon(world, idOf(code.promotion.coupon) ?? '', param);
  requireValid(world, coupon, param);
  return { coupon, code };
}

/** Gives a subscription its discounts, in the order in which they are taken off. */
export function giveDiscounts(
  world: World,
  subscription: Stripe.Subscription,
  wanted: AskedDiscount[],
  session: string | null = null,
): string[] {
  const customer = idOf(subscription.customer) ?? '';
  return wanted.map((one, index) => {
    const param = `discounts[${index}]`;
    const { coupon, code } = couponOf(world, one, param, customer);
    if (coupon.currency !== null && coupon.currency !== subscription.currency) {
      throw invalid(`The coupon ${coupon.id} is in another currency.`, { param });
    }
    countRedemption(world, coupon, code);
    const now = nowSeconds(world);
    const months = coupon.duration_in_months;
    const discount: Stripe.Discount = {
      id: makeId('discount'),
      object: 'discount',
      checkout_session: session,
      customer,
      customer_account: null,
      end: months === null ? null : nextRenewal(now, { interval: 'month', interval_count: months }, now),
      invoice: null,
      invoice_item: null,
      promotion_code: code?.id ?? null,
      source: { coupon: coupon.id, type: 'coupon' },
      start: now,
      subscription: subscription.id,
      subscription_item: null,
    };
    world.store.put('discount', discount);
    // The coupon may be deleted, and the discount stays.
    world.store.put('grantedCoupon', { ...coupon, id: discount.id });
    emit(world, { type: 'customer.discount.created', data: { object: discount } });
    return discount.id;
  });
}

type Given = { discount: Stripe.Discount; coupon: Stripe.Coupon };

/** The discounts that a subscription has at this moment. */
export function discountsOf(world: World, { discounts }: Pick<Stripe.Subscription, 'discounts'>): Given[] {
  const now = nowSeconds(world);
  return discounts.flatMap((reference) => {
    const discount = world.store.get('discount', idOf(reference) ?? '');
    const coupon = world.store.get('grantedCoupon', idOf(reference) ?? '');
    if (discount === undefined || coupon === undefined) return [];
    return discount.end === null || discount.end > now ? [{ discount, coupon }] : [];
  });
}

/** The discounts that are left once an invoice has been made with them. */
export function leftAfterInvoice(world: World, subscription: Stripe.Subscription): string[] {
  const left = discountsOf(world, subscription)
    .filter(({ coupon }) => coupon.duration !== 'once')
    .map(({ discount }) => discount.id);
  return dropDiscounts(world, subscription, left);
}

/** Takes away all discounts but these. */
export function dropDiscounts(world: World, { discounts }: Stripe.Subscription, left: string[]): string[] {
  for (const reference of discounts) {
    const discount = world.store.get('discount', idOf(reference) ?? '');
    if (discount === undefined || left.includes(discount.id)) continue;
    emit(world, { type: 'customer.discount.deleted', data: { object: discount } });
  }
  return left;
}

/** What a period costs whoever has a subscription, less what percentages take off; prorations are of that. */
export function costFor(world: World, subscription: Stripe.Subscription): Cost {
  const given = discountsOf(world, subscription);
  return (item) =>
    given.reduce(
      (net, { coupon: { percent_off: percent } }) => (percent === null ? net : net - percentOf(net, percent)),
      amountOf(item),
    );
}

type Discounted = {
  lines: Stripe.InvoiceLineItem[];
  totals: { amount: number; discount: string }[];
  total: number;
};

/** Takes discounts off lines; not off prorations, which have them in them. */
export function discounted(lines: Stripe.InvoiceLineItem[], given: Given[]): Discounted {
  const amounts = lines.map((line) => (line.discountable ? line.amount : 0));
  const taken = discountAmounts(
    amounts,
    given.map(({ coupon }) => coupon),
  );
  const ids = given.map(({ discount }) => discount.id);
  const totals = ids.map((discount, index) => ({
    amount: taken[index]!.reduce((sum, one) => sum + one, 0),
    discount,
  }));
  return {
    lines: lines.map((line, at) => ({
      ...line,
      discount_amounts: line.discountable
        ? ids.map((discount, index) => ({ amount: taken[index]![at]!, discount }))
        : [],
    })),
    total: totals.reduce((sum, { amount }) => sum + amount, 0),
    totals,
  };
}
