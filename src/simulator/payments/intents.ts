import type Stripe from 'stripe';
import { shippingFields, shippingOf } from '../addresses.ts';
import { cardError, invalid } from '../api/errors.ts';
import { listing, paginate } from '../api/lists.ts';
import { changeMetadata, metadata } from '../api/metadata.ts';
import {
  boolean,
  clearable,
  created,
  definedOf,
  email,
  group,
  integer,
  listOf,
  oneOf,
  type Params,
  required,
  text,
  webAddress,
} from '../api/params.ts';
import { requireChargeable } from '../checkout/orders.ts';
import { emit, previousOf } from '../events.ts';
import { liveCustomer } from '../livingCustomers.ts';
import { currency } from '../prices.ts';
import { idOf } from '../references.ts';
import { nowSeconds, type World } from '../world.ts';
import { findCharge } from './charges.ts';
import { methodTypesFor } from './methods.ts';
import { followIntent } from './outcomes.ts';
import {
  type Attempt,
  attempt,
  failUnattended,
  findIntent,
  keepIntent,
  needsHolder,
  openIntent,
} from './payments.ts';
import { keyOf, ownedMethod } from './wallet.ts';

const futureUsage = oneOf('off_session', 'on_session');
const captureMethod = oneOf('automatic', 'automatic_async', 'manual');
const methodTypes = listOf(oneOf('card', 'us_bank_account', 'sepa_debit'));

export const confirmation = {
  allowed_payment_method_types: methodTypes,
  error_on_requires_action: boolean(),
  // The payer's consent to debits, of which Stripe makes a mandate; nothing here asks for one.
  mandate_data: group({
    customer_acceptance: required(
      group({ accepted_at: integer(), type: required(oneOf('offline', 'online')) }),
    ),
  }),
  off_session: boolean(),
  payment_method: text(),
  receipt_email: clearable(email()),
  return_url: webAddress(),
  setup_future_usage: clearable(futureUsage),
  shipping: clearable(group(shippingFields)),
};

export const intentFields = {
  ...confirmation,
  amount: required(integer({ min: 1 })),
  automatic_payment_methods: group({
    allow_redirects: oneOf('always', 'never'),
    enabled: required(boolean()),
  }),
  capture_method: captureMethod,
  confirm: boolean(),
  confirmation_method: oneOf('automatic', 'manual'),
  currency: required(currency()),
  customer: text(),
  description: text(1000),
  metadata: metadata(),
  statement_descriptor: text(22),
  statement_descriptor_suffix: text(22),
};

/** An amount to collect; at once, where `confirm` is said. */
export function createIntent(world: World, params: Params<typeof intentFields>): Stripe.PaymentIntent {
  const { amount, confirm, currency, customer } = params;
  if (confirm !== true) requireNoConfirmation(params);
  requireChargeable(currency, amount, 'amount');
  if (customer !== undefined) liveCustomer(world, customer, 'customer');
  const asked = definedOf({
    capture_method: params.capture_method,
    confirmation_method: params.confirmation_method,
    customer,
    description: params.description,
    receipt_email: params.receipt_email,
    setup_future_usage: params.setup_future_usage,
    shipping: shippingOf(params.shipping),
    statement_descriptor: params.statement_descriptor,
    statement_descriptor_suffix: params.statement_descriptor_suffix,
    allowed_payment_method_types: params.allowed_payment_method_types,
  });
  const method = ownedMethod(world, customer ?? null, params.payment_method);
  const automatic = params.automatic_payment_methods;
  const intent = openIntent(world, {
    ...asked,
    amount,
    automatic_payment_methods:
      automatic === undefined
        ? null
        : { allow_redirects: 'always', ...definedOf(automatic), enabled: automatic.enabled },
    currency,
    metadata: changeMetadata({}, params.metadata),
    payment_method: method?.id ?? null,
    payment_method_types: methodTypesFor(currency, params.allowed_payment_method_types),
    status: method === undefined ? 'requires_payment_method' : 'requires_confirmation',
  });
  return confirm === true ? confirmNow(world, intent, method, params) : intent;
}

function requireNoConfirmation(params: Params<typeof confirmation>): void {
  for (const param of ['error_on_requires_action', 'off_session', 'return_url'] as const) {
    if (params[param] === undefined) continue;
    throw invalid(`The parameter \`${param}\` can only be passed when confirm=true.`, { param });
  }
}

export function confirmIntent(
  world: World,
  params: Params<typeof confirmation>,
  id: string,
): Stripe.PaymentIntent {
  const before = findIntent(world, id);
  requireStatus(before, 'confirm', 'requires_payment_method', 'requires_confirmation', 'requires_action');
  const intent: Stripe.PaymentIntent = {
    ...before,
    ...definedOf({
      receipt_email: params.receipt_email,
      setup_future_usage: params.setup_future_usage,
      shipping: params.shipping === undefined ? undefined : shippingOf(params.shipping),
    }),
    ...typesFor(before.currency, params.allowed_payment_method_types),
  };
  const chosen = params.payment_method ?? idOf(before.payment_method) ?? undefined;
  return confirmNow(world, intent, ownedMethod(world, idOf(intent.customer), chosen), params);
}

function confirmNow(
  world: World,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod | undefined,
  params: Params<typeof confirmation>,
): Stripe.PaymentIntent {
  if (method === undefined) {
    throw invalid(
      "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.",
      { code: 'payment_intent_unexpected_state' },
    );
  }
  if (!intent.payment_method_types.includes(method.type)) {
    throw invalid(
      `The PaymentMethod provided (${method.type}) is not allowed for this PaymentIntent: it takes ${intent.payment_method_types.join(', ')}.`,
      { code: 'payment_intent_incompatible_payment_method', param: 'payment_method' },
    );
  }
  const tried = tryNow(world, intent, method, params);
  followIntent(world, tried.intent);
  if (tried.decline === null) return tried.intent;
  const { last_payment_error: error } = tried.intent;
  throw cardError(tried.decline, {
    ...(error?.charge === undefined ? {} : { charge: error.charge }),
    payment_intent: tried.intent,
    payment_method: method,
  });
}

function tryNow(
  world: World,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  params: Params<typeof confirmation>,
): Attempt {
  const presence = params.off_session === true ? 'off_session' : 'on_session';
  const mayAsk = presence === 'on_session' && params.error_on_requires_action !== true;
  if (!mayAsk && needsHolder(keyOf(world, method), presence)) return failUnattended(world, intent, method);
  return attempt(world, intent, method, presence, params.return_url ?? null);
}

export const intentChanges = {
  allowed_payment_method_types: methodTypes,
  amount: integer({ min: 1 }),
  capture_method: captureMethod,
  currency: currency(),
  customer: text(),
  description: text(1000),
  metadata: metadata(),
  payment_method: text(),
  receipt_email: clearable(email()),
  setup_future_usage: clearable(futureUsage),
  statement_descriptor: text(22),
  statement_descriptor_suffix: text(22),
};

export function updateIntent(
  world: World,
  params: Params<typeof intentChanges>,
  id: string,
): Stripe.PaymentIntent {
  const before = findIntent(world, id);
  const { allowed_payment_method_types: types, metadata: sent, payment_method: chosen, ...rest } = params;
  const isOpen = /^requires_(payment_method|confirmation|action)$/.test(before.status);
  const { description, receipt_email, ...bound } = rest;
  if (!isOpen && Object.keys(definedOf({ ...bound, types, chosen })).length > 0) {
    throw unexpected(before, 'update');
  }
  if (rest.customer !== undefined) liveCustomer(world, rest.customer, 'customer');
  const intent: Stripe.PaymentIntent = {
    ...before,
    ...definedOf(rest),
    metadata: changeMetadata(before.metadata, sent),
  };
  requireChargeable(intent.currency, intent.amount, 'amount');
  const method = ownedMethod(world, idOf(intent.customer), chosen);
  const after: Stripe.PaymentIntent = {
    ...intent,
    ...typesFor(intent.currency, types ?? intent.allowed_payment_method_types ?? undefined),
    ...(method === undefined
      ? {}
      : { next_action: null, payment_method: method.id, status: 'requires_confirmation' as const }),
  };
  world.store.put('intent', after);
  return after;
}

function typesFor(currency: string, allowed: string[] | undefined) {
  if (allowed === undefined) return {};
  return { allowed_payment_method_types: allowed, payment_method_types: methodTypesFor(currency, allowed) };
}

export const captureFields = { amount_to_capture: integer({ min: 1 }), metadata: metadata() };

/** Takes what was held, or a part of it; the rest is let go. */
export function captureIntent(
  world: World,
  params: Params<typeof captureFields>,
  id: string,
): Stripe.PaymentIntent {
  const intent = findIntent(world, id);
  requireStatus(intent, 'capture', 'requires_capture');
  const amount = params.amount_to_capture ?? intent.amount_capturable;
  if (amount > intent.amount_capturable) {
    throw invalid(
      `The amount_to_capture (${amount}) is greater than what can be captured (${intent.amount_capturable}).`,
      { code: 'amount_too_large', param: 'amount_to_capture' },
    );
  }
  const held = findCharge(world, idOf(intent.latest_charge) ?? '');
  const charge: Stripe.Charge = { ...held, amount_captured: amount, captured: true };
  world.store.put('charge', charge);
  emit(world, {
    type: 'charge.captured',
    data: { object: charge, previous_attributes: previousOf(held, charge) },
  });
  const captured = keepIntent(world, 'payment_intent.succeeded', {
    ...intent,
    amount_capturable: 0,
    amount_received: amount,
    metadata: changeMetadata(intent.metadata, params.metadata),
    status: 'succeeded',
  });
  followIntent(world, captured);
  return captured;
}

export const cancelFields = {
  cancellation_reason: oneOf('abandoned', 'duplicate', 'fraudulent', 'requested_by_customer'),
};

export function cancelIntent(
  world: World,
  params: Params<typeof cancelFields>,
  id: string,
): Stripe.PaymentIntent {
  const intent = findIntent(world, id);
  requireStatus(
    intent,
    'cancel',
    'requires_payment_method',
    'requires_confirmation',
    'requires_action',
    'requires_capture',
  );
  if (intent.status === 'requires_capture')
    release(world, findCharge(world, idOf(intent.latest_charge) ?? ''));
  const canceled = keepIntent(world, 'payment_intent.canceled', {
    ...intent,
    amount_capturable: 0,
    canceled_at: nowSeconds(world),
    cancellation_reason: params.cancellation_reason ?? null,
    next_action: null,
    status: 'canceled',
  });
  followIntent(world, canceled);
  return canceled;
}

/** What was only held is given back whole. */
function release(world: World, held: Stripe.Charge): void {
  const charge: Stripe.Charge = { ...held, amount_refunded: held.amount, refunded: true };
  world.store.put('charge', charge);
  emit(world, {
    type: 'charge.refunded',
    data: { object: charge, previous_attributes: previousOf(held, charge) },
  });
}

function requireStatus(intent: Stripe.PaymentIntent, verb: string, ...statuses: string[]): void {
  if (!statuses.includes(intent.status)) throw unexpected(intent, verb);
}

function unexpected(intent: Stripe.PaymentIntent, verb: string) {
  return invalid(`You cannot ${verb} this PaymentIntent because it has a status of ${intent.status}.`, {
    code: 'payment_intent_unexpected_state',
  });
}

export const intentListing = { ...listing, created: created(), customer: text() };

export function listIntents(
  world: World,
  params: Params<typeof intentListing>,
): Stripe.ApiList<Stripe.PaymentIntent> {
  return paginate(world.store.all('intent'), '/v1/payment_intents', params, 'payment_intent', (intent) => {
    if (params.created !== undefined && !params.created(intent.created)) return false;
    return params.customer === undefined || intent.customer === params.customer;
  });
}

export function retrieveIntent(world: World, _params: unknown, id: string): Stripe.PaymentIntent {
  return findIntent(world, id);
}
