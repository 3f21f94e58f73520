import { toUnits } from '../lib/amounts.ts';
import type { Decision, Operation, Reasons } from './operations.ts';
import type { Context } from './quote.ts';
import { availableOf, type State } from './state.ts';

/** One decision, and the state that it leads to. */
export type Step = { state: State; decision: Decision };

/** A decision as it begins: allowed, and nothing taken. */
export function decisionOf(operation: Operation, { catalog, now, plan }: Context): Decision {
  return {
    id: operation.id,
    workspaceId: operation.workspaceId,
    operation: operation.type,
    featureCode: null,
    amount: 0n,
    code: null,
    fromAllowance: 0n,
    fromCredits: 0n,
    creditCost: 0n,
    periodStart: null,
    refundOf: null,
    plan,
    catalogVersion: catalog.version,
    idempotency: operation.idempotency,
    reasons: { balance: 0 },
    createdAt: now,
  };
}

/** Every decision moves the version. Written out, because a copy that is made by spreading is kept with room to grow. */
export function nextState(
  { workspaceId, version, createdAt, subscription, wallet, grants, holds, debts, usages, topUpBelow }: State,
  changes: Partial<Pick<State, 'wallet' | 'grants' | 'holds' | 'debts' | 'usages'>> = {},
): State {
  return {
    workspaceId,
    version: version + 1,
    createdAt,
    subscription,
    wallet: changes.wallet ?? wallet,
    grants: changes.grants ?? grants,
    holds: changes.holds ?? holds,
    debts: changes.debts ?? debts,
    usages: changes.usages ?? usages,
    topUpBelow,
  };
}

/** The wallet as it is kept with a decision. */
export function balanceReason({ wallet }: Pick<State, 'wallet'>): Pick<Reasons, 'balance' | 'held'> {
  const balance = toUnits(wallet.balance);
  return wallet.held === 0n ? { balance } : { balance, held: toUnits(wallet.held) };
}

/** What a use or a hold leaves, whether credits paid it or could not: too little asks for a top-up, once. */
export function judgeTopUp(state: State): State {
  const { topUpBelow, wallet } = state;
  return topUpBelow === null || availableOf(wallet) >= topUpBelow ? state : { ...state, topUpBelow: null };
}
