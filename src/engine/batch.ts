import type { Catalog } from '../catalog/types.ts';
import { Refusal } from '../lib/errors.ts';
import { decide } from './decide.ts';
import type { Decision, Operation, RefundedUse } from './operations.ts';
import { rowsOf } from './rows.ts';
import type { State } from './state.ts';
import type { States } from './states.ts';
import { findDecisions, loadRefundedUses, loadStates, type Queryable } from './store.ts';
import { writeGuarded } from './write.ts';

/** The answer to an operation. `replayed`: the key had been used before, and this is the first answer again. */
export type Answer = { decision: Decision; replayed: boolean };

export type Outcome =
  | { type: 'answered'; answer: Answer }
  /** There was nothing to book. */
  | { type: 'nothing' }
  | { type: 'refused'; refusal: Refusal }
  /** Somebody else moved the workspace meanwhile: nothing was written, decide it again. */
  | { type: 'moved' };

export type BatchContext = {
  db: Queryable;
  states: States;
  catalog: Catalog;
  now: number;
  /** Operations that may have been written before the connection was lost. */
  uncertain: ReadonlySet<Operation>;
  /**
   * Workspaces that a write was refused for: their keys are looked up before they are decided again. A repeat among
   * other operations costs them one more try, and a flood of repeats no more than that.
   */
  suspects: ReadonlySet<string>;
};

/** A workspace's part of a batch: decided, not yet written. */
type Draft = { before: State; after: State; decisions: Decision[]; decided: [Operation, Decision | null][] };

/**
 * Decides operations on the states of their workspaces and writes all of it as one statement. No two operations of a
 * batch claim the same thing (see claimsOf). Each operation has its outcome when this resolves; if it rejects, none
 * is known.
 */
export async function settleBatch(
  operations: readonly Operation[],
  context: BatchContext,
): Promise<Map<Operation, Outcome>> {
  const outcomes = new Map<Operation, Outcome>();
  const isOpen = (operation: Operation) => !outcomes.has(operation);
  const doubtful = operations.filter(
    (operation) => context.uncertain.has(operation) || context.suspects.has(operation.workspaceId),
  );
  await replay(doubtful, context, outcomes);
  const open = operations.filter(isOpen);
  const groups = Map.groupBy(open, (operation) => operation.workspaceId);
  const missing = [...groups.keys()].filter((id) => context.states.get(id) === undefined);
  if (missing.length > 0)
    for (const state of (await loadStates(context.db, missing, context.now)).values())
      context.states.keep(state);

  // Read after the states: while the versions hold, what is read here holds too.
  const uses = open.flatMap((operation) => (operation.type === 'REFUND' ? [operation.useId] : []));
  const refundedUses =
    uses.length === 0 ? new Map<string, RefundedUse>() : await loadRefundedUses(context.db, uses);

  const refusals = new Map<Operation, Refusal>();
  const drafts = draftAll(groups, context, refundedUses, refusals);
  await write(drafts, context, outcomes);

  const moved = drafts.flatMap(({ decided }) => decided.map(([operation]) => operation)).filter(isOpen);
  await replay([...moved, ...refusals.keys()], context, outcomes);
  for (const operation of moved) if (isOpen(operation)) outcomes.set(operation, { type: 'moved' });
  for (const [operation, refusal] of refusals)
    if (isOpen(operation)) outcomes.set(operation, { type: 'refused', refusal });
  return outcomes;
}

/** What only one operation of a batch may claim, because the next has to see what became of the first. */
export function claimsOf(operation: Operation): string[] {
  const claims = operation.idempotency === null ? [] : [`key ${operation.idempotency.key}`];
  if (operation.type === 'REFUND') claims.push(`use ${operation.useId}`);
  return claims;
}

function draftAll(
  groups: ReadonlyMap<string, Operation[]>,
  { states, catalog, now }: BatchContext,
  refundedUses: ReadonlyMap<string, RefundedUse>,
  refusals: Map<Operation, Refusal>,
): Draft[] {
  const drafts: Draft[] = [];
  // Sorted, so that no two batches ever wait for each other's workspaces in a circle.
  for (const workspaceId of [...groups.keys()].sort()) {
    const operations = groups.get(workspaceId)!;
    const before = states.get(workspaceId);
    if (before === undefined) {
      for (const operation of operations) refusals.set(operation, workspaceNotFound(workspaceId));
      continue;
    }
    const draft: Draft = { before, after: before, decisions: [], decided: [] };
    for (const operation of operations) {
      try {
        const { state, decisions } = decide(
          draft.after,
          operation,
          catalog,
          now,
          refundedUseOf(operation, refundedUses),
        );
        draft.after = state;
        draft.decisions.push(...decisions);
        draft.decided.push([operation, decisions.at(-1) ?? null]);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        refusals.set(operation, error);
      }
    }
    drafts.push(draft);
  }
  return drafts;
}

function refundedUseOf(
  operation: Operation,
  refundedUses: ReadonlyMap<string, RefundedUse>,
): RefundedUse | undefined {
  if (operation.type !== 'REFUND') return undefined;
  const use = refundedUses.get(operation.useId);
  if (use === undefined || use.decision.workspaceId !== operation.workspaceId)
    throw useNotFound(operation.useId);
  return use;
}

async function write(
  drafts: readonly Draft[],
  { db, states, now }: BatchContext,
  outcomes: Map<Operation, Outcome>,
): Promise<void> {
  const full = drafts.filter((draft) => draft.decisions.length > 0);
  const written =
    full.length === 0
      ? new Set<string>()
      : await writeGuarded(
          db,
          full.map(({ before, after, decisions }) => rowsOf(before, after, decisions)),
          new Date(now),
        );
  for (const { before, after, decisions, decided } of drafts) {
    if (decisions.length > 0 && !written.has(before.workspaceId)) {
      states.forget(before.workspaceId);
      continue;
    }
    states.keep(after);
    for (const [operation, decision] of decided) {
      outcomes.set(
        operation,
        decision === null ? { type: 'nothing' } : { type: 'answered', answer: { decision, replayed: false } },
      );
    }
  }
}

/** Answers the operations that were answered before: by their key, or, where they may have been written, by their id. */
async function replay(
  operations: readonly Operation[],
  { db, uncertain }: BatchContext,
  outcomes: Map<Operation, Outcome>,
): Promise<void> {
  const keys = operations.flatMap(({ idempotency }) => (idempotency === null ? [] : [idempotency.key]));
  const ids = operations.flatMap((operation) => (uncertain.has(operation) ? [operation.id] : []));
  if (keys.length === 0 && ids.length === 0) return;
  const earlier = await findDecisions(db, { keys, ids });
  const byId = new Map(earlier.map((decision) => [decision.id, decision]));
  const byKey = Map.groupBy(earlier, (decision) => decision.idempotency?.key);
  for (const operation of operations) {
    const own = byId.get(operation.id);
    if (own !== undefined) {
      outcomes.set(operation, { type: 'answered', answer: { decision: own, replayed: false } });
      continue;
    }
    if (operation.idempotency === null) continue;
    const { key, fingerprint } = operation.idempotency;
    const same = byKey.get(key);
    if (same === undefined) continue;
    const first = same.find((decision) => decision.idempotency!.fingerprint === fingerprint);
    outcomes.set(
      operation,
      first === undefined
        ? { type: 'refused', refusal: keyConflict() }
        : { type: 'answered', answer: { decision: first, replayed: true } },
    );
  }
}

export function keyConflict(): Refusal {
  return new Refusal(
    'idempotency_conflict',
    'This Idempotency-Key was used for another request: use a new one.',
  );
}

export function workspaceNotFound(workspaceId: string): Refusal {
  return new Refusal(
    'workspace_not_found',
    `There is no workspace ${JSON.stringify(workspaceId)}: create it with PUT /v1/workspaces/{id}.`,
    { param: 'workspaceId' },
  );
}

export function useNotFound(id: string): Refusal {
  return new Refusal('not_found', `There is no usage ${JSON.stringify(id)}.`, { param: 'id' });
}
