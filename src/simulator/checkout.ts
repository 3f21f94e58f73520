import type Stripe from 'stripe';
import { hasTrial, subscriptionData, subscriptionOrder } from './billing/checkout.ts';
import { liveCustomer } from './customers.ts';
import { invalid, noSuch } from './errors.ts';
import { emit } from './events.ts';
import { makeId } from './ids.ts';
import { listing, page, paginate } from './lists.ts';
import { changeMetadata, metadata } from './metadata.ts';
import { methodTypesFor } from './methods.ts';
import { lineItem, makeItems, totalOf } from './orders.ts';
import {
  created,
  email,
  group,
  integer,
  listOf,
  oneOf,
  type Params,
  required,
  text,
  webAddress,
} from './params.ts';
import { nowSeconds, pageUrl, type World } from './world.ts';

const LIFETIME_SECONDS_MIN = 30 * 60; // Stripe's
const LIFETIME_SECONDS_MAX = 24 * 60 * 60; // Stripe's, and the default

export const sessionFields = {
  allowed_payment_method_types: listOf(oneOf('card', 'us_bank_account', 'sepa_debit')),
  cancel_url: webAddress(),
  client_reference_id: text(200),
  customer: text(),
  customer_creation: oneOf('always', 'if_required'),
  customer_email: email(),
  expires_at: integer(),
  line_items: required(listOf(group(lineItem))),
  locale: text(10),
  metadata: metadata(),
  mode: required(oneOf('payment', 'subscription')),
  payment_intent_data: group({
    description: text(1000),
    metadata: metadata(),
    receipt_email: email(),
    setup_future_usage: oneOf('off_session', 'on_session'),
    statement_descriptor: text(22),
    statement_descriptor_suffix: text(22),
  }),
  payment_method_collection: oneOf('always', 'if_required'),
  saved_payment_method_options: group({
    allow_redisplay_filters: listOf(oneOf('always', 'limited', 'unspecified')),
    payment_method_remove: oneOf('disabled', 'enabled'),
    payment_method_save: oneOf('disabled', 'enabled'),
  }),
  submit_type: oneOf('auto', 'book', 'donate', 'pay'),
  subscription_data: subscriptionData,
  success_url: required(webAddress()),
  ui_mode: oneOf('hosted_page'),
};

/** A page where one order can be paid, once. The payment intent comes when somebody tries to pay. */
export function createSession(world: World, params: Params<typeof sessionFields>): Stripe.Checkout.Session {
  if (params.customer !== undefined && params.customer_email !== undefined) {
    throw invalid('You may only specify one of these parameters: customer, customer_email.', {
      param: 'customer',
    });
  }
  const customer = params.customer === undefined ? null : liveCustomer(world, params.customer, 'customer');
  if (params.line_items.length === 0) {
    throw invalid('Missing required param: line_items.', { code: 'parameter_missing', param: 'line_items' });
  }
  refuseOtherMode(params);
  const items = makeItems(world, params.line_items, params.mode);
  const { currency } = items[0]!;
  const subscription =
    params.mode === 'subscription' ? subscriptionOrder(world, params.subscription_data) : null;
  const total = subscription !== null && hasTrial(subscription) ? 0 : totalOf(items);
  const now = nowSeconds(world);
  const id = makeId('session');
  const knownEmail = customer?.email ?? params.customer_email ?? null;
  const session: Stripe.Checkout.Session = {
    id,
    object: 'checkout.session',
    adaptive_pricing: null,
    after_expiration: null,
    allow_promotion_codes: null,
    allowed_payment_method_types: params.allowed_payment_method_types ?? null,
    amount_subtotal: total,
    amount_total: total,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    billing_address_collection: null,
    cancel_url: params.cancel_url ?? null,
    client_reference_id: params.client_reference_id ?? null,
    client_secret: null,
    collected_information: null,
    consent: null,
    consent_collection: null,
    created: now,
    currency,
    currency_conversion: null,
    custom_fields: [],
    custom_text: {
      after_submit: null,
      shipping_address: null,
      submit: null,
      terms_of_service_acceptance: null,
    },
    customer: customer?.id ?? null,
    customer_account: null,
    customer_creation: customer === null ? creationOf(params) : null,
    customer_details: knownEmail === null ? null : detailsOf(knownEmail, customer),
    customer_email: params.customer_email ?? null,
    discounts: [],
    expires_at: expiryOf(params.expires_at, now),
    integration_identifier: null,
    invoice: null,
    invoice_creation: null,
    livemode: false,
    locale: params.locale ?? null,
    managed_payments: null,
    metadata: changeMetadata({}, params.metadata),
    mode: params.mode,
    origin_context: null,
    payment_intent: null,
    payment_link: null,
    payment_method_collection: collectionOf(params),
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: methodTypesFor(currency, params.allowed_payment_method_types),
    payment_status: total === 0 ? 'no_payment_required' : 'unpaid',
    permissions: null,
    phone_number_collection: { enabled: false },
    recovered_from: null,
    saved_payment_method_options: savedMethodOptions(params, customer),
    setup_intent: null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status: 'open',
    submit_type: params.submit_type ?? null,
    subscription: null,
    success_url: params.success_url,
    total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
    ui_mode: 'hosted_page',
    url: pageUrl(world, id),
    wallet_options: null,
  };
  world.store.put('session', session);
  const data = params.payment_intent_data;
  world.store.put('order', {
    id,
    items,
    intent: {
      description: data?.description ?? null,
      metadata: changeMetadata({}, data?.metadata),
      receiptEmail: data?.receipt_email ?? null,
      setupFutureUsage: data?.setup_future_usage ?? null,
      statementDescriptor: data?.statement_descriptor ?? null,
      statementDescriptorSuffix: data?.statement_descriptor_suffix ?? null,
    },
    ...(subscription === null ? {} : { subscription }),
  });
  return session;
}

/** What belongs to another mode is refused. */
function refuseOtherMode(params: Params<typeof sessionFields>): void {
  const others =
    params.mode === 'payment'
      ? (['subscription_data', 'payment_method_collection'] as const)
      : (['payment_intent_data', 'customer_creation', 'submit_type'] as const);
  for (const param of others) {
    if (params[param] === undefined) continue;
    throw invalid(`You can not pass \`${param}\` in \`${params.mode}\` mode.`, { param });
  }
}

/** A subscription always has a customer, and asks for a card even when there is nothing to pay yet. */
function creationOf({ customer_creation: asked, mode }: Params<typeof sessionFields>) {
  return asked ?? (mode === 'subscription' ? 'always' : 'if_required');
}

function collectionOf({ payment_method_collection: asked, mode }: Params<typeof sessionFields>) {
  return asked ?? (mode === 'subscription' ? 'always' : 'if_required');
}

/** Which saved methods a session offers; there are some only where the customer is known. */
function savedMethodOptions(
  { saved_payment_method_options: asked }: Params<typeof sessionFields>,
  customer: Stripe.Customer | null,
): Stripe.Checkout.Session.SavedPaymentMethodOptions | null {
  if (customer === null && asked === undefined) return null;
  return {
    allow_redisplay_filters: asked?.allow_redisplay_filters ?? ['always'],
    payment_method_remove: asked?.payment_method_remove ?? 'disabled',
    payment_method_save: asked?.payment_method_save ?? null,
  };
}

function expiryOf(asked: number | undefined, now: number): number {
  if (asked === undefined) return now + LIFETIME_SECONDS_MAX;
  if (asked < now + LIFETIME_SECONDS_MIN) {
    throw invalid('The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.', {
      param: 'expires_at',
    });
  }
  if (asked > now + LIFETIME_SECONDS_MAX) {
    throw invalid('The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.', {
      param: 'expires_at',
    });
  }
  return asked;
}

/** What is known of the person who pays. */
export function detailsOf(
  address: string,
  customer: Stripe.Customer | null,
): Stripe.Checkout.Session.CustomerDetails {
  return {
    address: customer?.address ?? null,
    business_name: null,
    email: address,
    individual_name: null,
    name: customer?.name ?? null,
    phone: customer?.phone ?? null,
    tax_exempt: 'none',
    tax_ids: [],
  };
}

export function retrieveSession(world: World, _params: unknown, id: string): Stripe.Checkout.Session {
  return findSession(world, id);
}

export const sessionListing = {
  ...listing,
  created: created(),
  customer: text(),
  customer_details: group({ email: required(text()) }),
  payment_intent: text(),
  status: oneOf('complete', 'expired', 'open'),
};

export function listSessions(
  world: World,
  params: Params<typeof sessionListing>,
): Stripe.ApiList<Stripe.Checkout.Session> {
  expireDue(world);
  const { created: within, customer, customer_details: details, payment_intent: intent, status } = params;
  return paginate(
    world.store.all('session'),
    '/v1/checkout/sessions',
    params,
    'checkout.session',
    (session) => {
      if (within !== undefined && !within(session.created)) return false;
      if (customer !== undefined && session.customer !== customer) return false;
      if (details !== undefined && session.customer_details?.email !== details.email) return false;
      if (intent !== undefined && session.payment_intent !== intent) return false;
      return status === undefined || session.status === status;
    },
  );
}

export function listLineItems(
  world: World,
  params: Params<typeof listing>,
  id: string,
): Stripe.ApiList<Stripe.LineItem> {
  findSession(world, id);
  const items = world.store.get('order', id)?.items ?? [];
  return page(items, `/v1/checkout/sessions/${id}/line_items`, params, 'line item');
}

export function expireSession(world: World, _params: unknown, id: string): Stripe.Checkout.Session {
  const session = findSession(world, id);
  if (session.status !== 'open') {
    throw invalid(
      `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${session.status}\`.`,
    );
  }
  return expire(world, session);
}

/** Expires the sessions whose time has come, each once. */
export function expireDue(world: World): void {
  for (const session of world.store.all('session')) {
    if (isDue(world, session)) expire(world, session);
  }
}

function isDue(world: World, session: Stripe.Checkout.Session): boolean {
  return session.status === 'open' && session.expires_at <= nowSeconds(world);
}

function expire(world: World, session: Stripe.Checkout.Session): Stripe.Checkout.Session {
  const expired: Stripe.Checkout.Session = { ...session, status: 'expired', url: null };
  world.store.put('session', expired);
  emit(world, { type: 'checkout.session.expired', data: { object: expired } });
  return expired;
}

export function findSession(world: World, id: string): Stripe.Checkout.Session {
  const session = world.store.get('session', id);
  if (session === undefined) throw noSuch('checkout.session', id);
  return isDue(world, session) ? expire(world, session) : session;
}
