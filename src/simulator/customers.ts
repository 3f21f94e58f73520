import type Stripe from 'stripe';
import { addressFields, addressOf } from './addresses.ts';
import { invalid, noSuch } from './api/errors.ts';
import { listing, paginate } from './api/lists.ts';
import { changeMetadata, metadata } from './api/metadata.ts';
import { clearable, created, definedOf, email, group, type Params, text } from './api/params.ts';
import { cancelAll } from './billing/endings.ts';
import { inTimeOf, namedClock } from './billing/timed.ts';
import { emit } from './events.ts';
import { makeId, randomText } from './ids.ts';
import { changeCustomer, liveCustomer } from './livingCustomers.ts';
import { cardOfTestId } from './payments/cards.ts';
import { addMethod, attach, detachAll, takeMethod } from './payments/wallet.ts';
import { nowSeconds, type World } from './world.ts';

export const customerFields = {
  address: clearable(group(addressFields)),
  description: clearable(text(350)),
  email: clearable(email()),
  invoice_settings: group({ default_payment_method: clearable(text()) }),
  metadata: metadata(),
  name: clearable(text(256)),
  phone: clearable(text(20)),
  source: text(),
};

export const newCustomerFields = { ...customerFields, payment_method: text(), test_clock: text() };

export function createCustomer(world: World, params: Params<typeof newCustomerFields>): Stripe.Customer {
  const { test_clock: named } = params;
  const clock = named === undefined ? null : namedClock(world, named, 'test_clock');
  const bare: Stripe.Customer = {
    id: makeId('customer'),
    object: 'customer',
    address: addressOf(params.address),
    balance: 0,
    created: nowSeconds(inTimeOf(world, clock?.id)),
    currency: null,
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: params.description ?? null,
    discount: null,
    email: params.email ?? null,
    invoice_prefix: randomText(8).toUpperCase(),
    invoice_settings: {
      custom_fields: null,
      default_payment_method: null,
      footer: null,
      rendering_options: null,
    },
    livemode: false,
    metadata: changeMetadata({}, params.metadata),
    name: params.name ?? null,
    next_invoice_sequence: 1,
    phone: params.phone ?? null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: clock?.id ?? null,
  };
  const { payment_method: saved } = params;
  const method =
    saved === undefined ? undefined : attach(world, takeMethod(world, saved, 'payment_method'), bare.id);
  // A test id that is named twice is one method.
  const asked = params.invoice_settings?.default_payment_method;
  const customer = withMethods(world, bare, params, asked === saved ? method?.id : asked);
  world.store.put('customer', customer);
  emit(world, { type: 'customer.created', data: { object: customer } });
  return customer;
}

/** With the card of a token, as `source`, and the default method of its invoices. */
function withMethods(
  world: World,
  customer: Stripe.Customer,
  { source }: Params<typeof customerFields>,
  chosen: string | null | undefined,
): Stripe.Customer {
  const equipped = { ...customer };
  if (source !== undefined) {
    const card = cardOfTestId(source);
    if (card === undefined || !source.startsWith('tok_')) throw noSuch('token', source, 'source');
    equipped.default_source = attach(world, addMethod(world, card), customer.id).id;
  }
  if (chosen !== undefined) {
    const id = chosen === null ? null : ownMethod(world, customer.id, chosen).id;
    equipped.invoice_settings = { ...customer.invoice_settings, default_payment_method: id };
  }
  return equipped;
}

function ownMethod(world: World, customer: string, id: string): Stripe.PaymentMethod {
  const param = 'invoice_settings[default_payment_method]';
  const method = takeMethod(world, id, param);
  if (method.id !== id) return attach(world, method, customer);
  if (method.customer === customer) return method;
  throw invalid(
    'The customer does not have a payment method with the ID ' +
      id +
      '. The payment method must be attached to the customer.',
    { code: 'resource_missing', param },
  );
}

export function updateCustomer(
  world: World,
  params: Params<typeof customerFields>,
  id: string,
): Stripe.Customer {
  const before = liveCustomer(world, id);
  const { address: newAddress, invoice_settings: settings, metadata: sent, source: _, ...rest } = params;
  const changed: Stripe.Customer = {
    ...before,
    ...definedOf(rest),
    ...(newAddress === undefined ? {} : { address: addressOf(newAddress) }),
    metadata: changeMetadata(before.metadata, sent),
  };
  return changeCustomer(world, before, withMethods(world, changed, params, settings?.default_payment_method));
}

/** A deleted customer is still answered for, as `deleted: true`. */
export function retrieveCustomer(
  world: World,
  _params: unknown,
  id: string,
): Stripe.Customer | Stripe.DeletedCustomer {
  const customer = world.store.get('customer', id);
  if (customer === undefined) throw noSuch('customer', id);
  return customer;
}

export function deleteCustomer(world: World, _params: unknown, id: string): Stripe.DeletedCustomer {
  const customer = liveCustomer(world, id);
  cancelAll(world, id);
  detachAll(world, id);
  const deleted: Stripe.DeletedCustomer = { id, object: 'customer', deleted: true };
  world.store.put('customer', deleted);
  emit(world, { type: 'customer.deleted', data: { object: customer } });
  return deleted;
}

export const customerListing = { ...listing, created: created(), email: text(512) };

export function listCustomers(
  world: World,
  params: Params<typeof customerListing>,
): Stripe.ApiList<Stripe.Customer> {
  const live = [...world.store.all('customer')].filter((customer) => customer.deleted !== true);
  return paginate(live, '/v1/customers', params, 'customer', (customer) => {
    if (params.created !== undefined && !params.created(customer.created)) return false;
    return params.email === undefined || customer.email === params.email;
  });
}
