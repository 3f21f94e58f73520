import type Stripe from 'stripe';
import { clearable, group, type Params, required, text } from './api/params.ts';

export const addressFields = {
  city: clearable(text()),
  country: clearable(text(2)),
  line1: clearable(text()),
  line2: clearable(text()),
  postal_code: clearable(text()),
  state: clearable(text()),
};

export function addressOf(sent: Params<typeof addressFields> | null | undefined): Stripe.Address | null {
  if (sent === null || sent === undefined) return null;
  const { city = null, country = null, line1 = null, line2 = null, postal_code = null, state = null } = sent;
  return { city, country, line1, line2, postal_code, state };
}

/** Where what was bought is sent. */
export const shippingFields = {
  address: required(group(addressFields)),
  carrier: text(),
  name: required(text()),
  phone: text(),
  tracking_number: text(),
};

export function shippingOf(
  sent: Params<typeof shippingFields> | null | undefined,
): Stripe.PaymentIntent.Shipping | null {
  if (sent === null || sent === undefined) return null;
  const { address, name, carrier = null, phone = null, tracking_number = null } = sent;
  return { address: addressOf(address)!, carrier, name, phone, tracking_number };
}
