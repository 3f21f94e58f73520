import type { Micros } from '../lib/amounts.ts';
import type { AIPricing } from './ai/find.ts';

/** The plans of the model, in rising order. */
export const PLANS = ['FREE', 'BASIC', 'PRO', 'ENTERPRISE'] as const;
export type Plan = (typeof PLANS)[number];

/** A period of an allowance; `forever` never starts anew. */
export const WINDOWS = ['day', 'week', 'month', 'forever'] as const;
export type Window = (typeof WINDOWS)[number];

export type Interval = 'month' | 'year';

/** The metered feature that AI work is counted in. Its amounts are whole. */
export const AI_POINTS = 'ai.points';

/** What the engine and the API work with: the operator's configuration, checked and in exact amounts. */
export type Catalog = {
  /** Names the content: equal catalogs have equal versions. Each decision carries it. */
  version: string;
  features: Map<string, Feature>;
  plans: Map<Plan, PlanTerms>;
  /** How long a plan is kept while its payment is past due, in days. */
  graceDays: number;
  packs: Map<string, Pack>;
  /** Per lower-case currency: custom amounts that may be bought. */
  customCredits: Map<string, CustomCredits>;
  /** How long bought credits last, in days from the payment; null: for ever. */
  creditsExpireAfterDays: number | null;
  /** Who pays what is owed of reversed purchases: the next purchase, or nobody. */
  creditsDebt: DebtPolicy;
  /** How AI work is priced by its model; null: it is charged in points that the host names. */
  ai: AIPricing | null;
};

/** `keep`: a debt stays, and is only shown. */
export const DEBT_POLICIES = ['next_purchase', 'keep'] as const;
export type DebtPolicy = (typeof DEBT_POLICIES)[number];

export type Feature = {
  code: string;
  name: string;
  type: 'switch' | 'metered';
  /** Metered in whole units only. */
  whole: boolean;
};

export type PlanTerms = {
  plan: Plan;
  name: string;
  /** Money in micro-units of the major unit, per lower-case currency; empty for free plans and plans by contact. */
  prices: Record<Interval, Map<string, Micros>>;
  /** Where to ask, for a plan that is sold by contact. */
  contact: string | null;
  /** Days for which a workspace may try it for nothing, once; null: none. */
  trialDays: number | null;
  /** Credits that come with each month that is paid for, and expire with it. */
  credits: Micros;
  switches: Set<string>;
  meters: Map<string, Meter>;
};

/** How a plan meters a feature. */
export type Meter = {
  /** Null: unlimited. */
  allowance: Micros | null;
  window: Window;
  /** Past the allowance: refuse, or take credits at this price per unit. */
  overage: { type: 'block' } | { type: 'credits'; creditsPerUnit: Micros };
};

export type Pack = { id: string; name: string; credits: Micros; prices: Map<string, Micros> };

/** Money limits in micro-units of the major unit, and what one unit of money buys. */
export type CustomCredits = { amountMin: Micros; amountMax: Micros; creditsPerUnit: Micros };
