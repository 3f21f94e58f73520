import type Stripe from 'stripe';
import { type Decline, noSuch } from '../api/errors.ts';
import { listing, paginate } from '../api/lists.ts';
import { created, type Params, text } from '../api/params.ts';
import { makeId } from '../ids.ts';
import { idOf } from '../references.ts';
import { nowSeconds, type World } from '../world.ts';
import type { Means } from './means.ts';
import { chargeDetails } from './methods.ts';

/** An attempt to collect an intent, before its outcome is known. */
export function makeCharge(
  world: World,
  intent: Stripe.PaymentIntent,
  means: Means,
  method: Stripe.PaymentMethod,
): Stripe.Charge {
  return {
    id: makeId('charge'),
    object: 'charge',
    amount: intent.amount,
    amount_captured: 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: method.billing_details,
    calculated_statement_descriptor: intent.statement_descriptor ?? 'TOLLGATE SIMULATOR',
    captured: false,
    created: nowSeconds(world),
    currency: intent.currency,
    customer: idOf(intent.customer),
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    fraud_details: {},
    livemode: false,
    metadata: intent.metadata,
    on_behalf_of: null,
    outcome: PAID,
    paid: false,
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: chargeDetails(means, intent.amount),
    receipt_email: intent.receipt_email,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: intent.shipping,
    source: null,
    source_transfer: null,
    statement_descriptor: intent.statement_descriptor,
    statement_descriptor_suffix: intent.statement_descriptor_suffix,
    status: 'pending',
    transfer_data: null,
    transfer_group: null,
  };
}

const PAID: Stripe.Charge.Outcome = {
  advice_code: null,
  network_advice_code: null,
  network_decline_code: null,
  network_status: 'approved_by_network',
  reason: null,
  risk_level: 'normal',
  risk_score: 20,
  seller_message: 'Payment complete.',
  type: 'authorized',
};

/** What a charge says once its bank has declined it. */
export function declinedCharge(
  charge: Stripe.Charge,
  { code, declineCode, adviceCode, message }: Decline,
): Stripe.Charge {
  return {
    ...charge,
    failure_code: code,
    failure_message: message,
    outcome: {
      ...PAID,
      advice_code: adviceCode,
      network_status: 'declined_by_network',
      reason: declineCode,
      seller_message: 'The bank did not return any further details with this decline.',
      type: 'issuer_declined',
    },
    paid: false,
  };
}

export const chargeListing = { ...listing, created: created(), customer: text(), payment_intent: text() };

export function listCharges(
  world: World,
  params: Params<typeof chargeListing>,
): Stripe.ApiList<Stripe.Charge> {
  return paginate(world.store.all('charge'), '/v1/charges', params, 'charge', (charge) => {
    if (params.created !== undefined && !params.created(charge.created)) return false;
    if (params.payment_intent !== undefined && charge.payment_intent !== params.payment_intent) return false;
    return params.customer === undefined || charge.customer === params.customer;
  });
}

export function retrieveCharge(world: World, _params: unknown, id: string): Stripe.Charge {
  return findCharge(world, id);
}

export function findCharge(world: World, id: string, param?: string): Stripe.Charge {
  const charge = world.store.get('charge', id);
  if (charge === undefined) throw noSuch('charge', id, param);
  return charge;
}
