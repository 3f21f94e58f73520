import type Stripe from 'stripe';
import { cardError, type Decline, noSuch } from '../api/errors.ts';
import type { Metadata } from '../api/metadata.ts';
import { emit } from '../events.ts';
import { makeId, randomText } from '../ids.ts';
import { idOf } from '../references.ts';
import type { Key } from '../store.ts';
import { authenticationUrl, nowSeconds, type World } from '../world.ts';
import { AUTHENTICATION_REQUIRED, type Card } from './cards.ts';
import { declinedCharge, findCharge, makeCharge } from './charges.ts';
import { findMethod, keyOf, save } from './wallet.ts';

type Asked = Pick<Stripe.PaymentIntent, 'amount' | 'currency' | 'payment_method_types'> &
  Partial<Stripe.PaymentIntent> & { metadata: Metadata };

/** The intent to collect an amount. */
export function openIntent(world: World, asked: Asked): Stripe.PaymentIntent {
  const id = makeId('intent');
  const intent: Stripe.PaymentIntent = {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: null,
    amount_capturable: 0,
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: null,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: 'automatic_async',
    client_secret: `${id}_secret_${randomText(25)}`,
    confirmation_method: 'automatic',
    created: nowSeconds(world),
    customer: null,
    customer_account: null,
    description: null,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_record: null,
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: 'requires_payment_method',
    transfer_group: null,
    ...asked,
  };
  world.store.put('intent', intent);
  emit(world, { type: 'payment_intent.created', data: { object: intent } });
  return intent;
}

/** Who is there when a card is charged: its holder, nobody, or its holder who has just confirmed the payment. */
export type Presence = 'on_session' | 'off_session' | 'authenticated';

export type Attempt = {
  intent: Stripe.PaymentIntent;
  result: 'succeeded' | 'processing' | 'requires_action' | 'failed';
  decline: Decline | null;
};

/** Tries to collect an intent. A failed one is open for another try. */
export function attempt(
  world: World,
  before: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  presence: Presence,
  returnUrl: string | null = null,
): Attempt {
  const key = keyOf(world, method);
  const intent: Stripe.PaymentIntent = { ...before, payment_method: method.id, next_action: null };
  if (needsHolder(key, presence)) {
    return { intent: askHolder(world, intent, returnUrl), result: 'requires_action', decline: null };
  }
  return charge(world, intent, method, key);
}

/** Whether the card's holder has to confirm, and has not. */
export function needsHolder({ means, isSetUp }: Key, presence: Presence): boolean {
  if (means.type !== 'card' || presence === 'authenticated') return false;
  return presence === 'on_session' ? means.authentication !== 'never' : needsAbsentHolder(means, isSetUp);
}

function needsAbsentHolder({ authentication }: Card, isSetUp: boolean): boolean {
  return authentication === 'always' || (authentication === 'unless_set_up' && !isSetUp);
}

function askHolder(
  world: World,
  intent: Stripe.PaymentIntent,
  returnUrl: string | null,
): Stripe.PaymentIntent {
  const url = authenticationUrl(world, intent.id);
  const asking: Stripe.PaymentIntent = {
    ...intent,
    last_payment_error: null,
    next_action: { redirect_to_url: { return_url: returnUrl, url }, type: 'redirect_to_url' },
    status: 'requires_action',
  };
  return keepIntent(world, 'payment_intent.requires_action', asking);
}

function charge(world: World, intent: Stripe.PaymentIntent, method: Stripe.PaymentMethod, key: Key): Attempt {
  const { means } = key;
  const charge = makeCharge(world, intent, means, method);
  const tried: Stripe.PaymentIntent = { ...intent, latest_charge: charge.id };
  const decline = means.type === 'card' ? means.decline : null;
  if (decline !== null) return { intent: fail(world, charge, tried, decline), result: 'failed', decline };
  keepMethod(world, intent, method, key);
  if (means.type === 'card') return { intent: succeed(world, charge, tried), result: 'succeeded', decline };
  const processing: Stripe.PaymentIntent = { ...tried, status: 'processing', last_payment_error: null };
  keepCharge(world, 'pending', charge);
  return {
    intent: keepIntent(world, 'payment_intent.processing', processing),
    result: 'processing',
    decline,
  };
}

/** What was charged is saved where that was asked for; else it cannot be charged again. */
function keepMethod(
  world: World,
  { customer, setup_future_usage: usage }: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  key: Key,
): void {
  const isSetUp = key.isSetUp || usage === 'off_session';
  world.store.put('key', { ...key, isSetUp, isSpent: true });
  if (usage !== null && customer !== null) save(world, method, idOf(customer)!);
}

/** An attempt that nobody was there to confirm: declined, as its bank would. */
export function failUnattended(
  world: World,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
): Attempt {
  const { means } = keyOf(world, method);
  const charge = makeCharge(world, intent, means, method);
  const tried: Stripe.PaymentIntent = { ...intent, latest_charge: charge.id, payment_method: method.id };
  const decline = AUTHENTICATION_REQUIRED;
  return { intent: fail(world, charge, tried, decline), result: 'failed', decline };
}

/** The card's holder answers for a payment that waits for that. */
export function answerForHolder(
  world: World,
  intent: Stripe.PaymentIntent,
  outcome: 'succeed' | 'fail',
): Attempt {
  const method = findMethod(world, idOf(intent.payment_method) ?? '');
  if (outcome === 'succeed') return attempt(world, intent, method, 'authenticated');
  const decline: Decline = {
    code: 'payment_intent_authentication_failure',
    declineCode: null,
    adviceCode: null,
    message:
      'We are unable to authenticate your payment method. Please choose a different payment method and try again.',
  };
  const failed: Stripe.PaymentIntent = {
    ...intent,
    last_payment_error: { ...cardError(decline).body, payment_method: method, type: 'invalid_request_error' },
    next_action: null,
    payment_method: null,
    status: 'requires_payment_method',
  };
  return { intent: keepIntent(world, 'payment_intent.payment_failed', failed), result: 'failed', decline };
}

/** The bank's answer to an intent that is processing. */
export function settle(
  world: World,
  intent: Stripe.PaymentIntent,
  outcome: 'succeed' | 'fail',
): Stripe.PaymentIntent {
  const charge = findCharge(world, idOf(intent.latest_charge) ?? '');
  if (outcome === 'succeed') return succeed(world, charge, intent);
  return fail(world, charge, intent, {
    code: 'payment_method_provider_decline',
    declineCode: 'insufficient_funds',
    adviceCode: null,
    message: 'The customer’s account has insufficient funds to cover this payment.',
  });
}

/** The money is ours, or is only held until it is captured. */
function succeed(world: World, charge: Stripe.Charge, intent: Stripe.PaymentIntent): Stripe.PaymentIntent {
  const after = { ...intent, last_payment_error: null };
  if (intent.capture_method === 'manual') {
    keepCharge(world, 'succeeded', { ...charge, paid: true });
    return keepIntent(world, 'payment_intent.amount_capturable_updated', {
      ...after,
      amount_capturable: intent.amount,
      status: 'requires_capture',
    });
  }
  keepCharge(world, 'succeeded', { ...charge, amount_captured: charge.amount, captured: true, paid: true });
  return keepIntent(world, 'payment_intent.succeeded', {
    ...after,
    amount_received: intent.amount,
    status: 'succeeded',
  });
}

function fail(
  world: World,
  charge: Stripe.Charge,
  intent: Stripe.PaymentIntent,
  decline: Decline,
): Stripe.PaymentIntent {
  keepCharge(world, 'failed', declinedCharge(charge, decline));
  const method = world.store.get('paymentMethod', idOf(intent.payment_method) ?? '');
  return keepIntent(world, 'payment_intent.payment_failed', {
    ...intent,
    last_payment_error: {
      ...cardError(decline).body,
      charge: charge.id,
      ...(method === undefined ? {} : { payment_method: method }),
    },
    payment_method: null,
    status: 'requires_payment_method',
  });
}

function keepCharge(world: World, status: 'succeeded' | 'pending' | 'failed', attempt: Stripe.Charge): void {
  const charge: Stripe.Charge = { ...attempt, status };
  world.store.put('charge', charge);
  emit(world, { type: `charge.${status}`, data: { object: charge } });
}

type IntentEvent =
  | 'amount_capturable_updated'
  | 'canceled'
  | 'payment_failed'
  | 'processing'
  | 'requires_action'
  | 'succeeded';

export function keepIntent(
  world: World,
  type: `payment_intent.${IntentEvent}`,
  intent: Stripe.PaymentIntent,
): Stripe.PaymentIntent {
  world.store.put('intent', intent);
  emit(world, { type, data: { object: intent } });
  return intent;
}

export function findIntent(world: World, id: string, param?: string): Stripe.PaymentIntent {
  const intent = world.store.get('intent', id);
  if (intent === undefined) throw noSuch('payment_intent', id, param);
  return intent;
}
