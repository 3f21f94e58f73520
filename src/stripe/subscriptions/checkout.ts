import type { Interval, Plan } from '../../catalog/types.ts';
import { toUnits } from '../../lib/amounts.ts';
import { toStripeAmount } from '../../lib/currencies.ts';
import { supersededPages } from '../../payments/payments.ts';
import { openPlanCheckout, type PlanPurchase, refuseSecond } from '../../subscriptions/checkout.ts';
import { commit } from '../change.ts';
import { ask } from '../client.ts';
import { openPage, type ReturnUrls } from '../page.ts';
import type { StripeServices } from '../services.ts';
import { readSession } from '../sessions.ts';
import { priceOf } from './prices.ts';

export type CreatedPlanCheckout = {
  id: string;
  /** The page to subscribe on. */
  url: string;
  status: 'OPEN';
  workspaceId: string;
  paymentUserId: string;
  sessionId: string;
  plan: Plan;
  interval: Interval;
  amount: number;
  currency: string;
  trialDays: number | null;
  expiresAt: string;
};

/** Begins a subscription: an open checkout here, a page to subscribe on at Stripe. Pages of before are closed. */
export async function createPlanCheckout(
  services: StripeServices,
  input: PlanPurchase & ReturnUrls,
): Promise<CreatedPlanCheckout> {
  const checkout = await openPlanCheckout(services, input);
  const { amount, currency, buys } = checkout;
  const { plan, interval, trialDays } = buys;
  const page = await openPage(services, checkout, input, async (metadata) => ({
    // A trial has nothing to pay yet.
    amount: trialDays === null ? toStripeAmount(currency, amount) : 0,
    session: {
      mode: 'subscription',
      line_items: [
        { quantity: 1, price: (await priceOf(services, { plan, interval, currency, amount })).id },
      ],
      subscription_data: {
        metadata,
        ...(trialDays === null ? {} : { trial_period_days: trialDays }),
      },
      payment_method_collection: 'always',
    },
  }));
  await closeOlderPages(services, { workspaceId: checkout.workspaceId, sessionId: page.id });
  return {
    id: checkout.id,
    url: page.url,
    status: 'OPEN',
    workspaceId: checkout.workspaceId,
    paymentUserId: checkout.payer.id,
    sessionId: page.id,
    plan,
    interval,
    amount: toUnits(amount),
    currency,
    trialDays,
    expiresAt: page.expiresAt.toISOString(),
  };
}

/**
 * A workspace has one subscription: of its open pages, the last one counts. Of several that are opened at once, each looks
 * when its own is kept, so the last one to look sees all. Where one was paid meanwhile, and nobody has told, that is
 * booked, and the page that is open is closed and refused.
 */
async function closeOlderPages(
  services: StripeServices,
  { workspaceId, sessionId }: { workspaceId: string; sessionId: string },
): Promise<void> {
  for (const older of await supersededPages(services, workspaceId)) await closePage(services, older);
  try {
    await refuseSecond(services.pool, workspaceId);
  } catch (refusal) {
    await closePage(services, sessionId);
    throw refusal;
  }
}

async function closePage(services: StripeServices, sessionId: string): Promise<void> {
  try {
    await ask(() => services.stripe.checkout.sessions.expire(sessionId));
  } catch (error) {
    if ((await statusOf(services, sessionId)) === 'open') {
      services.report(`the page ${sessionId} of an older checkout stays open`, error);
    }
  }
}

/** Somebody else may have closed it, or paid on it: what came of it is booked. */
async function statusOf(services: StripeServices, sessionId: string) {
  const session = await ask(() => services.stripe.checkout.sessions.retrieve(sessionId)).catch(() => null);
  if (session?.status === 'complete') await commit(services, await readSession(services, sessionId));
  return session?.status;
}
