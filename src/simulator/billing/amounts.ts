import type Stripe from 'stripe';
import { chargeMinimum, toStripeAmount } from '../../lib/currencies.ts';

/** What is left to pay of a total, and the customer's balance after it. Below zero, a balance is money of theirs. */
export type Due = { due: number; endingBalance: number };

/** A balance is used up first. What is less than the least charge is left for the next invoice. */
export function dueOf(total: number, balance: number, currency: string): Due {
  const due = total + balance;
  if (due <= 0) return { due: 0, endingBalance: due };
  const least = toStripeAmount(currency, chargeMinimum(currency));
  return due < least ? { due: 0, endingBalance: due } : { due, endingBalance: 0 };
}

type Amounts = Pick<
  Stripe.Invoice,
  | 'amount_due'
  | 'amount_remaining'
  | 'starting_balance'
  | 'subtotal'
  | 'subtotal_excluding_tax'
  | 'total'
  | 'total_excluding_tax'
>;

export function amountsOf(
  lines: Pick<Stripe.InvoiceLineItem, 'amount'>[],
  discount: number,
  balance: number,
  currency: string,
): Amounts {
  const subtotal = lines.reduce((sum, { amount }) => sum + amount, 0);
  const total = subtotal - discount;
  const { due } = dueOf(total, balance, currency);
  return {
    amount_due: due,
    amount_remaining: due,
    starting_balance: balance,
    subtotal,
    subtotal_excluding_tax: subtotal,
    total,
    total_excluding_tax: total,
  };
}
