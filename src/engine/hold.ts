import { toUnits } from '../lib/amounts.ts';
import { Refusal } from '../lib/errors.ts';
import { toIso, toIsoOrNull } from '../lib/times.ts';
import type { Decision, HoldOperation, HoldReason, ProgressOperation } from './operations.ts';
import { allowanceReasonOf, type Context } from './quote.ts';
import { type Hold, type State, unheld } from './state.ts';
import { balanceReason, decisionOf, judgeTopUp, nextState, type Step } from './step.ts';
import { judge, payersOf, refuse, sourceOf } from './use.ts';

/** Reserves an amount before the work, from the allowance and the grants that a use would take it from. */
export function hold(state: State, operation: HoldOperation, context: Context): Step {
  const judged = judge(state, operation, context);
  const { asked, quoted, explained } = judged;
  if (quoted.code !== null) return refuse(state, operation, judged, context);
  const { fromAllowance, fromCredits, creditCost, creditsPerUnit, allowance } = quoted;
  const { periodStart: start, periodEnd: end } = allowance;
  const taken: Hold = {
    id: operation.id,
    featureCode: operation.featureCode,
    amount: operation.amount,
    fromAllowance,
    fromCredits,
    creditCost,
    creditsPerUnit,
    period: start === null ? null : { start, end },
    shares: payersOf(unheld(state), creditCost),
    ai: operation.ai,
    progress: 0n,
    expiresAt: context.now + operation.ttlMs,
    ttlMs: operation.ttlMs,
    onExpire: operation.onExpire,
    createdAt: context.now,
  };
  const { wallet } = state;
  const after = nextState(state, {
    holds: [...state.holds, taken],
    wallet: { ...wallet, held: wallet.held + creditCost },
  });
  const decision: Decision = {
    ...asked,
    fromAllowance,
    fromCredits,
    creditCost,
    periodStart: fromAllowance > 0n ? start : null,
    reasons: {
      ...balanceReason(after),
      ...explained,
      allowance: allowanceReasonOf(after, taken.featureCode, context),
      ...(taken.shares.length === 0 ? {} : { sources: taken.shares.map(sourceOf) }),
      hold: holdReason(taken),
    },
  };
  return { state: creditCost === 0n ? after : judgeTopUp(after), decision };
}

/** Notes how much is used by now, which is never less than before, and lets the hold live longer, never shorter. */
export function progress(state: State, operation: ProgressOperation, held: Hold, context: Context): Step {
  const { amount, work, ttlMs } = operation;
  if (amount < held.progress) {
    const param = work === undefined ? 'amount' : work.images === undefined ? 'tokens' : 'images';
    throw new Refusal(
      'invalid_request',
      `${param}: ${toUnits(held.progress)} is used already: report that or more.`,
      { param },
    );
  }
  const expiresAt = Math.max(held.expiresAt, context.now + (ttlMs ?? held.ttlMs));
  const moved = { ...held, progress: amount, expiresAt };
  const after = nextState(state, {
    holds: state.holds.map((other) => (other.id === held.id ? moved : other)),
  });
  const decision: Decision = {
    ...decisionOf(operation, context),
    featureCode: held.featureCode,
    amount,
    reasons: {
      ...balanceReason(after),
      ...(held.ai === null ? {} : { ai: held.ai }),
      hold: holdReason(moved),
    },
  };
  return { state: after, decision };
}

/** A hold as it is kept with a decision. */
export function holdReason(held: Hold): HoldReason {
  const { id, period, ttlMs, onExpire } = held;
  return {
    id,
    amount: toUnits(held.amount),
    fromAllowance: toUnits(held.fromAllowance),
    fromCredits: toUnits(held.fromCredits),
    creditCost: toUnits(held.creditCost),
    progressAmount: toUnits(held.progress),
    expiresAt: toIso(held.expiresAt),
    ttlSeconds: ttlMs / 1000,
    onExpire,
    createdAt: toIso(held.createdAt),
    period: period === null ? null : { start: toIso(period.start), end: toIsoOrNull(period.end) },
  };
}
