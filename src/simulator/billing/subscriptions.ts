import type Stripe from 'stripe';
import { cardError, invalid, StripeError } from '../api/errors.ts';
import { listing, paginate } from '../api/lists.ts';
import { created, oneOf, type Params, text } from '../api/params.ts';
import { liveCustomer } from '../livingCustomers.ts';
import type { World } from '../world.ts';
import { begin, composeFirstInvoice, composeSubscription, type NewSubscription } from './beginnings.ts';
import { giveDiscounts } from './discounts.ts';
import { wantedItems } from './items.ts';
import { customerMethod, intentFor, payInvoice } from './paying.ts';
import { findSubscription, isOver } from './state.ts';

/** Begins a subscription with its first invoice, which it is incomplete without. */
export function createSubscription(world: World, params: NewSubscription): Stripe.Subscription {
  const customer = liveCustomer(world, params.customer, 'customer');
  const behavior = params.payment_behavior ?? 'allow_incomplete';
  const composed = composeSubscription(world, customer, wantedItems(world, params.items), params);
  const discounts = giveDiscounts(world, composed, params.discounts ?? []);
  const subscription = { ...composed, discounts };
  const invoice = composeFirstInvoice(world, subscription, params.proration_behavior);
  if (invoice.amount_due > 0 && behavior !== 'default_incomplete') {
    requireMethod(world, customer.id, params.default_payment_method);
  }
  const open = begin(world, subscription, invoice);
  if (open.amount_due === 0) payInvoice(world, open);
  else if (behavior === 'default_incomplete') intentFor(world, open);
  else {
    const presence = params.off_session === true ? 'off_session' : 'on_session';
    const { decline, intent } = payInvoice(world, open, { presence });
    if (decline !== null && behavior === 'error_if_incomplete') {
      // Unlike other declines, this one leaves nothing behind.
      throw new StripeError(402, cardError(decline, intent === null ? {} : { payment_intent: intent }).body);
    }
  }
  return findSubscription(world, subscription.id);
}

function requireMethod(world: World, customer: string, named: string | undefined): void {
  if (named !== undefined || customerMethod(world, customer) !== null) return;
  throw invalid(
    'This customer has no attached payment source or default payment method. Please consider adding a default payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.',
    { code: 'resource_missing' },
  );
}

export function retrieveSubscription(world: World, _params: unknown, id: string): Stripe.Subscription {
  return findSubscription(world, id);
}

export const subscriptionListing = {
  ...listing,
  collection_method: oneOf('charge_automatically', 'send_invoice'),
  created: created(),
  current_period_end: created(),
  current_period_start: created(),
  customer: text(),
  price: text(),
  status: oneOf(
    'active',
    'all',
    'canceled',
    'ended',
    'incomplete',
    'incomplete_expired',
    'past_due',
    'paused',
    'trialing',
    'unpaid',
  ),
  test_clock: text(),
};

/** Without a status, those that were not canceled. */
export function listSubscriptions(
  world: World,
  params: Params<typeof subscriptionListing>,
): Stripe.ApiList<Stripe.Subscription> {
  return paginate(world.store.all('subscription'), '/v1/subscriptions', params, 'subscription', (row) => {
    const { created: within, current_period_end: ends, current_period_start: starts, status } = params;
    const items = row.items.data;
    if (within !== undefined && !within(row.created)) return false;
    if (ends !== undefined && !items.some((item) => ends(item.current_period_end))) return false;
    if (starts !== undefined && !items.some((item) => starts(item.current_period_start))) return false;
    if (params.customer !== undefined && row.customer !== params.customer) return false;
    if (params.test_clock !== undefined && row.test_clock !== params.test_clock) return false;
    if (params.collection_method === 'send_invoice') return false;
    if (params.price !== undefined && !items.some(({ price }) => price.id === params.price)) return false;
    if (status === undefined) return row.status !== 'canceled';
    if (status === 'ended') return isOver(row);
    return status === 'all' || row.status === status;
  });
}
