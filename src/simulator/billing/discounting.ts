import type Stripe from 'stripe';
import { shareOf } from './proration.ts';

type Off = Pick<Stripe.Coupon, 'amount_off' | 'percent_off'>;

/** What each discount takes off each amount, one after the other; nothing is taken off what is money back. */
export function discountAmounts(amounts: number[], coupons: Off[]): number[][] {
  const left = amounts.map((amount) => Math.max(0, amount));
  return coupons.map(({ amount_off: amount, percent_off: percent }) => {
    const taken =
      percent === null ? takeAmount(left, amount ?? 0) : left.map((one) => percentOf(one, percent));
    for (const [index, off] of taken.entries()) left[index]! -= off;
    return taken;
  });
}

/** With two decimals, in whole units, half of one up. */
export function percentOf(amount: number, percent: number): number {
  return shareOf(amount, Math.round(percent * 100), 10_000);
}

/** An amount is taken off in the order of what it is taken off, as far as it goes. */
function takeAmount(amounts: number[], off: number): number[] {
  let left = off;
  return amounts.map((amount) => {
    const taken = Math.min(amount, left);
    left -= taken;
    return taken;
  });
}
