import { type Micros, toUnits } from '../lib/amounts.ts';
import type { AIPricing } from './ai/find.ts';
import type { ModelPrice } from './ai/price.ts';
import type { Catalog, DebtPolicy, Interval, Plan, PlanTerms, Window } from './types.ts';

/** A catalog as plain JSON, amounts as numbers: what is kept of each version, and what pricing pages read. */
export type CatalogDescription = {
  version: string;
  /** The default currency first. */
  currencies: string[];
  features: { featureCode: string; name: string; type: 'switch' | 'metered'; whole?: boolean }[];
  /** In rising order. */
  plans: PlanDescription[];
  subscriptions: { graceDays: number };
  credits: {
    expireAfterDays: number | null;
    debt: DebtPolicy;
    packs: { id: string; name: string; credits: number; price: Money }[];
    custom: Record<string, { min: number; max: number; creditsPerUnit: number }>;
  };
  /** Null: AI work is charged in points that the host names. */
  ai: AIDescription | null;
};

export type AIDescription = {
  /** Dollars that one point pays for. */
  pointUsd: number;
  markup: number;
  list: { name: 'genai-prices'; version: string } | null;
  /** The latest price first. */
  models: Record<string, (ModelPrice & { from: string | null })[]>;
  fallback: ModelPrice | null;
};

export type PlanDescription = {
  plan: Plan;
  name: string;
  contact: string | null;
  /** Null: the plan is not sold at this interval. */
  price: Record<Interval, Money | null>;
  trialDays: number | null;
  /** That come with each month that is paid for. */
  credits: number;
  features: PlanFeature[];
};

export type PlanFeature =
  | { featureCode: string; type: 'switch'; enabled: true }
  | {
      featureCode: string;
      type: 'metered';
      /** Null: unlimited. */
      limit: number | null;
      per: Window;
      overage: 'block' | 'credits';
      creditsPerUnit?: number;
    };

/** In major units, per currency. */
export type Money = Record<string, number>;

export function describeCatalog(catalog: Catalog): CatalogDescription {
  const { features, plans, packs, customCredits } = catalog;
  return {
    version: catalog.version,
    currencies: currenciesOf(catalog),
    features: [...features.values()].map(({ code, name, type, whole }) => ({
      featureCode: code,
      name,
      type,
      ...(type === 'metered' ? { whole } : {}),
    })),
    plans: [...plans.values()].map((terms) => describePlan(catalog, terms)),
    subscriptions: { graceDays: catalog.graceDays },
    credits: {
      expireAfterDays: catalog.creditsExpireAfterDays,
      debt: catalog.creditsDebt,
      packs: [...packs.values()].map(({ id, name, credits, prices }) => ({
        id,
        name,
        credits: toUnits(credits),
        price: money(prices),
      })),
      custom: Object.fromEntries(
        [...customCredits].map(([currency, { amountMin, amountMax, creditsPerUnit }]) => [
          currency,
          { min: toUnits(amountMin), max: toUnits(amountMax), creditsPerUnit: toUnits(creditsPerUnit) },
        ]),
      ),
    },
    ai: catalog.ai === null ? null : describeAI(catalog.ai),
  };
}

function describeAI({ pointUsd, markup, list, models, fallback }: AIPricing): AIDescription {
  return {
    pointUsd: toUnits(pointUsd),
    markup: toUnits(markup),
    list: list === null ? null : { name: 'genai-prices', version: list.version },
    models: Object.fromEntries(
      [...models].map(([model, dated]) => [model, dated.map(({ from, price }) => ({ from, ...price }))]),
    ),
    fallback,
  };
}

/** The currencies that one can pay in, the default currency first. Every price of a catalog has the same. */
export function currenciesOf(catalog: Catalog): string[] {
  const prices = [
    ...[...catalog.plans.values()].map((terms) => terms.prices.month),
    ...[...catalog.packs.values()].map((pack) => pack.prices),
    catalog.customCredits,
  ];
  return [...(prices.find((price) => price.size > 0)?.keys() ?? [])];
}

function describePlan(catalog: Catalog, terms: PlanTerms): PlanDescription {
  const { plan, name, contact, prices, trialDays, credits } = terms;
  return {
    plan,
    name,
    contact,
    price: {
      month: prices.month.size === 0 ? null : money(prices.month),
      year: prices.year.size === 0 ? null : money(prices.year),
    },
    trialDays,
    credits: toUnits(credits),
    features: [...catalog.features.keys()].flatMap((code) => describeSetting(terms, code) ?? []),
  };
}

function describeSetting(terms: PlanTerms, featureCode: string): PlanFeature | undefined {
  if (terms.switches.has(featureCode)) return { featureCode, type: 'switch', enabled: true };
  const meter = terms.meters.get(featureCode);
  if (meter === undefined) return undefined;
  const { allowance, window, overage } = meter;
  return {
    featureCode,
    type: 'metered',
    limit: allowance === null ? null : toUnits(allowance),
    per: window,
    overage: overage.type,
    ...(overage.type === 'credits' ? { creditsPerUnit: toUnits(overage.creditsPerUnit) } : {}),
  };
}

function money(prices: Map<string, Micros>): Money {
  return Object.fromEntries([...prices].map(([currency, amount]) => [currency, toUnits(amount)]));
}
