import type { Catalog } from '../catalog/types.ts';
import { toUnits } from '../lib/amounts.ts';
import { toIso } from '../lib/times.ts';
import { isOver } from './debts.ts';
import type { Decision, Operation, SettleOperation } from './operations.ts';
import { pricedOf } from './priced.ts';
import type { Context } from './quote.ts';
import { release, settle } from './settle.ts';
import { type Hold, planAt, type State, unheld } from './state.ts';
import { balanceReason, decisionOf, nextState, type Step } from './step.ts';
import { takeShares } from './use.ts';

/** The ids of what an operation found due; its own id stays free for its answer. */
export const expiryId = (operationId: string): string => `${operationId}_expiry`;
const holdEndId = (operationId: string, number: number): string => `${operationId}_hold${number}`;

/** A state with everything that has fallen due by now, and the decisions that led there. */
export function catchUp(
  state: State,
  operation: Operation,
  catalog: Catalog,
  now: number,
): { state: State; decisions: Decision[] } {
  const steps: Step[] = [];
  let current = state;
  for (const hold of dueHolds(state, now)) {
    const id = holdEndId(operation.id, steps.length + 1);
    const step = endDue(current, { ...operation, id }, hold, catalog);
    current = step.state;
    steps.push(step);
  }
  const expiry = expire(current, operation, { catalog, now, plan: planAt(current, now) });
  if (expiry !== null) steps.push(expiry);
  return { state: expiry?.state ?? current, decisions: steps.map(({ decision }) => decision) };
}

/** Holds that have expired, in the order in which they did. */
function dueHolds({ holds }: State, now: number): Hold[] {
  return holds
    .filter(({ expiresAt }) => expiresAt <= now)
    .sort((a, b) => a.expiresAt - b.expiresAt || (a.id < b.id ? -1 : 1));
}

/** Ends a hold at the instant at which it expired: with what was then, and nothing that came later. */
function endDue(state: State, { id, workspaceId }: Operation, hold: Hold, catalog: Catalog): Step {
  const { expiresAt: now, onExpire } = hold;
  const context = { catalog, now, plan: planAt(state, now) };
  const asked = { id, workspaceId, holdId: hold.id, idempotency: null };
  const step =
    onExpire === 'settle'
      ? settleReported(state, { ...asked, type: 'SETTLE', amount: hold.progress }, hold, context)
      : release(state, { ...asked, type: 'RELEASE' }, hold, context);
  const { reasons } = step.decision;
  const at = toIso(now);
  return {
    state: step.state,
    decision: {
      ...step.decision,
      reasons: { ...reasons, at, hold: { ...reasons.hold!, expired: true } },
    },
  };
}

/** Settles with what was reported. Without a report, what a model was to do at most is not what it did. */
function settleReported(state: State, operation: SettleOperation, hold: Hold, context: Context): Step {
  const { held } = hold.progress === 0n ? pricedOf(operation, hold) : { held: hold };
  return settle(state, operation, held, context);
}

/** Takes expired grants out of the balance, but for what is held of them; null where there is nothing to take. */
function expire(state: State, operation: Operation, context: Context): Step | null {
  const { now } = context;
  if (!state.grants.some((grant) => isOver(grant, now))) return null;

  const gone = unheld(state)
    .filter((grant) => isOver(grant, now))
    .map(({ id, remaining }) => ({ grantId: id, amount: remaining }));
  if (gone.length === 0) return null;
  const amount = gone.reduce((sum, share) => sum + share.amount, 0n);
  const { wallet } = state;
  const after = nextState(state, {
    grants: takeShares(state.grants, gone),
    wallet: { ...wallet, balance: wallet.balance - amount, expired: wallet.expired + amount },
  });
  const decision: Decision = {
    ...decisionOf(operation, context),
    id: expiryId(operation.id),
    operation: 'EXPIRE',
    idempotency: null,
    amount,
    reasons: {
      ...balanceReason(after),
      sources: gone.map(({ grantId, amount }) => ({ grantId, amount: toUnits(amount) })),
    },
  };
  return { state: after, decision };
}

/** A state as it is at an instant: without what has expired by then. For reading, not for writing. */
export function stateAt(state: State, catalog: Catalog, now: number): State {
  const reading = {
    type: 'EXPIRE',
    id: 'reading',
    workspaceId: state.workspaceId,
    idempotency: null,
  } as const;
  const { state: current, decisions } = catchUp(state, reading, catalog, now);
  return decisions.length === 0 ? state : { ...current, version: state.version };
}
