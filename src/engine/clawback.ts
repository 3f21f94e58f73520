import { type Micros, max, min, toUnits } from '../lib/amounts.ts';
import { openLedger, owe, oweLess, settle } from './debts.ts';
import type { ClawBackOperation, Decision, ReversedPurchase } from './operations.ts';
import type { Context } from './quote.ts';
import { heldOf, type State } from './state.ts';
import { balanceReason, decisionOf, nextState, type Step } from './step.ts';

/**
 * Brings what is taken back of a purchase to so much in all; null where it is that already. What was not spent is taken
 * from its own grant, and what was is owed. What is held counts as spent: the work goes on, and what it gives back is
 * taken then.
 */
export function clawBack(
  state: State,
  operation: ClawBackOperation,
  context: Context,
  purchase: ReversedPurchase,
): Step | null {
  const { lot, reversed, amount } = purchase;
  if (operation.amount === reversed) return null;
  const spent = purchase.spent + heldOf(state, lot.id);
  const before = standing({ amount, spent }, reversed);
  const now = standing({ amount, spent }, operation.amount);
  const ledger = openLedger(state);
  if (now.taken !== before.taken) ledger.taken.push({ lot, amount: now.taken - before.taken });
  if (now.owed > before.owed) owe(ledger, lot, now.owed - before.owed);
  if (now.owed < before.owed) oweLess(ledger, lot.id, before.owed - now.owed);
  const { changes, reasons } = settle(state, ledger, context.now);
  const decision: Decision = {
    ...decisionOf(operation, context),
    amount: operation.amount,
    reasons: {
      ...balanceReason(changes),
      ...reasons,
      reversal: {
        ...(operation.purchaseId === lot.id ? {} : { creditRecordId: operation.purchaseId }),
        grantId: lot.id,
        before: toUnits(reversed),
      },
    },
  };
  return { state: nextState(state, changes), decision };
}

/**
 * How a purchase stands when so much of it is reversed: what of that is taken from its grant, and what is owed. It
 * depends on nothing else, so the order in which things happened does not matter.
 */
export function standing(
  { amount, spent }: Pick<ReversedPurchase, 'amount' | 'spent'>,
  reversed: Micros,
): { taken: Micros; owed: Micros } {
  if (reversed < 0n || reversed > amount) throw new Error('a purchase is reversed by no more than it gave');
  return { taken: min(reversed, amount - spent), owed: max(0n, spent + reversed - amount) };
}
