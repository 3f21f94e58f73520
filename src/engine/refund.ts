import { type Micros, toMicros } from '../lib/amounts.ts';
import { Refusal } from '../lib/errors.ts';
import { isOver, openLedger, settle, takeAgain } from './debts.ts';
import type { Decision, RefundedUse, RefundOperation, Source } from './operations.ts';
import { allowanceReasonOf, type Context } from './quote.ts';
import { countUsed, type Grant, type Lot, type State } from './state.ts';
import { balanceReason, decisionOf, nextState, type Step } from './step.ts';

/**
 * Gives a use back: its allowance to the period it was counted in, its credits to the grants that paid. What comes back
 * to a purchase that was reversed is first taken for what it owes.
 */
export function refund(
  state: State,
  operation: RefundOperation,
  context: Context,
  refunded: RefundedUse,
): Step {
  const used = refunded.decision;
  const isUse = used.operation === 'USE' || (used.operation === 'SETTLE' && used.amount > 0n);
  if (!isUse || used.code !== null) {
    throw new Refusal('not_refundable', 'Only a use that succeeded can be refunded.', {
      details: { operation: used.operation, code: used.code },
    });
  }
  if (refunded.refunded) throw new Refusal('already_refunded', 'This use was refunded before.');

  const { grants, sources, returned, lost } = giveBack(
    state.grants,
    used.reasons.sources ?? [],
    refunded.grants,
    context.now,
  );
  const { wallet, usages } = state;
  const given = {
    ...wallet,
    balance: wallet.balance + used.creditCost - lost,
    totalUsage: wallet.totalUsage - used.creditCost,
    expired: wallet.expired + lost,
  };
  const ledger = openLedger(state);
  for (const { lot, amount } of returned) takeAgain(ledger, lot, amount);
  const { changes, reasons } = settle({ grants, wallet: given }, ledger, context.now);
  const after = nextState(state, {
    ...changes,
    usages:
      used.periodStart === null
        ? usages
        : countUsed(usages, used.featureCode!, {
            periodStart: used.periodStart,
            periodEnd: null, // as it is
            used: -used.fromAllowance,
          }),
  });
  const decision: Decision = {
    ...decisionOf(operation, context),
    featureCode: used.featureCode,
    amount: used.amount,
    fromAllowance: used.fromAllowance,
    fromCredits: used.fromCredits,
    creditCost: used.creditCost,
    periodStart: used.periodStart,
    refundOf: used.id,
    reasons: {
      ...balanceReason(after),
      ...(operation.reason === null ? {} : { description: operation.reason }),
      allowance: allowanceReasonOf(after, used.featureCode!, context),
      ...(sources.length === 0 ? {} : { sources }),
      ...reasons,
      refunded: { creditUsage: used.creditCost > 0n, ai: used.reasons.ai !== undefined },
    },
  };
  return { state: after, decision };
}

function giveBack(
  grants: readonly Grant[],
  spent: readonly Source[],
  payers: readonly Grant[],
  now: number,
): {
  grants: readonly Grant[];
  sources: Source[];
  returned: { lot: Lot; amount: Micros }[];
  lost: Micros;
} {
  const byId = new Map(grants.map((grant) => [grant.id, grant]));
  const sources: Source[] = [];
  const returned: { lot: Lot; amount: Micros }[] = [];
  let lost = 0n;
  for (const { grantId, amount } of spent) {
    const micros = toMicros(amount)!;
    const payer = byId.get(grantId) ?? payers.find((grant) => grant.id === grantId);
    if (payer === undefined) throw new Error(`grant ${grantId} paid, and is gone`);
    const { id, priority, expiresAt, createdAt } = payer;
    returned.push({ lot: { id, priority, expiresAt, createdAt }, amount: micros });
    if (isOver(payer, now)) {
      lost += micros;
      sources.push({ grantId, amount, expired: true });
    } else {
      byId.set(grantId, { ...payer, remaining: (byId.get(grantId)?.remaining ?? 0n) + micros });
      sources.push({ grantId, amount });
    }
  }
  return { grants: [...byId.values()], sources, returned, lost };
}
