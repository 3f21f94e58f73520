import type Stripe from 'stripe';
import { resumeWith, waitsForCard } from '../../topups/attempts.ts';
import type { Change } from '../change.ts';
import { ask, isMissing } from '../client.ts';
import { idOf } from '../references.ts';
import type { StripeServices } from '../services.ts';

/**
 * The card that a customer is charged by while they are away: the default of their invoices if it is a card, else the one
 * that was saved last. Null: there is none.
 */
export async function cardOf({ stripe }: StripeServices, customerId: string | null): Promise<string | null> {
  if (customerId === null) return null;
  try {
    const [customer, cards] = await Promise.all([
      ask(() => stripe.customers.retrieve(customerId)),
      ask(() => stripe.customers.listPaymentMethods(customerId, { type: 'card', limit: CARDS_MAX })),
    ]);
    const chosen = isDeleted(customer) ? null : idOf(customer.invoice_settings.default_payment_method);
    const ids = cards.data.map(({ id }) => id); // newest first
    return ids.find((id) => id === chosen) ?? ids[0] ?? null;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

const CARDS_MAX = 100; // Stripe's page

function isDeleted(customer: Stripe.Customer | Stripe.DeletedCustomer): customer is Stripe.DeletedCustomer {
  return customer.deleted === true;
}

/** Reads which card a customer has now, and lets top-ups go on that wait for another one. */
export async function readCard(services: StripeServices, customerId: string): Promise<Change> {
  if (!(await waitsForCard(services, customerId))) {
    return async () => ({ status: 'IGNORED', error: 'No auto top-up waits for a card of this customer.' });
  }
  const card = await cardOf(services, customerId);
  return async (tx) => {
    if (card !== null) await resumeWith(services, tx, customerId, card);
    return { status: 'APPLIED' };
  };
}
