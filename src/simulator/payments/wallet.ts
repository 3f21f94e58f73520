import type Stripe from 'stripe';
import { addressFields, addressOf } from '../addresses.ts';
import { cardError, invalid, noSuch } from '../api/errors.ts';
import { listing, paginate } from '../api/lists.ts';
import { changeMetadata, metadata } from '../api/metadata.ts';
import {
  clearable,
  definedOf,
  email,
  group,
  integer,
  oneOf,
  type Params,
  required,
  text,
} from '../api/params.ts';
import { forgetMethod } from '../billing/state.ts';
import { emit, previousOf } from '../events.ts';
import { clearDefault, liveCustomer } from '../livingCustomers.ts';
import type { Key } from '../store.ts';
import type { World } from '../world.ts';
import { cardMeans, cardOfTestId, changedCard } from './cards.ts';
import type { Means } from './means.ts';
import { billingDetails, makePaymentMethod, sepaMeans } from './methods.ts';

const methodType = oneOf('card', 'us_bank_account', 'sepa_debit');
const allowRedisplay = oneOf('always', 'limited', 'unspecified');
const billing = group({
  address: clearable(group(addressFields)),
  email: clearable(email()),
  name: clearable(text()),
  phone: clearable(text()),
});
const expiry = { exp_month: integer({ min: 1, max: 12 }), exp_year: integer({ min: 2000, max: 2100 }) };

export const methodFields = {
  allow_redisplay: allowRedisplay,
  billing_details: billing,
  card: group({ ...expiry, cvc: text(4), number: text(), token: text() }),
  metadata: metadata(),
  sepa_debit: group({ iban: required(text()) }),
  type: required(methodType),
  us_bank_account: group({
    account_holder_type: oneOf('company', 'individual'),
    account_number: required(text()),
    account_type: oneOf('checking', 'savings'),
    routing_number: required(text()),
  }),
};

export function createMethod(world: World, params: Params<typeof methodFields>): Stripe.PaymentMethod {
  const details = params.billing_details;
  return addMethod(
    world,
    meansSent(params),
    {
      ...billingDetails(details?.email ?? null),
      address: addressOf(details?.address),
      name: details?.name ?? null,
      phone: details?.phone ?? null,
    },
    {
      allow_redisplay: params.allow_redisplay ?? 'unspecified',
      metadata: changeMetadata({}, params.metadata),
    },
  );
}

function meansSent(params: Params<typeof methodFields>): Means {
  const { type } = params;
  if (params[type] === undefined) {
    throw invalid(`Missing required param: ${type}.`, { code: 'parameter_missing', param: type });
  }
  if (type === 'sepa_debit') return sepaMeans(params.sepa_debit!.iban);
  if (type !== 'card') return { type };
  const { token, number } = params.card!;
  if (token === undefined) return cardMeans(number ?? '');
  const card = cardOfTestId(token);
  if (card === undefined || !token.startsWith('tok_')) throw noSuch('token', token, 'card[token]');
  return card;
}

/** A method of payment that can be charged from now on; it belongs to nobody yet. */
export function addMethod(
  world: World,
  means: Means,
  details = billingDetails(null),
  more: Parameters<typeof makePaymentMethod>[3] = {},
): Stripe.PaymentMethod {
  const method = makePaymentMethod(world, means, details, more);
  world.store.put('paymentMethod', method);
  world.store.put('key', { id: method.id, means, isSetUp: false, isSpent: false });
  return method;
}

/** The method that a parameter names: one that is there, or a new one for a test id such as `pm_card_visa`. */
export function takeMethod(world: World, id: string, param: string): Stripe.PaymentMethod {
  const means = meansOfTestId(id);
  return means === undefined ? findMethod(world, id, param) : addMethod(world, means);
}

function meansOfTestId(id: string): Means | undefined {
  if (id === 'pm_usBankAccount') return { type: 'us_bank_account' };
  if (id === 'pm_sepaDebit') return { type: 'sepa_debit' };
  return id.startsWith('pm_card_') ? cardOfTestId(id) : undefined;
}

/** How a method is charged. One that was charged or detached, and belongs to nobody, is of no more use. */
export function keyOf(world: World, method: Stripe.PaymentMethod): Key {
  const key = world.store.get('key', method.id);
  if (key === undefined || (key.isSpent && method.customer === null)) {
    throw invalid(
      'The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.',
      { param: 'payment_method' },
    );
  }
  return key;
}

/** The method of payment that was named, if the customer may use it. */
export function ownedMethod(
  world: World,
  customer: string | null,
  id: string | undefined,
): Stripe.PaymentMethod | undefined {
  if (id === undefined) return undefined;
  const method = takeMethod(world, id, 'payment_method');
  keyOf(world, method);
  if (method.customer !== null && method.customer !== customer) {
    throw invalid(
      `The PaymentMethod provided (${id}) belongs to a Customer. Please include that Customer in the \`customer\` parameter.`,
      { param: 'payment_method' },
    );
  }
  return method;
}

/** Saves a method for a customer. A card that is declined at once cannot be saved. */
export function attach(world: World, method: Stripe.PaymentMethod, customer: string): Stripe.PaymentMethod {
  if (method.customer === customer) return method;
  if (method.customer !== null) {
    throw invalid('The payment method you provided has already been attached to a customer.', {
      code: 'payment_method_unexpected_state',
      param: 'payment_method',
    });
  }
  const { means } = keyOf(world, method);
  if (means.type === 'card' && means.decline !== null && !means.attaches) throw cardError(means.decline);
  return save(world, method, customer);
}

/** Attaches what has just paid, or was set up: the bank has agreed already. */
export function save(world: World, method: Stripe.PaymentMethod, customer: string): Stripe.PaymentMethod {
  if (method.customer === customer) return method;
  const attached: Stripe.PaymentMethod = { ...method, customer };
  world.store.put('paymentMethod', attached);
  emit(world, { type: 'payment_method.attached', data: { object: attached } });
  return attached;
}

export const attachFields = { customer: required(text()) };

export function attachMethod(
  world: World,
  { customer }: Params<typeof attachFields>,
  id: string,
): Stripe.PaymentMethod {
  return attach(world, takeMethod(world, id, 'id'), liveCustomer(world, customer, 'customer').id);
}

export function detachMethod(world: World, _params: unknown, id: string): Stripe.PaymentMethod {
  const method = findMethod(world, id);
  if (method.customer === null) {
    throw invalid(
      'The payment method you provided is not attached to a customer so detachment is impossible.',
      {
        code: 'payment_method_unexpected_state',
        param: 'payment_method',
      },
    );
  }
  const { customer } = method;
  const detached: Stripe.PaymentMethod = { ...method, customer: null };
  world.store.put('paymentMethod', detached);
  const key = world.store.get('key', id);
  if (key !== undefined) world.store.put('key', { ...key, isSpent: true });
  emit(world, {
    type: 'payment_method.detached',
    data: { object: detached, previous_attributes: { customer } },
  });
  clearDefault(world, String(customer), id);
  forgetMethod(world, id);
  return detached;
}

/** A customer that is deleted leaves no method behind. */
export function detachAll(world: World, customer: string): void {
  for (const { id } of methodsOf(world, customer)) detachMethod(world, {}, id);
}

export const methodChanges = {
  allow_redisplay: allowRedisplay,
  billing_details: billing,
  card: group(expiry),
  metadata: metadata(),
};

export function updateMethod(
  world: World,
  params: Params<typeof methodChanges>,
  id: string,
): Stripe.PaymentMethod {
  const before = findMethod(world, id);
  if (before.customer === null) {
    throw invalid('You must save this PaymentMethod to a customer before you can update it.', {
      code: 'payment_method_unexpected_state',
    });
  }
  const { address, ...details } = params.billing_details ?? {};
  const after: Stripe.PaymentMethod = {
    ...before,
    ...definedOf({ allow_redisplay: params.allow_redisplay }),
    billing_details: {
      ...before.billing_details,
      ...definedOf(details),
      ...(address === undefined ? {} : { address: addressOf(address) }),
    },
    ...(before.card === undefined ? {} : { card: { ...before.card, ...definedOf(params.card ?? {}) } }),
    metadata: changeMetadata(before.metadata ?? {}, params.metadata),
  };
  world.store.put('paymentMethod', after);
  const previous = previousOf(before, after);
  if (Object.keys(previous).length > 0) {
    emit(world, { type: 'payment_method.updated', data: { object: after, previous_attributes: previous } });
  }
  return after;
}

/** A card goes bad, or good again: declined with that code, `authentication_required`, or as its number says. */
export function setCard(world: World, id: string, behaviour: string | null): void {
  const key = keyOf(world, findMethod(world, id));
  if (key.means.type !== 'card') throw invalid(`The payment method ${id} is no card.`);
  world.store.put('key', { ...key, means: changedCard(key.means, behaviour) });
}

export const customerMethodListing = { ...listing, allow_redisplay: allowRedisplay, type: methodType };
export const methodListing = { ...customerMethodListing, customer: text() };

export function listMethods(
  world: World,
  params: Params<typeof methodListing>,
): Stripe.ApiList<Stripe.PaymentMethod> {
  const { customer } = params;
  if (customer !== undefined) liveCustomer(world, customer, 'customer');
  return listOfMethods(world, '/v1/payment_methods', params, customer);
}

export function listCustomerMethods(
  world: World,
  params: Params<typeof customerMethodListing>,
  id: string,
): Stripe.ApiList<Stripe.PaymentMethod> {
  return listOfMethods(world, `/v1/customers/${id}/payment_methods`, params, liveCustomer(world, id).id);
}

function listOfMethods(
  world: World,
  url: string,
  params: Params<typeof customerMethodListing>,
  customer: string | undefined,
): Stripe.ApiList<Stripe.PaymentMethod> {
  const { allow_redisplay: redisplay, type } = params;
  return paginate(world.store.all('paymentMethod'), url, params, 'payment_method', (method) => {
    if (customer === undefined ? method.customer !== null : method.customer !== customer) return false;
    if (redisplay !== undefined && method.allow_redisplay !== redisplay) return false;
    return type === undefined || method.type === type;
  });
}

export function retrieveMethod(world: World, _params: unknown, id: string): Stripe.PaymentMethod {
  return findMethod(world, id);
}

export function retrieveCustomerMethod(
  world: World,
  _params: unknown,
  customer: string,
  id: string,
): Stripe.PaymentMethod {
  const method = findMethod(world, id);
  if (method.customer !== liveCustomer(world, customer).id) throw noSuch('PaymentMethod', id);
  return method;
}

/** The methods that are saved for a customer, oldest first. */
function methodsOf(world: World, customer: string): Stripe.PaymentMethod[] {
  return [...world.store.all('paymentMethod')].filter((method) => method.customer === customer);
}

export function findMethod(world: World, id: string, param?: string): Stripe.PaymentMethod {
  const method = world.store.get('paymentMethod', id);
  if (method === undefined) throw noSuch('PaymentMethod', id, param);
  return method;
}
