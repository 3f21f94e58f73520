import type Stripe from 'stripe';
import { applySubscriptions, beginReading, type Doubled } from '../../subscriptions/apply.ts';
import { findWorkspaceOf } from '../../subscriptions/subscriptions.ts';
import type { Standing } from '../../subscriptions/types.ts';
import { type Change, Contradiction, ignored } from '../change.ts';
import { askForAll } from '../client.ts';
import { idOf } from '../references.ts';
import type { StripeServices } from '../services.ts';
import { EXPANDED_IN_LIST, standingOf } from './standing.ts';
import { replayBlockedBy } from './store.ts';

/**
 * Reads all subscriptions of a customer again, and says what follows from their present state. They are read together
 * because they are judged together: a workspace has one.
 */
export async function readSubscriptions(services: StripeServices, customerId: string): Promise<Change> {
  const reading = await beginReading(services, customerId);
  if (reading === null) return ignored('Not a customer of Tollgate.');
  const of = { customer: customerId, status: 'all', expand: EXPANDED_IN_LIST } as const;
  const subscriptions = await askForAll((page) => services.stripe.subscriptions.list({ ...of, ...page }));
  const standings: Standing[] = [];
  const problems: string[] = [];
  for (const subscription of subscriptions) {
    try {
      const standing = await readStanding(services, subscription, reading.paymentUserId);
      if (standing !== null) standings.push(standing);
    } catch (error) {
      if (!(error instanceof Contradiction)) throw error;
      problems.push(error.message); // the others count all the same
    }
  }
  return async (tx) => {
    const doubled = await applySubscriptions(services, tx, reading, standings);
    const ended = standings.filter(({ status }) => status === 'CANCELED');
    if (ended.length > 0) {
      const ids = ended.map(({ subscriptionId }) => subscriptionId);
      await replayBlockedBy(tx, ids);
    }
    const all = [...problems, ...doubled.map(tooMany)];
    return all.length === 0 ? { status: 'APPLIED' } : { status: 'FAILED', error: all.join(' ') };
  };
}

function tooMany({ workspaceId, subscriptionIds }: Doubled): string {
  return `The workspace ${workspaceId} has more than one subscription that is paid: ${subscriptionIds.join(', ')}. Cancel all but one.`;
}

async function readStanding(
  services: StripeServices,
  subscription: Stripe.Subscription,
  paymentUserId: string,
): Promise<Standing | null> {
  const found = await findWorkspaceOf(services.pool, linkOf(subscription));
  // Somebody sells other things to the same customer.
  if (found === null) return null;
  return standingOf(services, subscription, { workspaceId: found.workspaceId, paymentUserId });
}

/** By what the workspace of a subscription is found. */
export function linkOf({ id, customer, metadata }: Stripe.Subscription) {
  const { checkoutId = null, workspaceId = null } = metadata;
  return { subscriptionId: id, customerId: idOf(customer), checkoutId, workspaceId };
}
