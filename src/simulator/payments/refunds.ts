import type Stripe from 'stripe';
import { invalid, noSuch } from '../api/errors.ts';
import { listing, paginate } from '../api/lists.ts';
import { changeMetadata, metadata } from '../api/metadata.ts';
import { created, integer, oneOf, type Params, text } from '../api/params.ts';
import { formatMoney } from '../checkout/orders.ts';
import { emit, previousOf } from '../events.ts';
import { makeId } from '../ids.ts';
import { idOf } from '../references.ts';
import { nowSeconds, type World } from '../world.ts';
import { isTestCard } from './cards.ts';
import { findCharge } from './charges.ts';
import { findIntent } from './payments.ts';

export const refundFields = {
  amount: integer({ min: 1 }),
  charge: text(),
  metadata: metadata(),
  payment_intent: text(),
  reason: oneOf('duplicate', 'fraudulent', 'requested_by_customer'),
};

/** Gives money back, all that is left or a part of it. */
export function createRefund(world: World, params: Params<typeof refundFields>): Stripe.Refund {
  const charge = chargeOf(world, params);
  const left = charge.amount_captured - charge.amount_refunded;
  const amount = params.amount ?? left;
  requireRefundable(world, charge, amount, left);
  const refund: Stripe.Refund = {
    id: makeId('refund'),
    object: 'refund',
    amount,
    balance_transaction: null,
    charge: charge.id,
    created: nowSeconds(world),
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    metadata: changeMetadata({}, params.metadata),
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason: params.reason ?? null,
    receipt_number: null,
    source_transfer_reversal: null,
    status: isTestCard(charge, 'refund_waits') ? 'pending' : 'succeeded',
    transfer_reversal: null,
  };
  world.store.put('refund', refund);
  const refunded = countRefunded(world, charge, amount);
  emit(world, {
    type: 'charge.refunded',
    data: { object: refunded, previous_attributes: previousOf(charge, refunded) },
  });
  emit(world, { type: 'refund.created', data: { object: refund } });
  return refund;
}

function chargeOf(world: World, { charge, payment_intent: intentId }: Params<typeof refundFields>) {
  if (charge !== undefined) return findCharge(world, charge, 'charge');
  if (intentId === undefined) {
    throw invalid(
      'One of the following params should be provided for this request: payment_intent or charge.',
    );
  }
  const intent = findIntent(world, intentId, 'payment_intent');
  if (intent.status !== 'succeeded') {
    throw invalid(`This PaymentIntent (${intentId}) does not have a successful charge to refund.`);
  }
  return findCharge(world, idOf(intent.latest_charge) ?? '');
}

function requireRefundable(world: World, charge: Stripe.Charge, amount: number, left: number): void {
  if (charge.status !== 'succeeded') throw invalid(`Charge ${charge.id} has not been paid.`);
  if (left === 0) {
    throw invalid(`Charge ${charge.id} has already been refunded.`, { code: 'charge_already_refunded' });
  }
  const disputes = [...world.store.all('dispute')].filter((dispute) => dispute.charge === charge.id);
  if (disputes.some((dispute) => !dispute.is_charge_refundable)) {
    throw invalid(`Charge ${charge.id} has been charged back; cannot issue a refund.`, {
      code: 'charge_disputed',
    });
  }
  if (amount > left) {
    const [asked, rest] = [amount, left].map((money) => formatMoney(charge.currency, money));
    throw invalid(`Refund amount (${asked}) is greater than unrefunded amount on charge (${rest})`, {
      param: 'amount',
    });
  }
}

function countRefunded(world: World, charge: Stripe.Charge, amount: number): Stripe.Charge {
  const sum = charge.amount_refunded + amount;
  const counted: Stripe.Charge = {
    ...charge,
    amount_refunded: sum,
    refunded: sum === charge.amount_captured,
  };
  world.store.put('charge', counted);
  return counted;
}

/** The bank has taken the money of a refund that waited. */
export function settleRefund(world: World, id: string): Stripe.Refund {
  const refund = findRefund(world, id);
  if (refund.status !== 'pending') throw invalid(`The refund ${id} does not wait: it is ${refund.status}.`);
  return update(world, refund, { ...refund, status: 'succeeded' });
}

/** The bank could not give the money on: it comes back, and the charge is not refunded any more. */
export function failRefund(world: World, id: string): Stripe.Refund {
  const refund = findRefund(world, id);
  if (refund.status === 'failed') throw invalid(`The refund ${id} has failed already.`);
  countRefunded(world, findCharge(world, idOf(refund.charge) ?? ''), -refund.amount);
  const failed: Stripe.Refund = {
    ...refund,
    failure_reason: 'expired_or_canceled_card',
    status: 'failed',
  };
  update(world, refund, failed);
  emit(world, { type: 'refund.failed', data: { object: failed } });
  return failed;
}

function update(world: World, before: Stripe.Refund, after: Stripe.Refund): Stripe.Refund {
  world.store.put('refund', after);
  const data = { object: after, previous_attributes: previousOf(before, after) };
  emit(world, { type: 'refund.updated', data });
  emit(world, { type: 'charge.refund.updated', data });
  return after;
}

const OUTCOME_SECONDS = 5; // "some time later" at Stripe

/** What becomes of refunds to test cards whose outcome comes later. */
export function settleDue(world: World): void {
  const due = nowSeconds(world) - OUTCOME_SECONDS;
  for (const refund of [...world.store.all('refund')]) {
    if (refund.created > due || refund.status === 'failed') continue;
    const charge = findCharge(world, idOf(refund.charge) ?? '');
    if (isTestCard(charge, 'refund_fails')) failRefund(world, refund.id);
    else if (refund.status === 'pending') settleRefund(world, refund.id);
  }
}

export const refundChanges = { metadata: metadata() };

export function updateRefund(world: World, params: Params<typeof refundChanges>, id: string): Stripe.Refund {
  const refund = findRefund(world, id);
  return update(world, refund, {
    ...refund,
    metadata: changeMetadata(refund.metadata ?? {}, params.metadata),
  });
}

export const refundListing = { ...listing, charge: text(), created: created(), payment_intent: text() };

export function listRefunds(
  world: World,
  params: Params<typeof refundListing>,
): Stripe.ApiList<Stripe.Refund> {
  return paginate(world.store.all('refund'), '/v1/refunds', params, 'refund', (refund) =>
    isAbout(refund, params),
  );
}

/** Whether a refund or a dispute is about the charge, the intent and the time that were asked for. */
export function isAbout(
  row: Stripe.Refund | Stripe.Dispute,
  { charge, created: within, payment_intent: intent }: Params<typeof refundListing>,
): boolean {
  if (within !== undefined && !within(row.created)) return false;
  if (charge !== undefined && row.charge !== charge) return false;
  return intent === undefined || row.payment_intent === intent;
}

export function retrieveRefund(world: World, _params: unknown, id: string): Stripe.Refund {
  return findRefund(world, id);
}

function findRefund(world: World, id: string): Stripe.Refund {
  const refund = world.store.get('refund', id);
  if (refund === undefined) throw noSuch('refund', id);
  return refund;
}
