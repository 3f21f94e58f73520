import { toUnits } from '../lib/amounts.ts';
import { isOver } from './debts.ts';
import type { Decision, Operation } from './operations.ts';
import type { Context } from './quote.ts';
import type { Grant, State } from './state.ts';
import { decisionOf, nextState, type Step } from './step.ts';

/** The id of the expiry that an operation found due; its own id stays free for its answer. */
export const expiryId = (operationId: string): string => `${operationId}_expiry`;

/** Takes expired grants out of the balance; null where none has. */
export function expire(state: State, operation: Operation, context: Context): Step | null {
  const { now } = context;
  const isExpired = (grant: Grant) => isOver(grant, now);
  if (!state.grants.some(isExpired)) return null;

  const gone = state.grants.filter(isExpired);
  const amount = gone.reduce((sum, grant) => sum + grant.remaining, 0n);
  const { wallet } = state;
  const after = nextState(state, {
    grants: state.grants.filter((grant) => !isExpired(grant)),
    wallet: { ...wallet, balance: wallet.balance - amount, expired: wallet.expired + amount },
  });
  const decision: Decision = {
    ...decisionOf(operation, context),
    id: expiryId(operation.id),
    operation: 'EXPIRE',
    idempotency: null,
    amount,
    reasons: {
      balance: toUnits(after.wallet.balance),
      sources: gone.map((grant) => ({ grantId: grant.id, amount: toUnits(grant.remaining) })),
    },
  };
  return { state: after, decision };
}

/** A state as it is at an instant: without what has expired by then. For reading, not for writing. */
export function stateAt(state: State, now: number): State {
  const wanted = state.grants.filter((grant) => !isOver(grant, now));
  if (wanted.length === state.grants.length) return state;
  const gone =
    state.grants.reduce((sum, grant) => sum + grant.remaining, 0n) -
    wanted.reduce((sum, grant) => sum + grant.remaining, 0n);
  const { wallet } = state;
  return {
    ...state,
    grants: wanted,
    wallet: { ...wallet, balance: wallet.balance - gone, expired: wallet.expired + gone },
  };
}
