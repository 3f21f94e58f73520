import type Stripe from 'stripe';
import { noSuch } from './errors.ts';
import { emit } from './events.ts';
import { makeId, randomText } from './ids.ts';
import { listing, paginate } from './lists.ts';
import { billingDetails, chargeDetails, type Decline, type Means, makePaymentMethod } from './methods.ts';
import { created, type Params, text } from './params.ts';
import type { Order } from './store.ts';
import { nowSeconds, type World } from './world.ts';

/** The intent to collect what a session asks for; made when somebody first tries to pay. */
export function createIntent(
  world: World,
  session: Stripe.Checkout.Session,
  { intent: asked }: Order,
  amount: number,
): Stripe.PaymentIntent {
  const id = makeId('intent');
  const intent: Stripe.PaymentIntent = {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: session.allowed_payment_method_types,
    amount,
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
    currency: session.currency ?? '',
    customer: idOf(session.customer),
    customer_account: null,
    description: asked.description,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: asked.metadata,
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: session.payment_method_types,
    payment_record: null,
    processing: null,
    receipt_email: asked.receiptEmail,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: asked.statementDescriptor,
    statement_descriptor_suffix: asked.statementDescriptorSuffix,
    status: 'requires_payment_method',
    transfer_group: null,
  };
  world.store.put('intent', intent);
  emit(world, { type: 'payment_intent.created', data: { object: intent } });
  return intent;
}

/** Tries to collect an intent: succeeded, processing until a bank answers, or failed and open for another try. */
export function collect(
  world: World,
  intent: Stripe.PaymentIntent,
  means: Means,
  email: string | null,
): Stripe.PaymentIntent {
  const method = makePaymentMethod(world, means, email, idOf(intent.customer));
  world.store.put('paymentMethod', method);
  const charge = makeCharge(world, intent, means, method.id, email);
  const tried: Stripe.PaymentIntent = { ...intent, payment_method: method.id, latest_charge: charge.id };
  if (means.type !== 'card') {
    const processing: Stripe.PaymentIntent = { ...tried, status: 'processing', last_payment_error: null };
    return keep(world, 'pending', charge, processing);
  }
  return means.decline === null ? succeed(world, charge, tried) : fail(world, charge, tried, means.decline);
}

/** The bank's answer to an intent that is processing. */
export function settle(
  world: World,
  intent: Stripe.PaymentIntent,
  outcome: 'succeed' | 'fail',
): Stripe.PaymentIntent {
  const charge = findCharge(world, idOf(intent.latest_charge) ?? '');
  if (outcome === 'succeed') return succeed(world, charge, intent);
  const decline: Decline = {
    code: 'payment_method_provider_decline',
    declineCode: 'insufficient_funds',
    message: 'The customer’s account has insufficient funds to cover this payment.',
  };
  return fail(world, charge, intent, decline);
}

function succeed(world: World, charge: Stripe.Charge, intent: Stripe.PaymentIntent): Stripe.PaymentIntent {
  return keep(
    world,
    'succeeded',
    { ...charge, amount_captured: charge.amount, captured: true, paid: true },
    { ...intent, amount_received: intent.amount, last_payment_error: null, status: 'succeeded' },
  );
}

function fail(
  world: World,
  charge: Stripe.Charge,
  intent: Stripe.PaymentIntent,
  { code, declineCode, message }: Decline,
): Stripe.PaymentIntent {
  const method = world.store.get('paymentMethod', idOf(intent.payment_method) ?? '');
  const failed: Stripe.Charge = {
    ...charge,
    failure_code: code,
    failure_message: message,
    outcome: outcomeOf(declineCode),
    paid: false,
  };
  return keep(world, 'failed', failed, {
    ...intent,
    last_payment_error: {
      charge: charge.id,
      code,
      decline_code: declineCode,
      doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}`,
      message,
      ...(method === undefined ? {} : { payment_method: method }),
      type: 'card_error',
    },
    payment_method: null,
    status: 'requires_payment_method',
  });
}

const EVENTS = {
  succeeded: ['charge.succeeded', 'payment_intent.succeeded'],
  pending: ['charge.pending', 'payment_intent.processing'],
  failed: ['charge.failed', 'payment_intent.payment_failed'],
} as const;

function keep(
  world: World,
  result: keyof typeof EVENTS,
  attempt: Stripe.Charge,
  intent: Stripe.PaymentIntent,
): Stripe.PaymentIntent {
  const charge: Stripe.Charge = { ...attempt, status: result };
  world.store.put('charge', charge);
  world.store.put('intent', intent);
  const [chargeEvent, intentEvent] = EVENTS[result];
  emit(world, { type: chargeEvent, data: { object: charge } });
  emit(world, { type: intentEvent, data: { object: intent } });
  return intent;
}

function makeCharge(
  world: World,
  intent: Stripe.PaymentIntent,
  means: Means,
  method: string,
  email: string | null,
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
    billing_details: billingDetails(email),
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
    outcome: outcomeOf(null),
    paid: false,
    payment_intent: intent.id,
    payment_method: method,
    payment_method_details: chargeDetails(means, intent.amount),
    receipt_email: intent.receipt_email,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: intent.statement_descriptor,
    statement_descriptor_suffix: intent.statement_descriptor_suffix,
    status: 'pending',
    transfer_data: null,
    transfer_group: null,
  };
}

function outcomeOf(declineCode: string | null): Stripe.Charge.Outcome {
  const declined = declineCode !== null;
  return {
    advice_code: null,
    network_advice_code: null,
    network_decline_code: null,
    network_status: declined ? 'declined_by_network' : 'approved_by_network',
    reason: declineCode,
    risk_level: 'normal',
    risk_score: 20,
    seller_message: declined
      ? 'The bank did not return any further details with this decline.'
      : 'Payment complete.',
    type: declined ? 'issuer_declined' : 'authorized',
  };
}

const filters = { ...listing, created: created(), customer: text() };
export const intentListing = filters;
export const chargeListing = { ...filters, payment_intent: text() };

export function listIntents(
  world: World,
  params: Params<typeof intentListing>,
): Stripe.ApiList<Stripe.PaymentIntent> {
  return paginate(world.store.all('intent'), '/v1/payment_intents', params, 'payment_intent', (intent) => {
    if (params.created !== undefined && !params.created(intent.created)) return false;
    return params.customer === undefined || intent.customer === params.customer;
  });
}

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

export function retrieveIntent(world: World, _params: unknown, id: string): Stripe.PaymentIntent {
  return findIntent(world, id);
}

export function retrieveCharge(world: World, _params: unknown, id: string): Stripe.Charge {
  return findCharge(world, id);
}

export function findIntent(world: World, id: string, param?: string): Stripe.PaymentIntent {
  const intent = world.store.get('intent', id);
  if (intent === undefined) throw noSuch('payment_intent', id, param);
  return intent;
}

export function findCharge(world: World, id: string, param?: string): Stripe.Charge {
  const charge = world.store.get('charge', id);
  if (charge === undefined) throw noSuch('charge', id, param);
  return charge;
}

/** The id of what may be an id or the object itself. Rows keep ids; only answers are expanded. */
export function idOf(reference: string | { id: string } | null): string | null {
  return reference === null || typeof reference === 'string' ? reference : reference.id;
}
