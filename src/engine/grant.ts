import { SUM_MAX, toUnits } from '../lib/amounts.ts';
import { Refusal } from '../lib/errors.ts';
import { toIsoOrNull } from '../lib/times.ts';
import { openLedger, payDebts, settle } from './debts.ts';
import type { Decision, GrantOperation } from './operations.ts';
import type { Context } from './quote.ts';
import type { Lot, State } from './state.ts';
import { balanceReason, decisionOf, nextState, type Step } from './step.ts';

/** Adds a lot of credits, which takes its place in the spending order. A purchase first pays what earlier ones owe. */
export function grant(state: State, operation: GrantOperation, context: Context): Step {
  const { amount, priority, expiresAt } = operation;
  if (expiresAt !== null && expiresAt <= context.now) {
    throw new Refusal('invalid_request', 'expiresAt must lie in the future.', { param: 'expiresAt' });
  }
  const total = state.wallet.total + amount;
  if (total > SUM_MAX) {
    throw new Refusal(
      'invalid_request',
      `All grants of a workspace add up to at most ${toUnits(SUM_MAX)} credits.`,
      {
        param: 'amount',
      },
    );
  }
  const lot: Lot = { id: operation.id, priority, expiresAt, createdAt: context.now };
  const granted = {
    grants: [...state.grants, { ...lot, remaining: amount }],
    wallet: { ...state.wallet, total, balance: state.wallet.balance + amount },
  };
  const ledger = openLedger(state);
  const paysDebts = operation.grantType === 'PURCHASE' && context.catalog.creditsDebt === 'next_purchase';
  if (paysDebts) payDebts(ledger, lot, amount);
  const { changes, reasons } = settle(granted, ledger, context.now);
  const after = nextState(state, changes);
  const decision: Decision = {
    ...decisionOf(operation, context),
    amount,
    reasons: {
      ...balanceReason(after),
      description: operation.description,
      grant: {
        type: operation.grantType,
        priority,
        expiresAt: toIsoOrNull(expiresAt),
        ...(operation.creditRecordId === null ? {} : { creditRecordId: operation.creditRecordId }),
      },
      ...reasons,
    },
  };
  return { state: after, decision };
}
