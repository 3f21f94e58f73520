// What is compared: an answer in the words of the contract, once as the engine tells it, once as the model does.
import assert from 'node:assert/strict';
import type { Decision } from '../../src/engine/operations.ts';
import type { State } from '../../src/engine/state.ts';
import { type Book, type Payment, spendable, wallet } from './book.ts';
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
      sources: reasons.sources ?? [],
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
      sources: answer.sources.map(source),
      required: units(answer.required),
      available: units(answer.available),
      affordable: units(answer.affordable),
      plansWithFeature: answer.plansWithFeature,
      detailsResetAt: iso(answer.resetsAt),
    },
  );
  compareAllowance(decision, answer);
}

function compareAllowance({ operation, reasons }: Decision, { allowance }: Answer): void {
  if (operation !== 'USE' && operation !== 'REFUND') return;
  if (allowance === null) {
    assert.equal(reasons.allowance!.used, 0, 'where nothing is counted, nothing is used');
    return;
  }
  assert.deepEqual(reasons.allowance, {
    limit: units(allowance.limit),
    used: units(allowance.used),
    remaining: units(allowance.remaining),
    resetsAt: iso(allowance.resetsAt),
  });
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

/** Compares the credits of a state, without what has expired, with the model's. */
export function compareCredits(state: State, book: Book, now: number): void {
  assert.deepEqual(state.wallet, wallet(book, now));
  assert.deepEqual(
    state.grants,
    spendable(book, now).map(({ id, left, priority, expiresAt, createdAt }) => ({
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
