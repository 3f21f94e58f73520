import type { Interval, Plan } from '../../catalog/types.ts';
import { toUnits } from '../../lib/amounts.ts';
import { toStripeAmount } from '../../lib/currencies.ts';
import { supersededPages } from '../../payments/payments.ts';
import { openPlanCheckout, type PlanPurchase } from '../../subscriptions/checkout.ts';
import { ask } from '../client.ts';
import { openPage, type ReturnUrls } from '../page.ts';
import type { StripeServices } from '../services.ts';
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
  await closeOlderPages(services, checkout.workspaceId);
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
 * when its own is kept, so the last one to look sees all. One that was paid meanwhile cannot be closed.
 */
async function closeOlderPages(services: StripeServices, workspaceId: string): Promise<void> {
  for (const sessionId of await supersededPages(services, workspaceId)) {
    try {
      await ask(() => services.stripe.checkout.sessions.expire(sessionId));
    } catch (error) {
      if (await isOpen(services, sessionId)) {
        services.report(`the page ${sessionId} of an older checkout stays open`, error);
      }
    }
  }
}

/** Somebody else may have closed it, or paid on it. */
async function isOpen({ stripe }: StripeServices, sessionId: string): Promise<boolean> {
  const session = await ask(() => stripe.checkout.sessions.retrieve(sessionId)).catch(() => null);
  return session?.status === 'open';
}
