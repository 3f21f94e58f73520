import type Stripe from 'stripe';
import { shippingOf } from '../addresses.ts';
import { invalid, noSuch } from '../api/errors.ts';
import { listing, page, paginate } from '../api/lists.ts';
import { changeMetadata } from '../api/metadata.ts';
import { created, definedOf, group, oneOf, type Params, required, text } from '../api/params.ts';
import { hasTrial, subscriptionOrder } from '../billing/checkout.ts';
import { discountItems } from '../billing/sales.ts';
import { emit } from '../events.ts';
import { makeId } from '../ids.ts';
import { liveCustomer } from '../livingCustomers.ts';
import { methodTypesFor } from '../payments/methods.ts';
import { openSetup } from '../payments/setups.ts';
import { nowSeconds, pageUrl, type World } from '../world.ts';
import { collectionOf, creationOf, expiryOf, type NewSession, requireFitting } from './newSession.ts';
import { makeItems, totalOf } from './orders.ts';

/** A page where one order can be paid, once. The payment intent comes when somebody tries to pay. */
export function createSession(world: World, params: NewSession): Stripe.Checkout.Session {
  requireFitting(params);
  const customer = params.customer === undefined ? null : liveCustomer(world, params.customer, 'customer');
  const { discounts: wanted = [], line_items: lines = [], mode } = params;
  const priced = mode === 'setup' ? [] : makeItems(world, lines, mode);
  const items = discountItems(world, priced, wanted, customer?.id ?? null);
  const currency = items[0]?.currency ?? params.currency ?? null;
  const subscription = mode === 'subscription' ? subscriptionOrder(world, params.subscription_data) : null;
  if (subscription !== null) subscription.discounts = wanted.map((one) => definedOf(one));
  const isTrial = subscription !== null && hasTrial(subscription);
  const subtotal = isTrial ? 0 : totalOf(priced);
  const total = isTrial ? 0 : totalOf(items);
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
    amount_subtotal: mode === 'setup' ? null : subtotal,
    amount_total: mode === 'setup' ? null : total,
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
    discounts: wanted.map(({ coupon = null, promotion_code: code = null }) => ({
      coupon,
      promotion_code: code,
    })),
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
    payment_method_types: methodTypesFor(currency ?? '', params.allowed_payment_method_types),
    payment_status: total === 0 ? 'no_payment_required' : 'unpaid',
    permissions: null,
    phone_number_collection: { enabled: false },
    recovered_from: null,
    saved_payment_method_options: savedMethodOptions(params, customer),
    setup_intent: mode === 'setup' ? setupFor(world, params).id : null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status: 'open',
    submit_type: params.submit_type ?? null,
    subscription: null,
    success_url: params.success_url,
    total_details:
      mode === 'setup' ? null : { amount_discount: subtotal - total, amount_shipping: 0, amount_tax: 0 },
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
      shipping: shippingOf(data?.shipping),
      statementDescriptor: data?.statement_descriptor ?? null,
      statementDescriptorSuffix: data?.statement_descriptor_suffix ?? null,
    },
    ...(subscription === null ? {} : { subscription }),
  });
  return session;
}

/** The intent of a session that only saves a method; there from the start. */
function setupFor(world: World, params: NewSession): Stripe.SetupIntent {
  const { customer = null, currency = '', setup_intent_data: data } = params;
  return openSetup(world, {
    allowed_payment_method_types: params.allowed_payment_method_types ?? null,
    customer,
    description: data?.description ?? null,
    metadata: changeMetadata({}, data?.metadata),
    payment_method_types: methodTypesFor(currency, params.allowed_payment_method_types),
  });
}

/** Which saved methods a session offers; there are some only where the customer is known. */
function savedMethodOptions(
  { saved_payment_method_options: asked }: NewSession,
  customer: Stripe.Customer | null,
): Stripe.Checkout.Session.SavedPaymentMethodOptions | null {
  if (customer === null && asked === undefined) return null;
  return {
    allow_redisplay_filters: asked?.allow_redisplay_filters ?? ['always'],
    payment_method_remove: asked?.payment_method_remove ?? 'disabled',
    payment_method_save: asked?.payment_method_save ?? null,
  };
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
