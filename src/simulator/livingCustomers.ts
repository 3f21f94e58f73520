import type Stripe from 'stripe';
import { noSuch } from './api/errors.ts';
import { emit, previousOf } from './events.ts';
import type { World } from './world.ts';

/** The customer, or what Stripe answers when there is none or it has been deleted. */
export function liveCustomer(world: World, id: string, param = 'id'): Stripe.Customer {
  const customer = world.store.get('customer', id);
  if (customer === undefined || customer.deleted === true) throw noSuch('customer', id, param);
  return customer;
}

/** A method that is gone is no default any more. */
export function clearDefault(world: World, id: string, method: string): void {
  const customer = world.store.get('customer', id);
  if (customer === undefined || customer.deleted === true) return;
  const { default_source: source, invoice_settings: settings } = customer;
  const after: Stripe.Customer = {
    ...customer,
    default_source: source === method ? null : source,
    invoice_settings:
      settings.default_payment_method === method ? { ...settings, default_payment_method: null } : settings,
  };
  changeCustomer(world, customer, after);
}

/** Keeps a customer, and tells what has changed of it. */
export function changeCustomer(
  world: World,
  before: Stripe.Customer,
  after: Stripe.Customer,
): Stripe.Customer {
  const previous = previousOf(before, after);
  world.store.put('customer', after);
  if (Object.keys(previous).length > 0) {
    emit(world, { type: 'customer.updated', data: { object: after, previous_attributes: previous } });
  }
  return after;
}
