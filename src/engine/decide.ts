import { quoteWork } from '../catalog/ai/find.ts';
import type { Catalog } from '../catalog/types.ts';
import { clawBack } from './clawback.ts';
import { expire } from './expire.ts';
import { grant } from './grant.ts';
import type { Decision, Operation, RefundedUse, ReversedPurchase, UseOperation } from './operations.ts';
import type { Context } from './quote.ts';
import { refund } from './refund.ts';
import { planAt, type State } from './state.ts';
import type { Step } from './step.ts';
import { use } from './use.ts';

/** What an operation is about, where the state alone does not say it. */
export type Subject = RefundedUse | ReversedPurchase;

export type Decided = {
  state: State;
  /** The answer, last; before it what had to be booked first, such as credits that had expired. */
  decisions: Decision[];
};

/**
 * Decides one operation: `(state, operation, catalog, now) -> (state', decisions)`. Pure: no clock, no database, no
 * randomness. A refusal that is kept is a decision with a code; one that leaves no trace is thrown as a Refusal.
 * The feature of a use is known to exist; a refund comes with the use that it gives back, a claw back with its purchase.
 */
export function decide(
  state: State,
  operation: Operation,
  catalog: Catalog,
  now: number,
  subject?: Subject,
): Decided {
  const context = { catalog, now, plan: planAt(state, now) };
  const expiry = expire(state, operation, context);
  const current = expiry?.state ?? state;
  const booked = expiry === null ? [] : [expiry.decision];
  const decided = answer(current, operation, context, subject);
  return decided === null
    ? { state: current, decisions: booked }
    : { state: decided.state, decisions: [...booked, decided.decision] };
}

function answer(state: State, operation: Operation, context: Context, subject?: Subject): Step | null {
  switch (operation.type) {
    case 'USE':
      return use(state, priced(operation, context), context);
    case 'GRANT':
      return grant(state, operation, context);
    case 'REFUND':
      if (subject === undefined || !('refunded' in subject))
        throw new Error('a refund is decided with the use that it gives back');
      return refund(state, operation, context, subject);
    case 'CLAW_BACK':
      if (subject === undefined || !('reversed' in subject))
        throw new Error('a claw back is decided with the purchase that is reversed');
      return clawBack(state, operation, context, subject);
    case 'EXPIRE':
      return null; // what was due has been booked before
  }
}

/** A use with the amount that its work comes to by the price that counts now, which is kept with it. */
function priced({ work, ...operation }: UseOperation, { catalog, now }: Context): UseOperation {
  if (work === undefined || operation.ai === null) return operation;
  const { points, price, costUsd } = quoteWork(catalog.ai, work, now);
  return { ...operation, amount: points, ai: { ...operation.ai, work: { ...work, price, costUsd } } };
}
