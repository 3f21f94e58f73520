import type Stripe from 'stripe';
import { invalid, noSuch } from '../api/errors.ts';
import { paginate } from '../api/lists.ts';
import { changeMetadata, metadata } from '../api/metadata.ts';
import type { Params } from '../api/params.ts';
import { emit, previousOf } from '../events.ts';
import { makeId } from '../ids.ts';
import { idOf } from '../references.ts';
import { nowSeconds, type World } from '../world.ts';
import { isTestCard } from './cards.ts';
import { findCharge } from './charges.ts';
import { isAbout, type refundListing } from './refunds.ts';

export type DisputeOptions = {
  /** In the minor unit; the whole charge if nothing is said. */
  amount?: number;
  /** `needs_response` if nothing is said; `warning_needs_response` is an inquiry, which takes no money. */
  status?: Stripe.Dispute.Status;
};

/** A card holder does not accept a charge. But for an inquiry, the money is taken at once. */
export function openDispute(
  world: World,
  chargeId: string,
  { amount, status = 'needs_response' }: DisputeOptions = {},
): Stripe.Dispute {
  const charge = findCharge(world, chargeId);
  if (charge.status !== 'succeeded') throw invalid(`Charge ${chargeId} has not been paid.`);
  const dispute: Stripe.Dispute = {
    id: makeId('dispute'),
    object: 'dispute',
    amount: amount ?? charge.amount,
    balance_transactions: [],
    charge: charge.id,
    created: nowSeconds(world),
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: NO_EVIDENCE,
    evidence_details: {
      due_by: nowSeconds(world) + RESPONSE_SECONDS,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'not_submitted',
    },
    intended_submission_method: null,
    is_charge_refundable: isInquiry(status),
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    reason: 'fraudulent',
    status,
  };
  world.store.put('charge', { ...charge, disputed: true });
  const opened = isInquiry(status) ? dispute : withMoney(world, dispute, -dispute.amount);
  world.store.put('dispute', opened);
  emit(world, { type: 'charge.dispute.created', data: { object: opened } });
  if (!isInquiry(status)) emit(world, { type: 'charge.dispute.funds_withdrawn', data: { object: opened } });
  return opened;
}

const RESPONSE_SECONDS = 9 * 24 * 60 * 60;

const OUTCOMES: ReadonlySet<string> = new Set(['won', 'lost', 'warning_closed', 'prevented']);

const isInquiry = (status: string) => status.startsWith('warning_') || status === 'prevented';

/** Brings a dispute to another status, as the bank does; an outcome closes it, and money moves with it. */
export function moveDispute(world: World, id: string, status: Stripe.Dispute.Status): Stripe.Dispute {
  const before = findDispute(world, id);
  const moved: Stripe.Dispute = { ...before, status, is_charge_refundable: isInquiry(status) };
  const isTaken = before.balance_transactions.reduce((sum, { amount }) => sum + amount, 0) < 0;
  const isBack = isTaken && (status === 'won' || status === 'prevented');
  const isGone = !isTaken && !isInquiry(status) && status !== 'won';
  const after = isBack
    ? withMoney(world, moved, moved.amount)
    : isGone
      ? withMoney(world, moved, -moved.amount)
      : moved;
  world.store.put('dispute', after);
  const data = { object: after, previous_attributes: previousOf(before, after) };
  if (OUTCOMES.has(status)) emit(world, { type: 'charge.dispute.closed', data });
  else emit(world, { type: 'charge.dispute.updated', data });
  if (isBack) emit(world, { type: 'charge.dispute.funds_reinstated', data });
  if (isGone) emit(world, { type: 'charge.dispute.funds_withdrawn', data });
  return after;
}

function withMoney(world: World, dispute: Stripe.Dispute, amount: number): Stripe.Dispute {
  const now = nowSeconds(world);
  const { id, currency, charge } = dispute;
  const moved: Stripe.BalanceTransaction = {
    id: makeId('transaction'),
    object: 'balance_transaction',
    amount,
    available_on: now,
    balance_type: 'payments',
    created: now,
    currency,
    description: `${amount < 0 ? 'Chargeback withdrawal' : 'Chargeback reversal'} for ${idOf(charge)}`,
    exchange_rate: null,
    fee: 0,
    fee_details: [],
    net: amount,
    reporting_category: amount < 0 ? 'dispute' : 'dispute_reversal',
    source: id,
    status: 'available',
    type: 'adjustment',
  };
  return { ...dispute, balance_transactions: [...dispute.balance_transactions, moved] };
}

/** Test cards whose charges are disputed as soon as they are paid. */
export function disputeTestCard(world: World, chargeId: string): void {
  const charge = findCharge(world, chargeId);
  if (isTestCard(charge, 'dispute')) openDispute(world, chargeId);
  if (isTestCard(charge, 'inquiry')) openDispute(world, chargeId, { status: 'warning_needs_response' });
}

export function listDisputes(
  world: World,
  params: Params<typeof refundListing>,
): Stripe.ApiList<Stripe.Dispute> {
  return paginate(world.store.all('dispute'), '/v1/disputes', params, 'dispute', (dispute) =>
    isAbout(dispute, params),
  );
}

export function retrieveDispute(world: World, _params: unknown, id: string): Stripe.Dispute {
  return findDispute(world, id);
}

export const disputeChanges = { metadata: metadata() };

export function updateDispute(
  world: World,
  params: Params<typeof disputeChanges>,
  id: string,
): Stripe.Dispute {
  const before = findDispute(world, id);
  const after = { ...before, metadata: changeMetadata(before.metadata, params.metadata) };
  world.store.put('dispute', after);
  emit(world, {
    type: 'charge.dispute.updated',
    data: { object: after, previous_attributes: previousOf(before, after) },
  });
  return after;
}

/** The merchant gives in: the dispute is lost. */
export function closeDispute(world: World, _params: unknown, id: string): Stripe.Dispute {
  const { status } = findDispute(world, id);
  if (OUTCOMES.has(status)) throw invalid(`This dispute is already closed: its status is \`${status}\`.`);
  return moveDispute(world, id, 'lost');
}

function findDispute(world: World, id: string): Stripe.Dispute {
  const dispute = world.store.get('dispute', id);
  if (dispute === undefined) throw noSuch('dispute', id);
  return dispute;
}

const NO_EVIDENCE: Stripe.Dispute.Evidence = {
  access_activity_log: null,
  billing_address: null,
  cancellation_policy: null,
  cancellation_policy_disclosure: null,
  cancellation_rebuttal: null,
  customer_communication: null,
  customer_email_address: null,
  customer_name: null,
  customer_purchase_ip: null,
  customer_signature: null,
  duplicate_charge_documentation: null,
  duplicate_charge_explanation: null,
  duplicate_charge_id: null,
  enhanced_evidence: {},
  product_description: null,
  receipt: null,
  refund_policy: null,
  refund_policy_disclosure: null,
  refund_refusal_explanation: null,
  service_date: null,
  service_documentation: null,
  shipping_address: null,
  shipping_carrier: null,
  shipping_date: null,
  shipping_documentation: null,
  shipping_tracking_number: null,
  uncategorized_file: null,
  uncategorized_text: null,
};
