import type Stripe from 'stripe';
import { noSuch } from './errors.ts';
import { emit, previousOf } from './events.ts';
import { makeId, randomText } from './ids.ts';
import { listing, paginate } from './lists.ts';
import { changeMetadata, metadata } from './metadata.ts';
import { clearable, created, definedOf, email, group, type Params, text } from './params.ts';
import { nowSeconds, type World } from './world.ts';

const address = {
  city: clearable(text()),
  country: clearable(text(2)),
  line1: clearable(text()),
  line2: clearable(text()),
  postal_code: clearable(text()),
  state: clearable(text()),
};

export const customerFields = {
  address: clearable(group(address)),
  description: clearable(text(350)),
  email: clearable(email()),
  metadata: metadata(),
  name: clearable(text(256)),
  phone: clearable(text(20)),
};

export function createCustomer(world: World, params: Params<typeof customerFields>): Stripe.Customer {
  const customer: Stripe.Customer = {
    id: makeId('customer'),
    object: 'customer',
    address: addressOf(params.address),
    balance: 0,
    created: nowSeconds(world),
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
    test_clock: null,
  };
  world.store.put('customer', customer);
  emit(world, { type: 'customer.created', data: { object: customer } });
  return customer;
}

export function updateCustomer(
  world: World,
  params: Params<typeof customerFields>,
  id: string,
): Stripe.Customer {
  const before = liveCustomer(world, id);
  const { address: newAddress, metadata: sent, ...rest } = params;
  const after: Stripe.Customer = {
    ...before,
    ...definedOf(rest),
    ...(newAddress === undefined ? {} : { address: addressOf(newAddress) }),
    metadata: changeMetadata(before.metadata, sent),
  };
  world.store.put('customer', after);
  const previous = previousOf(before, after);
  if (Object.keys(previous).length > 0) {
    emit(world, { type: 'customer.updated', data: { object: after, previous_attributes: previous } });
  }
  return after;
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

/** The customer, or what Stripe answers when there is none or it has been deleted. */
export function liveCustomer(world: World, id: string, param = 'id'): Stripe.Customer {
  const customer = world.store.get('customer', id);
  if (customer === undefined || customer.deleted === true) throw noSuch('customer', id, param);
  return customer;
}

function addressOf(sent: Params<typeof address> | null | undefined): Stripe.Address | null {
  if (sent === null || sent === undefined) return null;
  const { city = null, country = null, line1 = null, line2 = null, postal_code = null, state = null } = sent;
  return { city, country, line1, line2, postal_code, state };
}
