import type Stripe from 'stripe';
import { fingerprintOf } from '../lib/fingerprints.ts';
import { linkCustomer } from '../payments/payers.ts';
import type { Payer } from '../payments/payments.ts';
import { commit } from './change.ts';
import { ask, isMissing, PAGE } from './client.ts';
import { makeOnce } from './once.ts';
import type { StripeServices } from './services.ts';
import { readDeletedCustomer } from './subscriptions/deletion.ts';

/**
 * The payer's customer at Stripe, with today's e-mail: one for each payer, made before the first checkout and kept.
 * One that was deleted at Stripe is replaced.
 */
export async function customerOf(services: StripeServices, payer: Payer): Promise<string> {
  const { customerId } = payer;
  if (customerId !== null) {
    if (await isThere(services, customerId, payer)) return customerId;
    // Before it is replaced: afterwards, nobody finds what has ended with it.
    await commit(services, await readDeletedCustomer(services, customerId));
  }
  return linkCustomer(services, payer, await makeCustomer(services, payer, null));
}

async function isThere({ stripe }: StripeServices, id: string, { email }: Payer): Promise<boolean> {
  try {
    await ask(() => stripe.customers.update(id, { email }));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** A customer, and what came with it where it is an answer of Stripe's alone. */
type Made = Stripe.Customer & Partial<Pick<Stripe.Response<Stripe.Customer>, 'lastResponse'>>;

/**
 * `gone`: the one whose place it takes, where a key has brought that again. All begin without, whether or not they have seen
 * it go: who makes one at the same moment asks under the same key.
 */
async function makeCustomer(services: StripeServices, payer: Payer, gone: string | null): Promise<string> {
  const { stripe } = services;
  // Stripe forgets keys after a day; what a customer carries stays.
  const made = await findCustomer(services, payer);
  if (made !== null) return made.id;
  // Two who make it at once get the same one; after a deletion, or with another e-mail, it is another request.
  const { id, lastResponse } = await makeOnce<Made>(
    `${payer.id}-${fingerprintOf('customer', payer.email, gone)}`,
    (options) =>
      stripe.customers.create({ email: payer.email, metadata: { paymentUserId: payer.id } }, options),
    () => findCustomer(services, payer),
  );
  // A key brings its first answer again, also of a customer that has been deleted since.
  const isRepeat = lastResponse?.headers['idempotent-replayed'] === 'true';
  if (isRepeat && !(await isThere(services, id, payer))) return makeCustomer(services, payer, id);
  return id;
}

/** The customer that was made for a payer, though its answer was lost. Nobody has a page of them under one e-mail. */
async function findCustomer({ stripe }: StripeServices, { id, email }: Payer): Promise<Made | null> {
  const { data } = await ask(() => stripe.customers.list({ email, limit: PAGE }));
  return data.find(({ metadata }) => metadata.paymentUserId === id) ?? null;
}
