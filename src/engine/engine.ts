import type pg from 'pg';
import type { Catalog } from '../catalog/types.ts';
import type { Clock } from '../lib/clock.ts';
import { Refusal } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { type Answer, claimsOf, type Outcome, settleBatch, useNotFound, workspaceNotFound } from './batch.ts';
import { stateAt } from './decide.ts';
import { isConnectionLoss, isContention } from './failures.ts';
import type { GrantOperation, Operation, RefundOperation, UseOperation } from './operations.ts';
import { Reader } from './reader.ts';
import type { State } from './state.ts';
import { States } from './states.ts';
import { findDecisions, findLockedWallets, lockWallet, type Queryable, transaction } from './store.ts';

/** An operation as it is asked for; the engine gives it its id. */
export type Asked = Omit<UseOperation, 'id'> | Omit<GrantOperation, 'id'> | Omit<RefundOperation, 'id'>;

export type Engine = {
  /** Decides and books an operation; resolves once it is on disk. Rejects with a Refusal where nothing is kept. */
  submit(asked: Asked): Promise<Answer>;
  /** The same inside the caller's own open transaction: it is booked if and when the caller commits. */
  submitIn(transaction: Queryable, asked: Asked): Promise<Answer>;
  /** The workspace of a use, for its refund. Rejects with `not_found`. */
  workspaceOf(useId: string, transaction?: Queryable): Promise<string>;
  /** Books what has expired in a workspace; resolves to whether there was any. */
  expire(workspaceId: string): Promise<boolean>;
  /** A workspace as it is now, without what has expired. Rejects with `workspace_not_found`. */
  state(workspaceId: string): Promise<State>;
  /** Resolves when all that was submitted has been answered. */
  idle(): Promise<void>;
  /** Operations that wait for their answer. */
  backlog(): number;
};

export type EngineOptions = {
  /** A pool of connections with ENGINE_SETTINGS: one writes, one reads, the others hold locks. */
  pool: pg.Pool;
  catalog: Catalog;
  clock: Clock;
  /** Told of failures that an operator should see. */
  report(message: string, error: unknown): void;
};

/**
 * Session settings of the engine's connections. Its statements are planned once, for any size of batch and while
 * tables may still be empty: then only plans that go by index, in the order of the batch, are good ones for ever.
 */
export const ENGINE_SETTINGS = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  jit: 'off',
  // A host's transaction may hold a workspace for long: that workspace goes to a lane of its own, the others go on.
  lock_timeout: '500ms',
};

/** Operations decided and written together: beyond this, one statement would keep the others waiting for too long. */
const BATCH_MAX = 1000;

/** Waiting operations before new ones are turned away: some seconds of work. */
const BACKLOG_MAX = 20_000;

/** States kept in memory, at about one kilobyte each. */
const STATES_MAX = 100_000;

/** Times that a workspace may have been moved by others before it is decided under its lock, where nobody can. */
const MOVED_MAX = 3;

/** How long operations wait for a lost database before they are answered `unavailable`: longer than a restart. */
const OUTAGE_MAX_MS = 10_000;
const OUTAGE_RETRY_MS = 100;

/** How long a lane waits for a host's transaction at a time. */
const LANE_LOCK_TIMEOUT_MS = 5_000;

type Pending = {
  operation: Operation;
  resolve(answer: Answer | null): void;
  reject(error: unknown): void;
  since: number;
  /** How often the workspace was moved by others meanwhile. */
  moved: number;
};

export function createEngine({ pool, catalog, clock, report }: EngineOptions): Engine {
  const states = new States(STATES_MAX);
  const reader = new Reader(pool, states, clock);
  /** Operations that may have been written before the connection was lost. */
  const uncertain = new Set<Operation>();
  /** Workspaces that are being decided under their lock, with what waits for that. */
  const lanes = new Map<string, Pending[]>();
  let queue: Pending[] = [];
  let isRunning = false;
  let backlog = 0;
  let idlers: (() => void)[] = [];

  const contextOf = (db: Queryable, batch: readonly Pending[]) => ({
    db,
    states,
    catalog,
    uncertain,
    suspects: new Set(batch.filter(({ moved }) => moved > 0).map(({ operation }) => operation.workspaceId)),
    now: clock.now().getTime(),
  });

  function enqueue(operation: Operation): Promise<Answer | null> {
    if (backlog >= BACKLOG_MAX) return Promise.reject(tooMuch());
    backlog++;
    return new Promise((resolve, reject) => {
      place({ operation, resolve, reject, since: Date.now(), moved: 0 });
      if (queue.length > 0) start();
    });
  }

  function start(): void {
    if (isRunning) return;
    isRunning = true;
    // After the requests that arrived together have all been parsed: they are one batch.
    setImmediate(() => void run());
  }

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const { batch, rest } = takeBatch(queue);
      queue = rest;
      await settle(batch);
    }
    isRunning = false;
  }

  async function settle(batch: Pending[]): Promise<void> {
    try {
      const outcomes = await settleBatch(
        batch.map(({ operation }) => operation),
        contextOf(pool, batch),
      );
      const again = unanswered(batch, outcomes);
      requeue(again);
      const tired = again.filter((pending) => pending.moved >= MOVED_MAX);
      openLanes(new Set(tired.map(({ operation }) => operation.workspaceId)));
    } catch (error) {
      await recover(batch, error);
    }
  }

  /** After a failed statement nothing is known of the states it was made on. */
  async function recover(batch: Pending[], error: unknown): Promise<void> {
    for (const { operation } of batch) states.forget(operation.workspaceId);
    if (isConnectionLoss(error)) {
      await waitOut(batch, error);
    } else if (isContention(error)) {
      requeue(batch);
      openLanes(await findLocked(batch));
    } else {
      // One workspace must not fail the others: each is tried alone.
      const groups = [...Map.groupBy(batch, ({ operation }) => operation.workspaceId).values()];
      if (groups.length > 1) for (const group of groups) await settle(group);
      else fail(batch, error);
    }
  }

  async function waitOut(batch: Pending[], error: unknown): Promise<void> {
    const { late = [], early = [] } = Object.groupBy(batch, ({ since }) =>
      Date.now() - since > OUTAGE_MAX_MS ? 'late' : 'early',
    );
    if (late.length > 0) report(`the database cannot be reached: ${late.length} operations given up`, error);
    for (const pending of late) finish(pending, () => pending.reject(unavailable()));
    for (const { operation } of early) uncertain.add(operation);
    requeue(early);
    await new Promise((resolve) => setTimeout(resolve, OUTAGE_RETRY_MS));
  }

  async function findLocked(batch: Pending[]): Promise<Set<string>> {
    const ids = [...new Set(batch.map(({ operation }) => operation.workspaceId))];
    return findLockedWallets(pool, ids).catch(() => new Set<string>());
  }

  function fail(batch: Pending[], error: unknown): void {
    report('operations failed', error);
    for (const pending of batch) finish(pending, () => pending.reject(error));
  }

  /** Gives workspaces a lane of their own, where they are decided under their lock and hold up nobody else. */
  function openLanes(workspaceIds: ReadonlySet<string>): void {
    for (const workspaceId of workspaceIds) {
      if (lanes.has(workspaceId)) continue;
      lanes.set(workspaceId, []);
      void runLane(workspaceId);
    }
    const waiting = queue;
    queue = [];
    for (const pending of waiting) place(pending);
  }

  function place(pending: Pending): void {
    (lanes.get(pending.operation.workspaceId) ?? queue).push(pending);
  }

  function requeue(pendings: Pending[]): void {
    const later = queue;
    queue = [];
    for (const pending of [...pendings, ...later]) place(pending);
    if (queue.length > 0) start();
  }

  async function runLane(workspaceId: string): Promise<void> {
    await Promise.resolve(); // the caller is still filling the lane
    for (;;) {
      const { batch, rest } = takeBatch(lanes.get(workspaceId)!);
      if (batch.length === 0) break;
      lanes.set(workspaceId, rest);
      await settleInLane(workspaceId, batch);
    }
    lanes.delete(workspaceId);
  }

  async function settleInLane(workspaceId: string, batch: Pending[]): Promise<void> {
    try {
      const outcomes = await transaction(pool, async (client) => {
        await client.query({ text: `set local lock_timeout = ${LANE_LOCK_TIMEOUT_MS}`, values: [] });
        await lockWallet(client, workspaceId);
        states.forget(workspaceId);
        return settleBatch(
          batch.map(({ operation }) => operation),
          contextOf(client, batch),
        );
      });
      requeue(unanswered(batch, outcomes));
    } catch (error) {
      states.forget(workspaceId);
      if (isConnectionLoss(error) || isContention(error)) await waitOut(batch, error);
      else fail(batch, error);
    }
  }

  /** Answers what can be answered; the rest has to be decided again. */
  function unanswered(batch: Pending[], outcomes: ReadonlyMap<Operation, Outcome>): Pending[] {
    const again = batch.filter((pending) => !answer(pending, outcomes.get(pending.operation)!));
    for (const pending of again) pending.moved++;
    return again;
  }

  /** Whether the operation has its answer now. */
  function answer(pending: Pending, outcome: Outcome): boolean {
    switch (outcome.type) {
      case 'moved':
        return false;
      case 'answered':
        finish(pending, () => pending.resolve(outcome.answer));
        return true;
      case 'nothing':
        finish(pending, () => pending.resolve(null));
        return true;
      case 'refused':
        finish(pending, () => pending.reject(outcome.refusal));
        return true;
    }
  }

  function finish({ operation }: Pending, tell: () => void): void {
    uncertain.delete(operation);
    // The next batch is on its way to Postgres before the answers of this one are written out.
    setImmediate(tell);
    backlog--;
    if (backlog > 0) return;
    for (const idler of idlers) setImmediate(idler);
    idlers = [];
  }

  return {
    async submit(asked) {
      return (await enqueue({ ...asked, id: newId('op') }))!;
    },

    async submitIn(transaction, asked) {
      const operation: Operation = { ...asked, id: newId('op') };
      await lockWallet(transaction, operation.workspaceId);
      // A state of its own: what an open transaction has written is for nobody else to see.
      const context = { ...contextOf(transaction, []), states: new States(1) };
      const outcome = (await settleBatch([operation], context)).get(operation)!;
      if (outcome.type === 'refused') throw outcome.refusal;
      // Under the lock nobody can move it, but a snapshot from before the lock does not see that it was moved.
      if (outcome.type !== 'answered') throw snapshotTooOld();
      return outcome.answer;
    },

    async workspaceOf(useId, transaction = pool) {
      const [decision] = await findDecisions(transaction, { ids: [useId] }).catch(orUnavailable);
      if (decision === undefined) throw useNotFound(useId);
      return decision.workspaceId;
    },

    async expire(workspaceId) {
      return (await enqueue({ type: 'EXPIRE', id: newId('op'), workspaceId, idempotency: null })) !== null;
    },

    async state(workspaceId) {
      const state = await reader.read(workspaceId).catch(orUnavailable);
      if (state === null) throw workspaceNotFound(workspaceId);
      return stateAt(state, clock.now().getTime());
    },

    idle() {
      return backlog === 0 ? Promise.resolve() : new Promise((resolve) => idlers.push(resolve));
    },

    backlog: () => backlog,
  };
}

/** All that waits, but for what has to see what becomes of something else in the batch. */
function takeBatch(waiting: readonly Pending[]): { batch: Pending[]; rest: Pending[] } {
  const batch: Pending[] = [];
  const rest: Pending[] = [];
  const claimed = new Set<string>();
  for (const pending of waiting) {
    const claims = claimsOf(pending.operation);
    if (batch.length === BATCH_MAX || claims.some((claim) => claimed.has(claim))) rest.push(pending);
    else {
      for (const claim of claims) claimed.add(claim);
      batch.push(pending);
    }
  }
  return { batch, rest };
}

function tooMuch(): Refusal {
  return new Refusal('rate_limited', 'Too many operations are waiting: try again in a second.', {
    details: { retryAfterSeconds: 1 },
  });
}

function unavailable(): Refusal {
  return new Refusal(
    'unavailable',
    'The database cannot be reached: repeat the request with the same Idempotency-Key.',
  );
}

function orUnavailable(error: unknown): never {
  throw isConnectionLoss(error) ? unavailable() : error;
}

function snapshotTooOld(): Error {
  const error = new Error(
    'The transaction saw the workspace as it was before somebody else changed it: run it again.',
  );
  return Object.assign(error, { code: '40001' });
}
