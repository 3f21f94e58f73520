import { findInvoicePayment } from '../../payments/invoices.ts';
import { unlinkCustomer } from '../../payments/payers.ts';
import { endSubscription } from '../../subscriptions/apply.ts';
import { findSubscriptionsOf } from '../../subscriptions/subscriptions.ts';
import { type Change, commit, ignored } from '../change.ts';
import { ask, askForAll, isMissing } from '../client.ts';
import type { StripeServices } from '../services.ts';
import { readInvoice } from './invoices.ts';
import { readSubscriptions } from './reading.ts';

/**
 * Reads a customer again, and says what follows if it was deleted: its subscriptions have ended with it, and its payer is
 * a new customer with the next purchase. What was bought stays.
 */
export async function readDeletedCustomer(services: StripeServices, customerId: string): Promise<Change> {
  const customer = await ask(() => services.stripe.customers.retrieve(customerId)).catch((error) => {
    if (isMissing(error)) return { deleted: true as const };
    throw error;
  });
  if (customer.deleted !== true) return ignored('The customer is there.');
  const subscriptions = await findSubscriptionsOf(services.pool, customerId);
  const read = await readSubscriptions(services, customerId).catch((error) => {
    if (isMissing(error)) return null; // Stripe lists nothing of whom it does not know
    throw error;
  });
  if (read !== null) await commit(services, read);
  await bookPaid(services, customerId);
  return async (tx) => {
    for (const { workspaceId, subscriptionId } of subscriptions) {
      await endSubscription(services, tx, workspaceId, subscriptionId);
    }
    await unlinkCustomer(services, tx, customerId);
    return { status: 'APPLIED' };
  };
}

/** Books invoices that were paid, and that nobody has told of: without their customer, nobody finds whose they are. */
async function bookPaid(services: StripeServices, customer: string): Promise<void> {
  const paid = await askForAll((page) =>
    services.stripe.invoices.list({ customer, status: 'paid', ...page }),
  ).catch((error) => {
    if (isMissing(error)) return [];
    throw error;
  });
  for (const { id, amount_due: due } of paid) {
    if (due === 0 || (await findInvoicePayment(services, id!)) !== null) continue;
    await commit(services, await readInvoice(services, id!));
  }
}
