import type { ImagePrice, Pool, PoolPrice } from './ai/price.ts';
import type { DebtPolicy, Window } from './types.ts';

/**
 * What an operator writes in `tollgate.config.ts`. Amounts and prices are numbers with at most six decimals; prices
 * are in major units, so 10.5 usd is ten and a half dollars. `parseCatalog` checks what types cannot say.
 */
export type CatalogConfig = {
  /** The currency of a checkout that names none. */
  currency: string;
  /** Everything that is gated or metered, by its `featureCode`. */
  features: Record<string, FeatureConfig>;
  /** What each plan includes. No subscription means FREE; a plan that is left out is not on offer. */
  plans: {
    FREE: PlanConfig;
    BASIC?: SoldPlanConfig;
    PRO?: SoldPlanConfig;
    /** Sold by contact: an e-mail address or a page. */
    ENTERPRISE?: PlanConfig & { contact: string };
  };
  subscriptions?: {
    /** How long a plan is kept while its payment is past due, in days: 7 if nothing is said, 0 for not at all. */
    graceDays?: number;
  };
  credits: {
    /** How long bought credits last, in days; null: for ever. */
    expireAfterDays: number | null;
    /**
     * What becomes of credits that were spent before their payment was refunded or disputed: `next_purchase`, also when
     * left out, pays for them first; `keep` only shows them.
     */
    debt?: DebtPolicy;
    packs: Record<string, PackConfig>;
    /** Amounts of the buyer's choice, per currency. Left out: packs only. */
    custom?: Record<string, CustomCreditsConfig>;
  };
  /** How AI work is priced by its model. Left out: it is charged in points that the host names. */
  ai?: AIConfig;
};

/** What a model's work comes to: its cost at the provider × `markup` ÷ `pointUsd` points, rounded up. */
export type AIConfig = {
  /** What one point pays for, in dollars. */
  pointUsd: number;
  /** What the provider's cost is multiplied by; 1 if nothing is said. */
  markup?: number;
  /** Providers' published prices, from the package of that name. */
  list?: 'genai-prices';
  /** Prices of your own, by the name that calls use: they go before the list. Several that follow one another are dated. */
  models?: Record<string, DatedPriceConfig | DatedPriceConfig[]>;
  /** For models that are neither here nor in the list. Left out: they are refused. */
  fallback?: ModelPriceConfig;
};

/** Counts from that day on, at 0:00 UTC; without one, always. Before it, the list is asked. */
export type DatedPriceConfig = ModelPriceConfig & { from?: string };

/**
 * In dollars for a million tokens of each pool. Where nothing is said, tokens of a cache cost what `input` does, and those
 * of reasoning what `output` does; audio and images are refused.
 */
export type ModelPriceConfig = { [K in Pool]?: PoolPrice } & {
  perThousandRequests?: number;
  images?: ImagePrice[];
};

/** A switch is on or off; a metered feature is counted, in whole units if `whole`. */
export type FeatureConfig =
  | { name: string; type: 'switch' }
  | { name: string; type: 'metered'; whole?: boolean };

export type PlanConfig = {
  name: string;
  /** By `featureCode`: `true` for a switch, a meter for a metered feature. What is not listed is not in the plan. */
  features: Record<string, true | MeterConfig>;
};

/** A plan that is sold by the month or the year. */
export type SoldPlanConfig = PlanConfig & {
  price: PlanPriceConfig;
  /** Days that a workspace may try it for nothing, once. */
  trialDays?: number;
  /** Credits that come with each month that is paid for, and expire with it. */
  credits?: number;
};

/** A price per currency. Every price of a catalog names the same currencies. */
export type PriceConfig = Record<string, number>;

export type PlanPriceConfig = { month: PriceConfig; year?: PriceConfig };

export type MeterConfig = {
  /** 0: nothing is included, all of it costs credits. */
  allowance: number | 'unlimited';
  /** When the allowance starts anew. Left out only where there is none to renew (0 or unlimited). */
  per?: Window;
  /** Past the allowance: refuse (`block`, also when left out), or take credits. */
  overage?: 'block' | { creditsPerUnit: number };
};

export type PackConfig = { name: string; credits: number; price: PriceConfig };

/** From `min` to `max` in this currency; each unit of money buys `creditsPerUnit` credits. */
export type CustomCreditsConfig = { min: number; max: number; creditsPerUnit: number };
