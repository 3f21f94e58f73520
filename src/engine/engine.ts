import type pg from 'pg';
import type { Catalog } from '../catalog/types.ts';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { type Answer, decideBatch, holdNotFound, useNotFound, workspaceNotFound } from './batch.ts';
import { findDecisions, findHolds } from './decisions.ts';
import { stateAt } from './expire.ts';
import { isConnectionLoss } from './failures.ts';
import type { ClawBackOperation, Decision, ExpireOperation, Operation } from './operations.ts';
import { Reader } from './reader.ts';
import { Recent } from './recent.ts';
import type { State } from './state.ts';
import { States } from './states.ts';
import { findWorkspacesWithDue, lockWallet, type Queryable } from './store.ts';
import { unavailable, Writer } from './writer.ts';

export { ENGINE_CONNECTIONS_MAX } from './writer.ts';

/** An operation as it is asked for; the engine gives it its id. */
export type Asked = WithoutId<Exclude<Operation, ExpireOperation | ClawBackOperation>>;

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

/** Of what a purchase gave, so many credits are to be taken back in all. */
export type Reversal = Pick<ClawBackOperation, 'workspaceId' | 'purchaseId' | 'amount'>;

export type Engine = {
  /** Decides and books an operation; resolves once it is on disk. Rejects with a Refusal where nothing is kept. */
  submit(asked: Asked): Promise<Answer>;
  /** The same inside the caller's own open transaction: it is booked if and when the caller commits. */
  submitIn(transaction: Queryable, asked: Asked): Promise<Answer>;
  /**
   * Brings what is taken back of a purchase to so much in all, in the caller's own open transaction: alone, because what
   * it depends on is read under the workspace's lock. Resolves to null where it is that already.
   */
  clawBackIn(transaction: Queryable, asked: Reversal): Promise<Decision | null>;
  /** The workspace of a use, for its refund. Rejects with `not_found`. */
  workspaceOf(useId: string, transaction?: Queryable): Promise<string>;
  /** The workspace of a hold. Rejects with `not_found`. */
  workspaceOfHold(holdId: string, transaction?: Queryable): Promise<string>;
  /** Books what has expired in a workspace, credits and holds; resolves to whether there was any. */
  expire(workspaceId: string): Promise<boolean>;
  /** Does so in workspaces that nobody asks for: those that are found, so many at a time, until there is none. */
  expireFound(find: (max: number) => Promise<string[]>): Promise<void>;
  /** Books the holds that have expired and that nobody has asked for; of one workspace, or of all. */
  bookExpired(workspaceId?: string): Promise<void>;
  /** A workspace as it is now, without what has expired. Rejects with `workspace_not_found`. */
  state(workspaceId: string): Promise<State>;
  /** Resolves when all that was submitted has been answered. */
  idle(): Promise<void>;
  /** Operations that wait for their answer. */
  backlog(): number;
  /** Uses and holds that were priced by the catalog's fallback, because nobody knew their model. */
  pricedByFallback(): number;
};

export type EngineOptions = {
  /** A pool of ENGINE_CONNECTIONS_MAX connections with ENGINE_SETTINGS. */
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
  enable_indexonlyscan: 'off', // or an index that merely holds the columns wins over the one that finds the row
  jit: 'off',
  // A host's transaction may hold a workspace for long: that workspace goes to a lane of its own, the others go on.
  lock_timeout: '500ms',
};

/** States kept in memory, at about one kilobyte each: the half of it that is in use stays for sure. */
const STATES_MAX = 200_000;

/** Workspaces in which what has expired is booked at a time: one batch. */
const EXPIRED_MAX = 500;

/** Whose the latest holds are, at about two hundred bytes each: nearly every one is settled within minutes. */
const HOLDS_MAX = 200_000;

export function createEngine({ pool, catalog, clock, report }: EngineOptions): Engine {
  const states = new States(STATES_MAX);
  const holders = new Recent<string>(HOLDS_MAX);
  const reader = new Reader(pool, states, clock);
  const writer = new Writer({ pool, states, catalog, clock, report });
  let pricedByFallback = 0;

  function counted(answer: Answer): Answer {
    const { operation, reasons } = answer.decision;
    const isAsked = operation === 'USE' || operation === 'HOLD';
    const isFallback = isAsked && reasons.ai?.work?.price.source === 'FALLBACK';
    if (isFallback && !answer.replayed) pricedByFallback++;
    return answer;
  }

  /** Null: there was nothing to book. */
  async function decideIn(transaction: Queryable, operation: Operation): Promise<Answer | null> {
    const attempt = { operation, tries: 0, mayBeWritten: false };
    await lockWallet(transaction, operation.workspaceId);
    // States of its own: what an open transaction has written is for nobody else to see.
    const context = { db: transaction, states: new States(2), catalog, now: clock.now().getTime() };
    const outcome = (await decideBatch([attempt], context)).get(attempt)!;
    if (outcome.type === 'refused') throw outcome.refusal;
    // Under the lock nobody can move it, but a snapshot from before the lock does not see that it was moved.
    if (outcome.type === 'moved') throw snapshotTooOld();
    return outcome.type === 'nothing' ? null : outcome.answer;
  }

  async function expire(workspaceId: string): Promise<boolean> {
    const operation = { type: 'EXPIRE', id: newId('op'), workspaceId, idempotency: null } as const;
    return (await writer.submit(operation)) !== null;
  }

  async function expireFound(find: (max: number) => Promise<string[]>): Promise<void> {
    for (;;) {
      const ids = await find(EXPIRED_MAX);
      const booked = await Promise.all(ids.map(expire));
      if (ids.length < EXPIRED_MAX || !booked.includes(true)) return;
    }
  }

  return {
    async submit(asked) {
      const answer = counted((await writer.submit({ ...asked, id: newId('op') }))!);
      if (asked.type === 'HOLD') holders.set(answer.decision.id, asked.workspaceId);
      return answer;
    },

    async submitIn(transaction, asked) {
      return counted((await decideIn(transaction, { ...asked, id: newId('op') }))!);
    },

    async clawBackIn(transaction, asked) {
      const operation = { ...asked, type: 'CLAW_BACK', id: newId('op'), idempotency: null } as const;
      const answer = await decideIn(transaction, operation);
      // Only what had expired may have been booked.
      return answer?.decision.operation === 'CLAW_BACK' ? answer.decision : null;
    },

    async workspaceOf(useId, transaction = pool) {
      const [decision] = await findDecisions(transaction, { ids: [useId] }).catch(orUnavailable);
      if (decision === undefined) throw useNotFound(useId);
      return decision.workspaceId;
    },

    async workspaceOfHold(holdId, transaction = pool) {
      // It never changes.
      const known = holders.get(holdId);
      if (known !== undefined) return known;
      const hold = (await findHolds(transaction, [holdId]).catch(orUnavailable)).get(holdId);
      if (hold === undefined) throw holdNotFound(holdId);
      return hold.workspaceId;
    },

    expire,

    expireFound,

    bookExpired: (workspaceId) =>
      expireFound((max) => findWorkspacesWithDue(pool, { now: clock.now(), max, workspaceId })),

    async state(workspaceId) {
      const state = await reader.read(workspaceId).catch(orUnavailable);
      if (state === null) throw workspaceNotFound(workspaceId);
      return stateAt(state, catalog, clock.now().getTime());
    },

    idle: () => writer.idle(),
    backlog: () => writer.backlog,
    pricedByFallback: () => pricedByFallback,
  };
}

function orUnavailable(error: unknown): never {
  throw isConnectionLoss(error) ? unavailable() : error;
}

function snapshotTooOld(): Error {
  const message =
    'The transaction saw the workspace as it was before somebody else changed it: run it again.';
  return Object.assign(new Error(message), { code: '40001' });
}
