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
import { type Period, periodAt } from '../lib/periods.ts';
import { toIsoOrNull } from '../lib/times.ts';
import type { AllowanceReason } from './operations.ts';
import {
  anchorAt,
  availableOf,
  countedEnds,
  heldAt,
  heldEver,
  type State,
  usedAt,
  usedEver,
} from './state.ts';

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
  held: Micros;
  remaining: Micros | null;
  periodStart: number | null;
  periodEnd: number | null;
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
  const left = leftOf(allowance);
  const available = availableOf(state.wallet);
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
    code: creditCost > available ? 'insufficient_credits' : null,
    fromAllowance,
    fromCredits: rest,
    creditCost,
    creditsPerUnit,
    affordable: min(wholeIf(feature.whole, left + affordableAmount(available, creditsPerUnit)), AMOUNT_MAX),
    allowance,
  };
}

/** The terms of the plan. A subscription to a plan that was taken out of the catalog has those of FREE. */
export function termsOf({ catalog, plan }: Context): PlanTerms {
  return catalog.plans.get(plan) ?? catalog.plans.get('FREE')!;
}

/**
 * Allowance and use of a metered feature in the period of now. What was used counts if the period that it was counted
 * in began inside this one, or has not ended yet, under whichever plan: a subscription that comes or goes gives nothing
 * twice.
 */
export function allowanceOf(state: State, featureCode: string, meter: Meter, { now }: Context): Allowance {
  // What is allowed for ever is not begun anew by a subscription.
  const isForever = meter.window === 'forever';
  const anchor = isForever ? state.createdAt : anchorAt(state, now);
  const period = periodAt(meter.window, anchor, now);
  const used = isForever ? usedEver(state, featureCode) : usedAt(state, featureCode, period.start, now);
  const held = isForever ? heldEver(state, featureCode) : heldAt(state, featureCode, period.start, now);
  const limit = meter.allowance;
  const counted = used + held;
  return {
    limit,
    used,
    held,
    // A smaller plan can leave more used than it allows.
    remaining: limit === null ? null : counted < limit ? limit - counted : 0n,
    periodStart: period.start,
    periodEnd: period.end,
    resetsAt:
      limit === null || counted < limit ? period.end : freeAgainAt(state, featureCode, limit, period, now),
  };
}

/** What may still be taken from an allowance: of an unlimited one, as much as a number can say. */
export function leftOf({ remaining, used, held }: Allowance): Micros {
  return remaining ?? max(SUM_MAX - used - held, 0n);
}

/**
 * Where nothing is left: the first end, of this period or of another one that counts, after which something is. What is
 * held counts as if it were used: it may come back earlier, but nobody knows.
 */
function freeAgainAt(
  state: State,
  featureCode: string,
  limit: Micros,
  { start, end }: Period,
  now: number,
): number | null {
  // Of nothing, nothing is ever free.
  if (end === null || limit === 0n) return end;
  const ends = [end, ...countedEnds(state, featureCode)].filter((at) => at > now).sort((a, b) => a - b);
  const counted = (from: number, at: number) =>
    usedAt(state, featureCode, from, at) + heldAt(state, featureCode, from, at);
  return ends.find((at) => counted(at < end ? start : at, at) < limit) ?? end;
}

/** The allowance of a feature as it is explained with a decision. A plan that lacks it leaves nothing of it. */
export function allowanceReasonOf(state: State, featureCode: string, context: Context): AllowanceReason {
  const { meters, switches } = termsOf(context);
  const meter = meters.get(featureCode);
  if (meter !== undefined) return allowanceReason(allowanceOf(state, featureCode, meter, context));
  return allowanceReason(switches.has(featureCode) ? UNCOUNTED : NOT_INCLUDED);
}

/** What is not counted. */
const UNCOUNTED: Allowance = {
  limit: null,
  used: 0n,
  held: 0n,
  remaining: null,
  periodStart: null,
  periodEnd: null,
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

export function wholeIf(whole: boolean, amount: Micros): Micros {
  return whole ? amount - (amount % MICROS_PER_UNIT) : amount;
}

/** An allowance as it is kept with a decision, and answered. */
export function allowanceReason(allowance: Allowance): AllowanceReason {
  return {
    limit: allowance.limit === null ? null : toUnits(allowance.limit),
    used: toUnits(allowance.used),
    ...(allowance.held === 0n ? {} : { held: toUnits(allowance.held) }),
    remaining: allowance.remaining === null ? null : toUnits(allowance.remaining),
    resetsAt: toIsoOrNull(allowance.resetsAt),
  };
}
