import type { Catalog, Plan } from '../catalog/types.ts';
import { type Queryable, transaction } from '../engine/store.ts';
import type { Micros } from '../lib/amounts.ts';
import { Refusal } from '../lib/errors.ts';
import { type BuysPlan, type Checkout, keepCheckout, type PurchaseInput } from '../payments/payments.ts';
import { readSubscription } from './store.ts';
import type { Kept, SubscriptionServices, Terms } from './types.ts';

export type PlanPurchase = Pick<PurchaseInput, 'workspaceId' | 'user' | 'currency'> &
  Terms & {
    /** Days of trial; the catalog's where nothing is said, none with 0. A workspace has one trial. */
    trialDays?: number | undefined;
  };

/** Prices a plan and keeps its purchase as an open checkout. A workspace that has a subscription is refused. */
export async function openPlanCheckout(
  { pool, catalog, clock }: SubscriptionServices,
  { workspaceId, user, plan, interval, currency: asked, trialDays }: PlanPurchase,
): Promise<Checkout<BuysPlan>> {
  const { currency, amount } = priceOfPlan(catalog, { plan, interval }, asked);
  return transaction(pool, async (tx: Queryable) => {
    const subscription = await refuseSecond(tx, workspaceId);
    const hadTrial = (subscription?.trialEnd ?? null) !== null;
    if (hadTrial && (trialDays ?? 0) > 0) throw trialUsed(workspaceId);
    const days = hadTrial ? null : (trialDays ?? catalog.plans.get(plan)!.trialDays);
    const buys: BuysPlan = { type: 'plan', plan, interval, trialDays: days === 0 ? null : days };
    return keepCheckout(tx, { workspaceId, user, amount, currency, buys }, clock.now());
  });
}

/** A workspace has one subscription at a time. Resolves to the last one. */
export async function refuseSecond(db: Queryable, workspaceId: string): Promise<Kept | undefined> {
  const subscription = await readSubscription(db, workspaceId);
  if (subscription !== undefined && subscription.status !== 'CANCELED') throw exists(workspaceId);
  return subscription;
}

/** What a plan costs. Without a currency: in the catalog's default one. */
export function priceOfPlan(
  catalog: Catalog,
  { plan, interval }: Terms,
  asked?: string,
): { currency: string; amount: Micros } {
  const terms = catalog.plans.get(plan);
  if (terms === undefined || (terms.prices.month.size === 0 && terms.prices.year.size === 0)) {
    const how =
      plan === 'FREE'
        ? 'it is what a workspace without a subscription has, so cancel that'
        : terms?.contact
          ? `it is sold by contact: ${terms.contact}`
          : `sold are ${sold(catalog)}`;
    throw new Refusal('invalid_request', `The plan ${plan} is not sold here; ${how}.`, { param: 'plan' });
  }
  const prices = terms.prices[interval];
  if (prices.size === 0) {
    throw new Refusal('invalid_request', `The plan ${plan} is not sold by the ${interval}.`, {
      param: 'interval',
    });
  }
  for (const [currency, amount] of prices) {
    if (asked === undefined || currency === asked.toLowerCase()) return { currency, amount };
  }
  throw new Refusal(
    'invalid_request',
    `The plan ${plan} is not sold in "${asked}"; currencies: ${[...prices.keys()].join(', ')}.`,
    { param: 'currency' },
  );
}

function sold(catalog: Catalog): string {
  const plans: Plan[] = [...catalog.plans.values()]
    .filter(({ prices }) => prices.month.size + prices.year.size > 0)
    .map(({ plan }) => plan);
  return plans.join(', ') || 'none';
}

function exists(workspaceId: string): Refusal {
  return new Refusal(
    'subscription_exists',
    `The workspace ${workspaceId} has a subscription: change it with POST /v1/subscriptions/${workspaceId}/change.`,
  );
}

function trialUsed(workspaceId: string): Refusal {
  return new Refusal(
    'invalid_request',
    `The workspace ${workspaceId} has had its trial: leave trialDays out.`,
    {
      param: 'trialDays',
    },
  );
}
