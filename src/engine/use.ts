import { type Catalog, type Feature, PLANS, type Plan } from '../catalog/types.ts';
import { type Micros, min, toUnits } from '../lib/amounts.ts';
import type { Decision, Reasons, Source, UseOperation } from './operations.ts';
import { allowanceReason, allowanceReasonOf, type Context, type Quote, quote } from './quote.ts';
import { countUsed, type Grant, type State } from './state.ts';
import { decisionOf, judgeTopUp, nextState, type Step } from './step.ts';

/** Uses a feature: allowance first, then credits; all of the amount or nothing of it. */
export function use(state: State, operation: UseOperation, context: Context): Step {
  const feature = context.catalog.features.get(operation.featureCode);
  if (feature === undefined) throw new Error(`feature ${operation.featureCode} was not checked`);
  const quoted = quote(state, feature, operation.amount, context);
  const asked = {
    ...decisionOf(operation, context),
    featureCode: operation.featureCode,
    amount: operation.amount,
  };
  const explained = {
    ...(operation.description === null ? {} : { description: operation.description }),
    ...(operation.ai === null ? {} : { ai: operation.ai }),
    ...(quoted.creditsPerUnit === null ? {} : { creditsPerUnit: toUnits(quoted.creditsPerUnit) }),
  };
  if (quoted.code !== null) {
    const { requestId } = operation.idempotency ?? {};
    const reasons: Reasons = {
      balance: toUnits(state.wallet.balance),
      ...explained,
      allowance: allowanceReason(quoted.allowance),
      refusal: refusalDetails(quoted, feature, state, context),
      ...(requestId === undefined ? {} : { requestId }),
    };
    const after = nextState(state);
    return {
      state: quoted.code === 'insufficient_credits' ? judgeTopUp(after) : after,
      decision: { ...asked, code: quoted.code, reasons },
    };
  }
  return take(state, asked, quoted, explained, context);
}

function take(
  state: State,
  asked: Decision,
  quoted: Quote,
  explained: Partial<Reasons>,
  context: Context,
): Step {
  const { fromAllowance, fromCredits, creditCost } = quoted;
  const { grants, sources } = spend(state.grants, creditCost);
  const periodStart = fromAllowance > 0n ? quoted.allowance.periodStart : null;
  const after = nextState(state, {
    grants,
    wallet: {
      ...state.wallet,
      balance: state.wallet.balance - creditCost,
      totalUsage: state.wallet.totalUsage + creditCost,
    },
    usages:
      periodStart === null
        ? state.usages
        : countUsed(state.usages, asked.featureCode!, {
            periodStart,
            periodEnd: quoted.allowance.periodEnd,
            used: fromAllowance,
          }),
  });
  const reasons: Reasons = {
    balance: toUnits(after.wallet.balance),
    ...explained,
    allowance: allowanceReasonOf(after, asked.featureCode!, context),
    ...(sources.length === 0 ? {} : { sources }),
  };
  return {
    state: creditCost === 0n ? after : judgeTopUp(after),
    decision: { ...asked, fromAllowance, fromCredits, creditCost, periodStart, reasons },
  };
}

/** Takes a cost from grants in spending order. They hold at least that much. */
function spend(grants: readonly Grant[], cost: Micros): { grants: readonly Grant[]; sources: Source[] } {
  const sources: Source[] = [];
  if (cost === 0n) return { grants, sources };
  const left: Grant[] = [];
  let due = cost;
  for (const grant of grants) {
    const taken = min(due, grant.remaining);
    due -= taken;
    if (taken > 0n) sources.push({ grantId: grant.id, amount: toUnits(taken) });
    if (taken === 0n) left.push(grant);
    else if (taken < grant.remaining) left.push({ ...grant, remaining: grant.remaining - taken });
  }
  if (due > 0n) throw new Error('grants hold less than the balance');
  return { grants: left, sources };
}

function refusalDetails(
  quoted: Quote,
  feature: Feature,
  state: State,
  context: Context,
): Record<string, unknown> {
  const affordable = toUnits(quoted.affordable);
  switch (quoted.code) {
    case 'feature_not_in_plan':
      return { plan: context.plan, plansWithFeature: plansWith(context.catalog, feature) };
    case 'limit_reached':
      return { ...allowanceReason(quoted.allowance), affordable };
    default:
      return { required: toUnits(quoted.creditCost), available: toUnits(state.wallet.balance), affordable };
  }
}

function plansWith(catalog: Catalog, feature: Feature): Plan[] {
  return PLANS.filter((name) => {
    const terms = catalog.plans.get(name);
    return terms !== undefined && (terms.switches.has(feature.code) || terms.meters.has(feature.code));
  });
}
