import type Stripe from 'stripe';
import { applySubscriptions, beginReading } from '../../subscriptions/apply.ts';
import { findWorkspaceOf } from '../../subscriptions/subscriptions.ts';
import type { Standing } from '../../subscriptions/types.ts';
import { type Change, Contradiction, ignored } from '../change.ts';
import { ask } from '../client.ts';
import type { StripeServices } from '../services.ts';
import { standingOf } from './standing.ts';

const PAGE = 100; // Stripe's largest
const SUBSCRIPTIONS_MAX = 10_000; // the SDK's largest; a payer has a few

/**
 * Reads all subscriptions of a customer again, and says what follows from their present state. They are read together
 * because they are judged together: a workspace has one.
 */
export async function readSubscriptions(services: StripeServices, customerId: string): Promise<Change> {
  const reading = await beginReading(services, customerId);
  if (reading === null) return ignored('Not a customer of Tollgate.');
  const subscriptions = await ask(() =>
    services.stripe.subscriptions
      .list({
        customer: customerId,
        status: 'all',
        limit: PAGE,
        expand: ['data.latest_invoice', 'data.schedule'],
      })
      .autoPagingToArray({ limit: SUBSCRIPTIONS_MAX }),
  );
  const standings: Standing[] = [];
  const problems: string[] = [];
  for (const subscription of subscriptions) {
    try {
      const standing = await read(services, subscription, customerId, reading.paymentUserId);
      if (standing !== null) standings.push(standing);
    } catch (error) {
      if (!(error instanceof Contradiction)) throw error;
      problems.push(error.message); // the others count all the same
    }
  }
  return async (tx) => {
    const doubled = await applySubscriptions(services, tx, reading, standings);
    problems.push(
      ...doubled.map(
        ({ workspaceId, subscriptionIds }) =>
          `The workspace ${workspaceId} has more than one subscription that is paid: ${subscriptionIds.join(', ')}. Cancel all but one.`,
      ),
    );
    return problems.length === 0 ? { status: 'APPLIED' } : { status: 'FAILED', error: problems.join(' ') };
  };
}

async function read(
  services: StripeServices,
  subscription: Stripe.Subscription,
  customerId: string,
  paymentUserId: string,
): Promise<Standing | null> {
  const { checkoutId = null, workspaceId = null } = subscription.metadata;
  const link = { subscriptionId: subscription.id, customerId, checkoutId, workspaceId };
  const found = await findWorkspaceOf(services.pool, link);
  // Somebody sells other things to the same customer.
  if (found === null) return null;
  return standingOf(services, subscription, { workspaceId: found.workspaceId, paymentUserId });
}
