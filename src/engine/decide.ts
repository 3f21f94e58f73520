import type { Catalog } from '../catalog/types.ts';
import { MICROS_PER_UNIT, type Micros, toMicros } from '../lib/amounts.ts';
import { Refusal } from '../lib/errors.ts';
import { clawBack } from './clawback.ts';
import { catchUp } from './expire.ts';
import { grant } from './grant.ts';
import { hold, progress } from './hold.ts';
import type { Decision, EndedHold, OfHold, Operation, RefundedUse, ReversedPurchase } from './operations.ts';
import { priced, pricedOf } from './priced.ts';
import type { Context } from './quote.ts';
import { refund } from './refund.ts';
import { release, settle } from './settle.ts';
import { type Hold, planAt, type State } from './state.ts';
import type { Step } from './step.ts';
import { use } from './use.ts';

/** What an operation is about, where the state alone does not say it. */
export type Subject = RefundedUse | ReversedPurchase | EndedHold;

export type Decided = {
  state: State;
  /** The answer, last, if there is one; before it what had to be booked first, such as credits that had expired. */
  decisions: Decision[];
  /** The answer is no, because of what is booked with it, or before. */
  refusal?: Refusal;
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
  const { state: current, decisions: booked } = catchUp(state, operation, catalog, now);
  const context = { catalog, now, plan: planAt(current, now) };
  if (isOfHold(operation)) return ofHold(current, operation, context, booked, subject);
  const decided = answer(current, operation, context, booked, subject);
  return decided === null
    ? { state: current, decisions: booked }
    : { state: decided.state, decisions: [...booked, decided.decision] };
}

function answer(
  state: State,
  operation: Exclude<Operation, OfHold>,
  context: Context,
  booked: readonly Decision[],
  subject?: Subject,
): Step | null {
  switch (operation.type) {
    case 'USE':
      return use(state, priced(operation, context), context);
    case 'HOLD':
      return hold(state, priced(operation, context), context);
    case 'GRANT':
      return grant(state, operation, context);
    case 'REFUND':
      if (subject === undefined || !('refunded' in subject))
        throw new Error('a refund is decided with the use that it gives back');
      return refund(state, operation, context, subject);
    case 'CLAW_BACK':
      if (subject === undefined || !('reversed' in subject))
        throw new Error('a claw back is decided with the purchase that is reversed');
      return clawBack(state, operation, context, withSpent(subject, booked));
    case 'EXPIRE':
      return null; // what was due has been booked before
  }
}

/**
 * What was read of a purchase does not know yet what came of holds that were found to have expired: what they have spent of
 * it, and what it got back of what it had paid for others.
 */
function withSpent(purchase: ReversedPurchase, booked: readonly Decision[]): ReversedPurchase {
  const { id } = purchase.lot;
  const ends = booked.filter(({ reasons }) => reasons.hold !== undefined);
  const moved = ends.flatMap(({ reasons: { sources = [], clawedBack = [] } }) => [
    ...sources.filter(({ grantId }) => grantId === id),
    ...clawedBack.filter((entry) => entry.grantId === id && entry.for !== undefined),
  ]);
  return { ...purchase, spent: moved.reduce((sum, { amount }) => sum + toMicros(amount)!, purchase.spent) };
}

export function isOfHold(operation: Operation): operation is OfHold {
  return operation.type === 'PROGRESS' || operation.type === 'SETTLE' || operation.type === 'RELEASE';
}

/** Decides what is asked of a hold. One that is not open any more was ended before, or has expired just now. */
function ofHold(
  state: State,
  operation: OfHold,
  context: Context,
  booked: Decision[],
  subject?: Subject,
): Decided {
  const held = state.holds.find(({ id }) => id === operation.holdId);
  if (held === undefined) {
    const ended = endedBy(booked, operation.holdId) ?? subject;
    if (ended === undefined || !('endedAs' in ended))
      throw new Error('a hold that is not open is asked about with how it ended');
    return { state, decisions: booked, refusal: notOpen(operation, ended) };
  }
  const { state: after, decision } = stepOf(state, operation, held, context);
  return { state: after, decisions: [...booked, decision] };
}

function checkWhole({ amount }: { amount: Micros }, { featureCode }: Hold, { catalog }: Context): void {
  if (amount % MICROS_PER_UNIT === 0n) return;
  if (catalog.features.get(featureCode)?.whole) throw notWhole(featureCode);
}

export function notWhole(featureCode: string): Refusal {
  return new Refusal(
    'invalid_request',
    `${featureCode} is counted in whole units: amount must be a whole number.`,
    { param: 'amount' },
  );
}

function stepOf(state: State, operation: OfHold, held: Hold, context: Context): Step {
  if (operation.type === 'RELEASE') return release(state, operation, held, context);
  checkWhole(operation, held, context);
  if (operation.type === 'PROGRESS') {
    const said = pricedOf(operation, held);
    return progress(state, said.operation, said.held, context);
  }
  const said = pricedOf(operation, held);
  return settle(state, said.operation, said.held, context);
}

/** How a hold was ended by these decisions; undefined: by none of them. */
export function endedBy(decisions: readonly Decision[], holdId: string): EndedHold | undefined {
  const decision = decisions.find(
    ({ operation, reasons }) =>
      (operation === 'SETTLE' || operation === 'RELEASE') && reasons.hold?.id === holdId,
  );
  return decision && { endedAs: decision.operation === 'SETTLE' ? 'SETTLED' : 'RELEASED' };
}

function notOpen({ holdId }: OfHold, { endedAs }: EndedHold): Refusal {
  return new Refusal(
    'hold_not_open',
    `The hold ${holdId} is ${endedAs}, so nothing more can be done with it: GET /v1/holds/${holdId} says what came of it.`,
    { details: { status: endedAs } },
  );
}
