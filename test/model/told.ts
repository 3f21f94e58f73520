// What is compared: an answer in the words of the contract, once as the engine tells it, once as the model does.
import assert from 'node:assert/strict';
import type { Decision } from '../../src/engine/operations.ts';
import type { State } from '../../src/engine/state.ts';
import { type Book, openHolds, type Payment, progressOf, remaining, wallet } from './book.ts';
import type { Answer } from './naive.ts';

/** Compares an answer with the model's. Amounts are numbers here, as they are where an answer is told. */
export function compareAnswer(decision: Decision, answer: Answer): void {
  const { reasons } = decision;
  const details = reasons.refusal ?? {};
  assert.deepEqual(
    {
      code: decision.code,
      plan: decision.plan,
      fromAllowance: decision.fromAllowance,
      fromCredits: decision.fromCredits,
      creditCost: decision.creditCost,
      periodStart: decision.periodStart,
      balance: reasons.balance,
      held: reasons.held ?? 0,
      sources: reasons.sources ?? [],
      lapsed: reasons.lapsed ?? [],
      shortfall: reasons.shortfall ?? 0,
      required: details.required ?? null,
      available: details.available ?? null,
      affordable: details.affordable ?? null,
      plansWithFeature: details.plansWithFeature ?? null,
      detailsResetAt: details.resetsAt ?? null,
    },
    {
      code: answer.code,
      plan: answer.plan,
      fromAllowance: answer.fromAllowance,
      fromCredits: answer.fromCredits,
      creditCost: answer.creditCost,
      periodStart: answer.periodStart,
      balance: units(answer.balance),
      held: units(answer.held),
      sources: answer.sources.map(source),
      lapsed: answer.lapsed.map(source),
      shortfall: units(answer.shortfall),
      required: units(answer.required),
      available: units(answer.available),
      affordable: units(answer.affordable),
      plansWithFeature: answer.plansWithFeature,
      detailsResetAt: iso(answer.resetsAt),
    },
  );
  if (ALLOWANCE_IS_TOLD.includes(decision.operation)) compareAllowance(decision, answer.allowance);
}

const ALLOWANCE_IS_TOLD = ['USE', 'HOLD', 'SETTLE', 'RELEASE', 'REFUND'];

function compareAllowance({ reasons }: Decision, allowance: Answer['allowance']): void {
  if (allowance === null) {
    assert.equal(reasons.allowance!.used, 0, 'where nothing is counted, nothing is used');
    return;
  }
  assert.deepEqual(reasons.allowance, {
    limit: units(allowance.limit),
    used: units(allowance.used),
    ...(allowance.held === 0n ? {} : { held: units(allowance.held) }),
    remaining: units(allowance.remaining),
    resetsAt: iso(allowance.resetsAt),
  });
}

/** Compares the ends of holds that were booked before an answer, each as of its own time. */
export function compareEnds(decisions: readonly Decision[], ends: Answer['ends']): void {
  assert.deepEqual(
    decisions.map(({ id, operation, amount, createdAt, reasons, ...decision }) => ({
      ...{ id, operation, amount, createdAt, holdId: reasons.hold?.id, expired: reasons.hold?.expired },
      fromAllowance: decision.fromAllowance,
      fromCredits: decision.fromCredits,
      creditCost: decision.creditCost,
      periodStart: decision.periodStart,
      balance: reasons.balance,
      held: reasons.held ?? 0,
      sources: reasons.sources ?? [],
      lapsed: reasons.lapsed ?? [],
      shortfall: reasons.shortfall ?? 0,
    })),
    ends.map(({ id, operation, amount, at, hold, fromAllowance, fromCredits, ...end }) => ({
      ...{ id, operation, amount, createdAt: at, holdId: hold.id, expired: true },
      ...{ fromAllowance, fromCredits, creditCost: end.cost, periodStart: end.periodStart },
      ...{ balance: units(end.balance), held: units(end.held) },
      ...{ sources: end.paid.map(source), lapsed: end.lapsed.map(source), shortfall: units(end.shortfall) },
    })),
  );
  for (const [index, { allowance }] of ends.entries()) compareAllowance(decisions[index]!, allowance);
}

/** Compares what was booked as expired before an answer; no decision where nothing had. */
export function compareExpiry(decision: Decision | undefined, expired: readonly Payment[]): void {
  if (expired.length === 0) {
    assert.equal(decision, undefined, 'nothing had expired');
    return;
  }
  const amount = expired.reduce((sum, payment) => sum + payment.amount, 0n);
  assert.deepEqual(
    { operation: decision?.operation, amount: decision?.amount, sources: decision?.reasons.sources },
    { operation: 'EXPIRE', amount, sources: expired.map(source) },
  );
}

/** Compares the credits and holds of a state, without what has expired, with the model's. */
export function compareCredits(state: State, book: Book, now: number): void {
  assert.deepEqual(state.wallet, wallet(book, now));
  const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
  assert.deepEqual(
    state.holds
      .map(({ id, progress, expiresAt, shares }) => ({ id, progress, expiresAt, shares }))
      .sort(byId),
    openHolds(book)
      .map((hold) => {
        const { amount: progress, expiresAt } = progressOf(book, hold);
        const shares = hold.paid.map(({ grantId, amount }) => ({ grantId, amount }));
        return { id: hold.id, progress, expiresAt, shares };
      })
      .sort(byId),
  );
  assert.deepEqual(
    state.grants,
    remaining(book, now).map(({ id, left, priority, expiresAt, createdAt }) => ({
      ...{ id, remaining: left, priority, expiresAt, createdAt },
    })),
  );
}

const source = ({ grantId, amount, expired }: Payment) => ({
  grantId,
  amount: units(amount),
  ...(expired ? { expired: true } : {}),
});

function units(micros: bigint): number;
function units(micros: bigint | null): number | null;
function units(micros: bigint | null): number | null {
  return micros === null ? null : Number(micros) / 1e6;
}

function iso(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
