import type Stripe from 'stripe';
import { type Interval, PLANS, type Plan } from '../../catalog/types.ts';
import type { Micros } from '../../lib/amounts.ts';
import { toStripeAmount } from '../../lib/currencies.ts';
import type { Terms } from '../../subscriptions/types.ts';
import { oddAnswer } from '../catalog/found.ts';
import { pushCatalog } from '../catalog/push.ts';
import { planKey, planOfProduct, planProduct } from '../catalog/wanted.ts';
import { Contradiction } from '../change.ts';
import { ask } from '../client.ts';
import { idOf } from '../references.ts';
import type { StripeServices } from '../services.ts';

/** What a plan costs, as the catalog says. */
export type PlanPrice = Terms & { currency: string; amount: Micros };

/** The price at Stripe of what the catalog sells. Where it is not there as the catalog says, the catalog is pushed first. */
export async function priceOf(services: StripeServices, wanted: PlanPrice): Promise<Stripe.Price> {
  const found = await findPrice(services, wanted);
  if (found !== undefined) return found;
  await pushCatalog(services.stripe, services.catalog, { say: () => {} });
  const pushed = await findPrice(services, wanted);
  if (pushed === undefined) throw oddAnswer(`the price ${planKey(wanted)}`);
  return pushed;
}

async function findPrice({ stripe }: StripeServices, wanted: PlanPrice): Promise<Stripe.Price | undefined> {
  const key = planKey(wanted);
  const { data } = await ask(() => stripe.prices.list({ lookup_keys: [key], active: true, limit: 1 }));
  const price = data[0];
  const isWanted =
    price?.lookup_key === key &&
    price.currency === wanted.currency &&
    price.unit_amount === toStripeAmount(wanted.currency, wanted.amount) &&
    price.recurring?.interval === wanted.interval &&
    price.recurring.interval_count === 1 &&
    idOf(price.product) === planProduct(wanted.plan);
  return isWanted ? price : undefined;
}

/** A price whose product is not one of the catalog's says in its metadata which plan it is for. */
const PLAN_METADATA = 'tollgate_plan';

/** The plan and interval that a price is for; null where that is none. */
export function findTerms(price: Stripe.Price): Terms | null {
  const plan = planOfProduct(idOf(price.product) ?? '') ?? planNamed(price.metadata?.[PLAN_METADATA]);
  const interval = intervalOf(price.recurring);
  return plan === null || interval === null ? null : { plan, interval };
}

/** The plan and interval of a price that must be for one. Throws a Contradiction. */
export function termsOf(price: Stripe.Price): Terms {
  const terms = findTerms(price);
  if (terms !== null) return terms;
  throw new Contradiction(
    `The price ${price.id} is for no plan of Tollgate: its product must be one that was pushed, or its metadata must have ` +
      `${PLAN_METADATA}, and it must be for a month or a year. The plan stays as it was.`,
  );
}

function planNamed(name: string | undefined): Plan | null {
  return PLANS.find((plan) => plan === name) ?? null;
}

function intervalOf(recurring: Stripe.Price.Recurring | null): Interval | null {
  const interval = recurring?.interval;
  if (recurring?.interval_count !== 1) return null;
  return interval === 'month' ? 'month' : interval === 'year' ? 'year' : null;
}
