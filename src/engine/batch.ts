import type { Catalog } from '../catalog/types.ts';
import { Refusal } from '../lib/errors.ts';
import { decide, endedBy, isOfHold, type Subject } from './decide.ts';
import {
  findDecisions,
  findHolds,
  findRequestKeys,
  loadRefundedUses,
  loadReversedPurchases,
} from './decisions.ts';
import { loadStates } from './load.ts';
import type { Decision, EndedHold, Operation, RefundedUse, ReversedPurchase } from './operations.ts';
import { rowsOf } from './rows.ts';
import type { State } from './state.ts';
import type { States } from './states.ts';
import type { Queryable } from './store.ts';
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

/** An operation on its way, and what is known of it from earlier tries. */
export type Attempt = {
  operation: Operation;
  /** How often it has been decided, and its workspace moved by others before it was written. */
  tries: number;
  /** The connection was lost under it. */
  mayBeWritten: boolean;
};

export type BatchContext = { db: Queryable; states: States; catalog: Catalog; now: number };

/** A workspace's part of a batch: decided, not yet written. */
type Draft = { before: State; after: State; decisions: Decision[]; decided: [Attempt, Verdict][] };

/** What an operation came to, if its workspace is written: null, if there was nothing to book. */
type Verdict = Decision | Refusal | null;

type Outcomes = Map<Attempt, Outcome>;

/**
 * Decides operations on the states of their workspaces and writes all of it as one statement. No two operations of a
 * batch claim the same thing (see claimsOf). Each has its outcome when this resolves; if it rejects, none is known.
 */
export async function decideBatch(attempts: readonly Attempt[], context: BatchContext): Promise<Outcomes> {
  const outcomes: Outcomes = new Map();
  const isOpen = (attempt: Attempt) => !outcomes.has(attempt);
  await replay(doubtful(attempts), context, outcomes);

  const open = attempts.filter(isOpen);
  const groups = Map.groupBy(open, ({ operation }) => operation.workspaceId);
  await loadMissing([...groups.keys()], context);
  await reloadOutdated(open, context);
  // Read after the states: while the versions hold, what is read here holds too.
  const subjects = await loadSubjects(open, context);

  const refusals = new Map<Attempt, Refusal>();
  const drafts = draftAll(groups, context, subjects, refusals);
  await write(drafts, context, outcomes, refusals);

  const moved = drafts.flatMap(({ decided }) => decided.map(([attempt]) => attempt)).filter(isOpen);
  await replay([...new Set([...moved, ...refusals.keys()])], context, outcomes);
  for (const attempt of moved.filter((attempt) => isOpen(attempt) && !refusals.has(attempt)))
    outcomes.set(attempt, { type: 'moved' });
  for (const [attempt, refusal] of refusals)
    if (isOpen(attempt)) outcomes.set(attempt, { type: 'refused', refusal });
  return outcomes;
}

/** What only one operation of a batch may claim, because the next has to see what became of the first. */
export function claimsOf(operation: Operation): string[] {
  const claims = operation.idempotency === null ? [] : [`key ${operation.idempotency.key}`];
  if (operation.type === 'REFUND') claims.push(`use ${operation.useId}`);
  if (isOfHold(operation)) claims.push(`hold ${operation.holdId}`);
  return claims;
}

/**
 * What is looked up before it is decided: what may have been written, and all of a workspace whose write was refused.
 * A repeat among other operations so costs them one more try, and a flood of repeats no more than that.
 */
function doubtful(attempts: readonly Attempt[]): Attempt[] {
  const refused = new Set(
    attempts.filter(({ tries }) => tries > 0).map(({ operation }) => operation.workspaceId),
  );
  return attempts.filter(({ operation, mayBeWritten }) => mayBeWritten || refused.has(operation.workspaceId));
}

async function loadMissing(workspaceIds: string[], { db, states, now }: BatchContext): Promise<void> {
  const missing = workspaceIds.filter((id) => states.get(id) === undefined);
  if (missing.length === 0) return;
  for (const state of (await loadStates(db, missing, now)).values()) states.keep(state);
}

/** Another process may have taken a hold that is asked about: a state that does not have it is read again. */
async function reloadOutdated(attempts: readonly Attempt[], context: BatchContext): Promise<void> {
  const outdated = [
    ...new Set(attempts.filter(isNotOpen(context)).map(({ operation }) => operation.workspaceId)),
  ];
  for (const workspaceId of outdated) context.states.forget(workspaceId);
  await loadMissing(outdated, context);
}

/** Whether an operation is about a hold that is not open, as far as the states say. */
function isNotOpen({ states }: BatchContext): (attempt: Attempt) => boolean {
  return ({ operation }) =>
    isOfHold(operation) &&
    states.get(operation.workspaceId)?.holds.some(({ id }) => id === operation.holdId) === false;
}

type Subjects = {
  endedHolds: ReadonlyMap<string, EndedHold & { workspaceId: string }>;
  uses: ReadonlyMap<string, RefundedUse>;
  purchases: ReadonlyMap<string, ReversedPurchase>;
};

async function loadSubjects(attempts: Attempt[], context: BatchContext): Promise<Subjects> {
  const { db } = context;
  const operations = attempts.map(({ operation }) => operation);
  const useIds = operations.flatMap((asked) => (asked.type === 'REFUND' ? [asked.useId] : []));
  const reversals = operations.filter((asked) => asked.type === 'CLAW_BACK');
  const holdIds = attempts
    .filter(isNotOpen(context))
    .flatMap(({ operation }) => (isOfHold(operation) ? [operation.holdId] : []));
  return {
    endedHolds: holdIds.length === 0 ? new Map() : await loadEndedHolds(db, holdIds),
    uses: useIds.length === 0 ? new Map() : await loadRefundedUses(db, useIds),
    purchases:
      reversals.length === 0
        ? new Map()
        : await loadReversedPurchases(
            db,
            reversals.map(({ workspaceId }) => workspaceId),
            reversals.map(({ purchaseId }) => purchaseId),
          ),
  };
}

async function loadEndedHolds(db: Queryable, ids: string[]): Promise<Subjects['endedHolds']> {
  const found = await findHolds(db, ids);
  return new Map(
    [...found].flatMap(([id, { workspaceId, status }]) =>
      status === 'HELD' ? [] : [[id, { workspaceId, endedAs: status }] as const],
    ),
  );
}

function draftAll(
  groups: ReadonlyMap<string, Attempt[]>,
  { states, catalog, now }: BatchContext,
  subjects: Subjects,
  refusals: Map<Attempt, Refusal>,
): Draft[] {
  const drafts: Draft[] = [];
  // Sorted, so that no two batches ever wait for each other's workspaces in a circle.
  for (const workspaceId of [...groups.keys()].sort()) {
    const attempts = groups.get(workspaceId)!;
    const before = states.get(workspaceId);
    if (before === undefined) {
      for (const attempt of attempts) refusals.set(attempt, workspaceNotFound(workspaceId));
      continue;
    }
    const draft: Draft = { before, after: before, decisions: [], decided: [] };
    for (const attempt of attempts) {
      const { operation } = attempt;
      try {
        const subject = subjectOf(operation, subjects, draft);
        const { state, decisions, refusal } = decide(draft.after, operation, catalog, now, subject);
        draft.after = state;
        draft.decisions.push(...decisions);
        draft.decided.push([attempt, refusal ?? decisions.at(-1) ?? null]);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        refusals.set(attempt, error);
      }
    }
    drafts.push(draft);
  }
  return drafts;
}

function subjectOf(
  operation: Operation,
  { uses, purchases, endedHolds }: Subjects,
  draft: Draft,
): Subject | undefined {
  if (isOfHold(operation)) {
    const { holdId, workspaceId } = operation;
    if (draft.after.holds.some(({ id }) => id === holdId)) return undefined;
    const ended = endedHolds.get(holdId);
    const subject = ended?.workspaceId === workspaceId ? ended : endedBy(draft.decisions, holdId);
    if (subject === undefined) throw holdNotFound(holdId);
    return subject;
  }
  if (operation.type === 'CLAW_BACK') return purchases.get(operation.purchaseId);
  if (operation.type !== 'REFUND') return undefined;
  const use = uses.get(operation.useId);
  if (use === undefined || use.decision.workspaceId !== operation.workspaceId)
    throw useNotFound(operation.useId);
  return use;
}

async function write(
  drafts: readonly Draft[],
  { db, states, now }: BatchContext,
  outcomes: Outcomes,
  refusals: Map<Attempt, Refusal>,
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
    for (const [attempt, verdict] of decided) {
      // With its key, it may have been answered before: that is looked up for all refusals.
      if (verdict instanceof Refusal) refusals.set(attempt, verdict);
      else outcomes.set(attempt, verdict === null ? { type: 'nothing' } : answered(verdict, false));
    }
  }
}

/** Answers what was answered before: by its key, or, where it may have been written, by its id. */
async function replay(attempts: readonly Attempt[], { db }: BatchContext, outcomes: Outcomes): Promise<void> {
  const keys = attempts.flatMap(({ operation: { idempotency } }) =>
    idempotency === null ? [] : [idempotency.key],
  );
  const ids = attempts.flatMap(({ operation, mayBeWritten }) => (mayBeWritten ? [operation.id] : []));
  if (keys.length === 0 && ids.length === 0) return;
  const earlier = await findDecisions(db, { keys, ids });
  const byId = new Map(earlier.map((decision) => [decision.id, decision]));
  const byKey = Map.groupBy(earlier, (decision) => decision.idempotency?.key);
  const ofRequests = keys.length === 0 ? new Set<string>() : await findRequestKeys(db, keys);
  for (const attempt of attempts) {
    const { id, idempotency } = attempt.operation;
    const own = byId.get(id);
    const others = idempotency === null ? undefined : byKey.get(idempotency.key);
    if (own !== undefined) outcomes.set(attempt, answered(own, false));
    else if (others !== undefined) {
      const same = others.find((decision) => decision.idempotency!.fingerprint === idempotency!.fingerprint);
      outcomes.set(
        attempt,
        same === undefined ? { type: 'refused', refusal: keyConflict() } : answered(same, true),
      );
    } else if (idempotency !== null && ofRequests.has(idempotency.key)) {
      outcomes.set(attempt, { type: 'refused', refusal: keyConflict() });
    }
  }
}

function answered(decision: Decision, replayed: boolean): Outcome {
  return { type: 'answered', answer: { decision, replayed } };
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

export function holdNotFound(id: string): Refusal {
  return new Refusal('not_found', `There is no hold ${JSON.stringify(id)}.`, { param: 'id' });
}
