import type { Catalog, Feature, Meter, Plan, PlanTerms } from '../catalog/types.ts';
import {
  AMOUNT_MAX,
  affordableAmount,
  MICROS_PER_UNIT,
  type Micros,
  max,
  min,
  multiplyUp,
  SUM_MAX,
  toUnits,
} from '../lib/amounts.ts';
import type { Code } from '../lib/errors.ts';
import { periodAt } from '../lib/periods.ts';
import type { AllowanceReason } from './operations.ts';
import { anchorAt, type State, usedEver, usedSince } from './state.ts';

/** What a decision is made in: by which catalog, when, and on which plan. */
export type Context = { catalog: Catalog; now: number; plan: Plan };

/** What a use of this amount would take now, and whether it may. */
export type Quote = {
  code: Code | null;
  fromAllowance: Micros;
  fromCredits: Micros;
  creditCost: Micros;
  creditsPerUnit: Micros | null;
  /** The largest amount that would pass now. */
  affordable: Micros;
  /** Null: nothing is counted, or, with a null limit, it is unlimited. */
  allowance: Allowance;
};

export type Allowance = {
  limit: Micros | null;
  used: Micros;
  remaining: Micros | null;
  periodStart: number | null;
  resetsAt: number | null;
};

/** Quotes a use on a state from which expired credits have been taken. */
export function quote(state: State, feature: Feature, amount: Micros, context: Context): Quote {
  const terms = termsOf(context);
  if (feature.type === 'switch') {
    return terms.switches.has(feature.code)
      ? free(amount, UNCOUNTED)
      : refused('feature_not_in_plan', NOT_INCLUDED);
  }
  const meter = terms.meters.get(feature.code);
  if (meter === undefined) return refused('feature_not_in_plan', NOT_INCLUDED);
  return quoteMetered(state, feature, meter, amount, context);
}

function quoteMetered(state: State, feature: Feature, meter: Meter, amount: Micros, context: Context): Quote {
  const allowance = allowanceOf(state, feature.code, meter, context);
  const left = allowance.remaining ?? max(SUM_MAX - allowance.used, 0n);
  const { balance } = state.wallet;
  const fromAllowance = min(amount, left);
  const rest = amount - fromAllowance;

  if (meter.overage.type === 'block') {
    const affordable = min(wholeIf(feature.whole, left), AMOUNT_MAX);
    if (rest === 0n) return { ...free(amount, allowance), affordable };
    return { ...refused('limit_reached', allowance), affordable };
  }
  const { creditsPerUnit } = meter.overage;
  const creditCost = multiplyUp(rest, creditsPerUnit);
  return {
    code: creditCost > balance ? 'insufficient_credits' : null,
    fromAllowance,
    fromCredits: rest,
    creditCost,
    creditsPerUnit,
    affordable: min(wholeIf(feature.whole, left + affordableAmount(balance, creditsPerUnit)), AMOUNT_MAX),
    allowance,
  };
}

/** The terms of the plan. A subscription to a plan that was taken out of the catalog has those of FREE. */
export function termsOf({ catalog, plan }: Context): PlanTerms {
  return catalog.plans.get(plan) ?? catalog.plans.get('FREE')!;
}

/**
 * Allowance and use of a metered feature in the period of now. Whatever was counted in a period that began inside this
 * one counts, under whichever plan: a subscription that came and went gives nothing twice.
 */
export function allowanceOf(state: State, featureCode: string, meter: Meter, { now }: Context): Allowance {
  // What is allowed for ever is not begun anew by a subscription.
  const isForever = meter.window === 'forever';
  const period = periodAt(meter.window, isForever ? state.createdAt : anchorAt(state, now), now);
  const used = isForever ? usedEver(state, featureCode) : usedSince(state, featureCode, period.start);
  return {
    limit: meter.allowance,
    used,
    // A smaller plan can leave more used than it allows.
    remaining: meter.allowance === null ? null : used < meter.allowance ? meter.allowance - used : 0n,
    periodStart: period.start,
    resetsAt: period.end,
  };
}

/** What is not counted. */
export const UNCOUNTED: Allowance = {
  limit: null,
  used: 0n,
  remaining: null,
  periodStart: null,
  resetsAt: null,
};
const NOT_INCLUDED: Allowance = { ...UNCOUNTED, limit: 0n, remaining: 0n };

function free(amount: Micros, allowance: Allowance): Quote {
  return { ...refused(null, allowance), fromAllowance: amount, affordable: AMOUNT_MAX };
}

function refused(code: Code | null, allowance: Allowance): Quote {
  return {
    code,
    fromAllowance: 0n,
    fromCredits: 0n,
    creditCost: 0n,
    creditsPerUnit: null,
    affordable: 0n,
    allowance,
  };
}

function wholeIf(whole: boolean, amount: Micros): Micros {
  return whole ? amount - (amount % MICROS_PER_UNIT) : amount;
}

/** An allowance as it is kept with a decision, and answered. */
export function allowanceReason(allowance: Allowance): AllowanceReason {
  return {
    limit: allowance.limit === null ? null : toUnits(allowance.limit),
    used: toUnits(allowance.used),
    remaining: allowance.remaining === null ? null : toUnits(allowance.remaining),
    resetsAt: allowance.resetsAt === null ? null : new Date(allowance.resetsAt).toISOString(),
  };
}
