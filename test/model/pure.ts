// Plays a history to `decide` and to the naive model, and compares all that both say.
import assert from 'node:assert/strict';
import type { Catalog } from '../../src/catalog/types.ts';
import { decide, endedBy, isOfHold, type Subject } from '../../src/engine/decide.ts';
import { expiryId, stateAt } from '../../src/engine/expire.ts';
import type { Decision, Operation, RefundedUse, ReversedPurchase } from '../../src/engine/operations.ts';
import { quote } from '../../src/engine/quote.ts';
import { type Grant, planAt, type State } from '../../src/engine/state.ts';
import { Refusal } from '../../src/lib/errors.ts';
import { affordable } from './allowances.ts';
import { allGrants, type Book } from './book.ts';
import { catalogOf } from './catalogs.ts';
import type { Command, History } from './histories.ts';
import { withEnds } from './holds.ts';
import { type Answer, ask } from './naive.ts';
import { compareAnswer, compareCredits, compareEnds, compareExpiry } from './told.ts';
import { askedBy, subscriptionOf, waitedUntil } from './turns.ts';

/** One workspace, as the engine would keep it between operations, and as the model remembers it. */
type Table = {
  catalog: Catalog;
  book: Book;
  state: State;
  decisions: Decision[];
  now: number;
};

/** Plays a history; returns how many operations it had. */
export function playPure({ config, createdAt, steps }: History): number {
  const workspaceId = 'ws';
  const catalog = catalogOf(config);
  const table: Table = {
    catalog,
    book: { workspaceId, createdAt, catalog, facts: [] },
    state: newState(workspaceId, createdAt),
    decisions: [],
    now: createdAt,
  };
  let operations = 0;
  for (const step of steps) {
    const { book, now } = table;
    switch (step.type) {
      case 'wait':
        table.now = waitedUntil(step.wait, [book], now);
        break;
      case 'subscribe': {
        const subscription = step.subscription && subscriptionOf(step.subscription, book, now);
        book.facts.push({ type: 'subscribed', at: now, subscription });
        table.state = { ...table.state, subscription };
        break;
      }
      case 'ask':
        for (const command of step.commands) playCommand(command, table, operations++);
    }
    compareCredits(
      stateAt(table.state, catalog, table.now),
      withEnds(book, 'later', table.now).book,
      table.now,
    );
  }
  return operations;
}

function playCommand(command: Command, table: Table, number: number): void {
  const { book, decisions, now, catalog } = table;
  // The ids of operations rise.
  const id = `op_${String(number).padStart(4, '0')}`;
  const answered = decisions.filter((decision) => decision.operation !== 'EXPIRE');
  const asked = askedBy(
    command,
    withEnds(book, id, now).book,
    answered.map((decision) => decision.id),
    now,
  );
  const operation: Operation =
    asked === 'expire'
      ? { type: 'EXPIRE', id, workspaceId: book.workspaceId, idempotency: null }
      : { ...asked, id };
  // A use or a hold that never was is found missing before anything is decided.
  if (operation.type === 'REFUND' && !answered.some(({ id }) => id === operation.useId)) return;
  if (isOfHold(operation) && !answered.some(({ id }) => id === operation.holdId)) return;

  const quoted = operation.type === 'USE' || operation.type === 'HOLD' ? quoteOf(operation, table) : null;
  const before = structuredClone(table.state);
  const subject = subjectOf(operation, table);
  const decided = outcomeOf(() => decide(table.state, operation, catalog, now, subject));
  assert.deepEqual(table.state, before, 'a state is never changed');

  const answer = ask(book, operation, now);
  quoted?.(answer);
  if (decided instanceof Refusal) {
    assert.deepEqual({ code: decided.code, kept: false }, { code: answer.code, kept: answer.kept });
    return;
  }
  const again = decide(before, operation, catalog, now, subject);
  assert.deepEqual(again, decided, 'the same question has the same answer');
  compareEnds(
    decided.decisions.filter(({ reasons }) => reasons.at !== undefined),
    answer.ends,
  );
  compareExpiry(
    decided.decisions.find((decision) => decision.id === expiryId(id)),
    answer.expired,
  );
  const decision = decided.decisions.find((decision) => decision.id === id);
  if (decision === undefined) {
    assert.equal(decided.refusal?.code ?? null, answer.code);
    assert.ok(decided.refusal !== undefined || operation.type === 'EXPIRE' || operation.type === 'CLAW_BACK');
    assert.equal(answer.kept, false);
  } else {
    assert.equal(answer.kept, true);
    compareAnswer(decision, answer);
  }
  table.state = decided.state;
  decisions.push(...decided.decisions);
  compareCredits(table.state, book, now);
}

/** What a preview says of a use, to be compared with the model's answer to the use itself. */
function quoteOf(operation: Operation & { type: 'USE' | 'HOLD' }, { catalog, state, book, now }: Table) {
  const { featureCode, amount } = operation;
  const context = { catalog, now, plan: planAt(state, now) };
  const quoted = quote(stateAt(state, catalog, now), catalog.features.get(featureCode)!, amount, context);
  const largest = affordable(withEnds(book, 'later', now).book, featureCode, now);
  return (answer: Answer) => {
    assert.deepEqual(
      { code: quoted.code, affordable: quoted.affordable },
      { code: answer.code, affordable: largest },
    );
    if (answer.code === null) {
      const { fromAllowance, fromCredits, creditCost } = quoted;
      assert.deepEqual(
        { fromAllowance, fromCredits, creditCost },
        {
          fromAllowance: answer.fromAllowance,
          fromCredits: answer.fromCredits,
          creditCost: answer.creditCost,
        },
      );
    }
  };
}

function subjectOf(operation: Operation, table: Table): Subject | undefined {
  if (isOfHold(operation)) return endedBy(table.decisions, operation.holdId);
  if (operation.type === 'REFUND') return refundedUseOf(operation.useId, table);
  return operation.type === 'CLAW_BACK' ? purchaseOf(operation.purchaseId, table) : undefined;
}

/** What the engine would read for a claw back. */
function purchaseOf(creditRecordId: string, { book, now }: Table): ReversedPurchase {
  const bought = allGrants(book, now).find((grant) => grant.creditRecordId === creditRecordId)!;
  const { id, priority, expiresAt, createdAt, amount, reversed, spent } = bought;
  return { lot: { id, priority, expiresAt, createdAt }, amount, reversed, spent };
}

/** What the engine would read for a refund. */
function refundedUseOf(useId: string, { decisions, state, book, now }: Table): RefundedUse {
  const decision = decisions.find((decision) => decision.id === useId)!;
  const paid = new Set(decision.reasons.sources?.map((source) => source.grantId));
  const payers: Grant[] = allGrants(book, now)
    .filter((grant) => paid.has(grant.id))
    .map(({ id, priority, expiresAt, createdAt }) => {
      const remaining = state.grants.find((grant) => grant.id === id)?.remaining ?? 0n;
      return { id, remaining, priority, expiresAt, createdAt };
    });
  return { decision, refunded: decisions.some((decision) => decision.refundOf === useId), grants: payers };
}

function outcomeOf<T>(work: () => T): T | Refusal {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

function newState(workspaceId: string, createdAt: number): State {
  return {
    ...{ workspaceId, version: 0, createdAt, subscription: null },
    wallet: { balance: 0n, total: 0n, totalUsage: 0n, expired: 0n, clawedBack: 0n, debt: 0n, held: 0n },
    ...{ grants: [], holds: [], debts: [], usages: new Map(), topUpBelow: null },
  };
}
