import { cardError, invalid } from '../api/errors.ts';
import { integer, type Params, required, text } from '../api/params.ts';
import { keyOf, takeMethod } from '../payments/wallet.ts';
import type { World } from '../world.ts';
import { findSession } from './checkout.ts';
import { confirmSession } from './confirm.ts';

// How Stripe's own page, and its command line in place of one, pay a session. It is no part of the public API.

export type PaymentPage = {
  object: 'payment_page';
  session_id: string;
  amount_total: number | null;
  currency: string | null;
  status: string | null;
};

export function retrievePage(world: World, _params: unknown, id: string): PaymentPage {
  const session = findSession(world, id);
  return {
    object: 'payment_page',
    session_id: id,
    amount_total: session.amount_total,
    currency: session.currency,
    status: session.status,
  };
}

export const pageConfirmation = { expected_amount: required(integer()), payment_method: required(text()) };

/** Pays with a payment method, if the payer has seen the amount that is asked. */
export function confirmPage(
  world: World,
  { expected_amount: expected, payment_method: methodId }: Params<typeof pageConfirmation>,
  id: string,
): PaymentPage {
  const { amount_total: total } = findSession(world, id);
  if (total !== expected) {
    throw invalid(`The expected_amount (${expected}) is not the amount of the session (${total}).`, {
      param: 'expected_amount',
    });
  }
  const method = takeMethod(world, methodId, 'payment_method');
  const { means } = keyOf(world, method);
  const { decline } = confirmSession(world, id, means, method.billing_details.email ?? undefined, method);
  if (decline !== null) throw cardError(decline);
  return retrievePage(world, {}, id);
}
