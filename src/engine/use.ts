import { type Catalog, type Feature, PLANS, type Plan } from '../catalog/types.ts';
import { type Micros, min, toUnits } from '../lib/amounts.ts';
import type { Decision, HoldOperation, Operation, Reasons, Source, UseOperation } from './operations.ts';
import { allowanceReason, allowanceReasonOf, type Context, type Quote, quote } from './quote.ts';
import { availableOf, countUsed, type Grant, type Share, type State, unheld } from './state.ts';
import { balanceReason, decisionOf, judgeTopUp, nextState, type Step } from './step.ts';

/** Uses a feature: allowance first, then credits; all of the amount or nothing of it. */
export function use(state: State, operation: UseOperation, context: Context): Step {
  const judged = judge(state, operation, context);
  return judged.quoted.code === null
    ? take(state, judged, context)
    : refuse(state, operation, judged, context);
}

/** What is asked, what it would take, and what explains both. */
export type Judged = { asked: Decision; feature: Feature; quoted: Quote; explained: Partial<Reasons> };

/** Judges an amount of a feature, whether it is to be used or held. */
export function judge(state: State, operation: UseOperation | HoldOperation, context: Context): Judged {
  const { featureCode, amount, ai } = operation;
  const feature = context.catalog.features.get(featureCode);
  if (feature === undefined) throw new Error(`feature ${featureCode} was not checked`);
  const quoted = quote(state, feature, amount, context);
  const description = operation.type === 'USE' ? operation.description : null;
  return {
    asked: { ...decisionOf(operation, context), featureCode, amount },
    feature,
    quoted,
    explained: {
      ...(description === null ? {} : { description }),
      ...(ai === null ? {} : { ai }),
      ...(quoted.creditsPerUnit === null ? {} : { creditsPerUnit: toUnits(quoted.creditsPerUnit) }),
    },
  };
}

/** A refusal is kept. One for want of credits asks for a top-up. */
export function refuse(
  state: State,
  { idempotency }: Operation,
  { asked, feature, quoted, explained }: Judged,
  context: Context,
): Step {
  const { requestId } = idempotency ?? {};
  const reasons: Reasons = {
    ...balanceReason(state),
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

function take(state: State, { asked, quoted, explained }: Judged, context: Context): Step {
  const { fromAllowance, fromCredits, creditCost } = quoted;
  const shares = payersOf(unheld(state), creditCost);
  const periodStart = fromAllowance > 0n ? quoted.allowance.periodStart : null;
  const after = nextState(state, {
    grants: takeShares(state.grants, shares),
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
    ...balanceReason(after),
    ...explained,
    allowance: allowanceReasonOf(after, asked.featureCode!, context),
    ...(shares.length === 0 ? {} : { sources: shares.map(sourceOf) }),
  };
  return {
    state: creditCost === 0n ? after : judgeTopUp(after),
    decision: { ...asked, fromAllowance, fromCredits, creditCost, periodStart, reasons },
  };
}

/** Which grants pay a cost, in spending order. They have at least that much. */
export function payersOf(grants: readonly Grant[], cost: Micros): Share[] {
  const shares: Share[] = [];
  let due = cost;
  for (const { id, remaining } of grants) {
    if (due === 0n) break;
    const amount = min(due, remaining);
    due -= amount;
    shares.push({ grantId: id, amount });
  }
  if (due > 0n) throw new Error('grants hold less than the balance');
  return shares;
}

/** The grants without what is taken of them, each once. */
export function takeShares(grants: readonly Grant[], shares: readonly Share[]): readonly Grant[] {
  if (shares.length === 0) return grants;
  const left: Grant[] = [];
  for (const grant of grants) {
    const taken = shares.find(({ grantId }) => grantId === grant.id)?.amount ?? 0n;
    if (taken === 0n) left.push(grant);
    else if (taken < grant.remaining) left.push({ ...grant, remaining: grant.remaining - taken });
  }
  return left;
}

export function sourceOf({ grantId, amount }: Share): Source {
  return { grantId, amount: toUnits(amount) };
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
      return {
        required: toUnits(quoted.creditCost),
        available: toUnits(availableOf(state.wallet)),
        affordable,
      };
  }
}

function plansWith(catalog: Catalog, feature: Feature): Plan[] {
  return PLANS.filter((name) => {
    const terms = catalog.plans.get(name);
    return terms !== undefined && (terms.switches.has(feature.code) || terms.meters.has(feature.code));
  });
}
