import type Stripe from 'stripe';
import { cardError, type Decline, invalid, noSuch } from '../api/errors.ts';
import { listing, paginate } from '../api/lists.ts';
import { changeMetadata, metadata } from '../api/metadata.ts';
import { boolean, created, definedOf, listOf, oneOf, type Params, text, webAddress } from '../api/params.ts';
import { emit } from '../events.ts';
import { makeId, randomText } from '../ids.ts';
import { liveCustomer } from '../livingCustomers.ts';
import { idOf } from '../references.ts';
import { authenticationUrl, nowSeconds, type World } from '../world.ts';
import { findMethod, keyOf, ownedMethod, save } from './wallet.ts';

const METHOD_TYPES = ['card', 'us_bank_account', 'sepa_debit'] as const;
const methodTypes = listOf(oneOf(...METHOD_TYPES));

export const setupConfirmation = { payment_method: text(), return_url: webAddress() };
export const setupFields = {
  ...setupConfirmation,
  allowed_payment_method_types: methodTypes,
  confirm: boolean(),
  customer: text(),
  description: text(1000),
  metadata: metadata(),
  usage: oneOf('off_session', 'on_session'),
};

/** A method to save for later payments; nothing is charged. */
export function createSetup(world: World, params: Params<typeof setupFields>): Stripe.SetupIntent {
  const { confirm, customer, return_url: returnUrl } = params;
  if (returnUrl !== undefined && confirm !== true) {
    throw invalid('The parameter `return_url` can only be passed when confirm=true.', {
      param: 'return_url',
    });
  }
  if (customer !== undefined) liveCustomer(world, customer, 'customer');
  const method = ownedMethod(world, customer ?? null, params.payment_method);
  const setup = openSetup(world, {
    allowed_payment_method_types: params.allowed_payment_method_types ?? null,
    customer: customer ?? null,
    description: params.description ?? null,
    metadata: changeMetadata({}, params.metadata),
    payment_method: method?.id ?? null,
    payment_method_types: params.allowed_payment_method_types ?? [...METHOD_TYPES],
    status: method === undefined ? 'requires_payment_method' : 'requires_confirmation',
    usage: params.usage ?? 'off_session',
  });
  return confirm === true ? confirmNow(world, setup, method, returnUrl) : setup;
}

export function openSetup(world: World, asked: Partial<Stripe.SetupIntent>): Stripe.SetupIntent {
  const id = makeId('setup');
  const setup: Stripe.SetupIntent = {
    id,
    object: 'setup_intent',
    allowed_payment_method_types: null,
    application: null,
    automatic_payment_methods: null,
    cancellation_reason: null,
    client_secret: `${id}_secret_${randomText(25)}`,
    created: nowSeconds(world),
    customer: null,
    description: null,
    excluded_payment_method_types: null,
    flow_directions: null,
    last_setup_error: null,
    latest_attempt: null,
    livemode: false,
    mandate: null,
    metadata: {},
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: [...METHOD_TYPES],
    single_use_mandate: null,
    status: 'requires_payment_method',
    usage: 'off_session',
    ...asked,
  };
  return keep(world, 'created', setup);
}

export function confirmSetup(
  world: World,
  params: Params<typeof setupConfirmation>,
  id: string,
): Stripe.SetupIntent {
  const setup = findSetup(world, id);
  requireOpen(setup, 'confirm');
  const chosen = params.payment_method ?? idOf(setup.payment_method) ?? undefined;
  return confirmNow(world, setup, ownedMethod(world, idOf(setup.customer), chosen), params.return_url);
}

function confirmNow(
  world: World,
  setup: Stripe.SetupIntent,
  method: Stripe.PaymentMethod | undefined,
  returnUrl: string | undefined,
): Stripe.SetupIntent {
  if (method === undefined) {
    throw invalid(
      "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a payment method and then confirm it again, or confirm it again directly with a payment method.",
      { code: 'setup_intent_unexpected_state' },
    );
  }
  if (!setup.payment_method_types.includes(method.type)) {
    throw invalid(
      `The PaymentMethod provided (${method.type}) is not allowed for this SetupIntent: it takes ${setup.payment_method_types.join(', ')}.`,
      { param: 'payment_method' },
    );
  }
  const { setup: tried, decline } = trySetup(world, setup, method, returnUrl ?? null);
  if (decline === null) return tried;
  throw cardError(decline, { payment_method: method, setup_intent: tried });
}

type Tried = { setup: Stripe.SetupIntent; decline: Decline | null };

/** Asks the bank whether the card can be saved. It may want its holder to confirm first. */
export function trySetup(
  world: World,
  setup: Stripe.SetupIntent,
  method: Stripe.PaymentMethod,
  returnUrl: string | null,
): Tried {
  const { means } = keyOf(world, method);
  const isAsked = means.type === 'card' && /^(always|unless_set_up)$/.test(means.authentication);
  const tried: Stripe.SetupIntent = { ...setup, last_setup_error: null, payment_method: method.id };
  if (!isAsked) return finish(world, tried, method);
  const url = authenticationUrl(world, setup.id);
  const asking = keep(world, 'requires_action', {
    ...tried,
    next_action: { redirect_to_url: { return_url: returnUrl, url }, type: 'redirect_to_url' },
    status: 'requires_action',
  });
  return { setup: asking, decline: null };
}

/** The card's holder answers for a setup that waits for that. */
export function answerSetup(
  world: World,
  setup: Stripe.SetupIntent,
  outcome: 'succeed' | 'fail',
): Stripe.SetupIntent {
  if (setup.status !== 'requires_action') {
    throw invalid(
      `The setup intent ${setup.id} does not wait for its card's holder: it is \`${setup.status}\`.`,
    );
  }
  const method = findMethod(world, idOf(setup.payment_method) ?? '');
  if (outcome === 'succeed') return finish(world, setup, method).setup;
  return fail(world, setup, method, {
    code: 'setup_intent_authentication_failure',
    declineCode: null,
    adviceCode: null,
    message: 'The latest attempt to set up the payment method has failed because authentication failed.',
  });
}

function finish(world: World, setup: Stripe.SetupIntent, method: Stripe.PaymentMethod): Tried {
  const key = keyOf(world, method);
  if (key.means.type === 'card' && key.means.decline !== null && !key.means.attaches) {
    return { setup: fail(world, setup, method, key.means.decline), decline: key.means.decline };
  }
  world.store.put('key', { ...key, isSetUp: key.isSetUp || setup.usage === 'off_session', isSpent: true });
  const customer = idOf(setup.customer);
  if (customer !== null) save(world, method, customer);
  const done = keep(world, 'succeeded', { ...setup, next_action: null, status: 'succeeded' });
  return { setup: done, decline: null };
}

function fail(
  world: World,
  setup: Stripe.SetupIntent,
  method: Stripe.PaymentMethod,
  decline: Decline,
): Stripe.SetupIntent {
  return keep(world, 'setup_failed', {
    ...setup,
    last_setup_error: {
      ...cardError(decline).body,
      payment_method: method,
      ...(decline.declineCode === null ? { type: 'invalid_request_error' } : {}),
    },
    next_action: null,
    payment_method: null,
    status: 'requires_payment_method',
  });
}

function keep(
  world: World,
  what: 'canceled' | 'created' | 'requires_action' | 'setup_failed' | 'succeeded',
  setup: Stripe.SetupIntent,
): Stripe.SetupIntent {
  world.store.put('setup', setup);
  emit(world, { type: `setup_intent.${what}`, data: { object: setup } });
  return setup;
}

export const setupChanges = {
  allowed_payment_method_types: methodTypes,
  customer: text(),
  description: text(1000),
  metadata: metadata(),
  payment_method: text(),
};

export function updateSetup(
  world: World,
  params: Params<typeof setupChanges>,
  id: string,
): Stripe.SetupIntent {
  const before = findSetup(world, id);
  const { allowed_payment_method_types: types, customer, description, metadata: sent } = params;
  requireOpen(before, 'update');
  if (customer !== undefined) liveCustomer(world, customer, 'customer');
  const owner = customer ?? idOf(before.customer);
  const method = ownedMethod(world, owner, params.payment_method);
  const after: Stripe.SetupIntent = {
    ...before,
    ...definedOf({ customer, description }),
    ...(types === undefined ? {} : { allowed_payment_method_types: types, payment_method_types: types }),
    ...(method === undefined
      ? {}
      : { next_action: null, payment_method: method.id, status: 'requires_confirmation' as const }),
    metadata: changeMetadata(before.metadata ?? {}, sent),
  };
  world.store.put('setup', after);
  return after;
}

export const setupCancelFields = {
  cancellation_reason: oneOf('abandoned', 'duplicate', 'requested_by_customer'),
};

export function cancelSetup(
  world: World,
  params: Params<typeof setupCancelFields>,
  id: string,
): Stripe.SetupIntent {
  const setup = findSetup(world, id);
  requireOpen(setup, 'cancel');
  return keep(world, 'canceled', {
    ...setup,
    cancellation_reason: params.cancellation_reason ?? null,
    next_action: null,
    status: 'canceled',
  });
}

function requireOpen(setup: Stripe.SetupIntent, verb: string): void {
  if (/^requires_(payment_method|confirmation|action)$/.test(setup.status)) return;
  throw invalid(`You cannot ${verb} this SetupIntent because it has a status of ${setup.status}.`, {
    code: 'setup_intent_unexpected_state',
  });
}

export const setupListing = { ...listing, created: created(), customer: text(), payment_method: text() };

export function listSetups(
  world: World,
  params: Params<typeof setupListing>,
): Stripe.ApiList<Stripe.SetupIntent> {
  const { created: within, customer, payment_method: method } = params;
  return paginate(world.store.all('setup'), '/v1/setup_intents', params, 'setup_intent', (setup) => {
    if (within !== undefined && !within(setup.created)) return false;
    if (customer !== undefined && setup.customer !== customer) return false;
    return method === undefined || setup.payment_method === method;
  });
}

export function retrieveSetup(world: World, _params: unknown, id: string): Stripe.SetupIntent {
  return findSetup(world, id);
}

export function findSetup(world: World, id: string): Stripe.SetupIntent {
  const setup = world.store.get('setup', id);
  if (setup === undefined) throw noSuch('setupintent', id);
  return setup;
}
