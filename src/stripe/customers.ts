import { fingerprintOf } from '../lib/fingerprints.ts';
import { linkCustomer } from '../payments/payers.ts';
import type { Payer } from '../payments/payments.ts';
import { ask, isMissing } from './client.ts';
import type { StripeServices } from './services.ts';

/**
 * The payer's customer at Stripe, with today's e-mail: one for each payer, made before the first checkout and kept.
 * One that was deleted at Stripe is replaced.
 */
export async function customerOf(services: StripeServices, payer: Payer): Promise<string> {
  const { stripe } = services;
  if (payer.customerId !== null) {
    try {
      const { id } = await ask(() => stripe.customers.update(payer.customerId!, { email: payer.email }));
      return id;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  // Two who make it at once get the same one; after a deletion, or with another e-mail, it is another request.
  const idempotencyKey = `${payer.id}-${fingerprintOf('customer', payer.email, payer.customerId)}`;
  const customer = await ask(() =>
    stripe.customers.create(
      { email: payer.email, metadata: { paymentUserId: payer.id } },
      { idempotencyKey },
    ),
  );
  return linkCustomer(services, payer, customer.id);
}
