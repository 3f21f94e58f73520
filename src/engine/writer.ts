import type pg from 'pg';
import type { Catalog } from '../catalog/types.ts';
import type { Clock } from '../lib/clock.ts';
import { Refusal } from '../lib/errors.ts';
import { type Answer, type Attempt, decideBatch, type Outcome } from './batch.ts';
import { isConnectionLoss, isContention } from './failures.ts';
import type { Operation } from './operations.ts';
import { Queue } from './queue.ts';
import type { States } from './states.ts';
import { findLockedWallets, lockWallet, type Queryable, transaction } from './store.ts';

/** Waiting operations before new ones are turned away: some seconds of work. */
const BACKLOG_MAX = 20_000;

/**
 * Batches under way at once: while Postgres writes one, the other is decided. A second one is worth its statement only
 * if many wait; beyond the largest, one statement would keep the others waiting for too long.
 */
const BATCHES_MAX = 2;
const SECOND_BATCH_MIN = 24;
const BATCH_MAX = 500;

/** Times that a workspace may have been moved by others before it is decided under its lock, where nobody can. */
const TRIES_MAX = 3;

/** How long operations wait for a lost database before they are answered `unavailable`: longer than a restart. */
const OUTAGE_MAX_MS = 10_000;
const OUTAGE_RETRY_MS = 100;

/** How long a lane waits at a time for whoever holds its workspace. */
const LANE_LOCK_TIMEOUT_MS = 5_000;

export type WriterServices = {
  pool: pg.Pool;
  states: States;
  catalog: Catalog;
  clock: Clock;
  report(message: string, error: unknown): void;
};

/** An operation that waits for its answer. */
type Pending = Attempt & {
  resolve(answer: Answer | null): void;
  reject(error: unknown): void;
  since: number;
  /** Somebody else holds its workspace, or moves it again and again. */
  needsLane: boolean;
};

/**
 * Decides and writes in batches: while a write is in flight, operations queue, and everything that queues is the next
 * batch. Each is answered once its batch is on disk, whatever becomes of connections and locks meanwhile.
 */
export class Writer {
  readonly #services: WriterServices;
  readonly #queue = new Queue<Pending>();
  #underWay = 0;
  #isStarting = false;
  #backlog = 0;
  #idlers: (() => void)[] = [];

  constructor(services: WriterServices) {
    this.#services = services;
  }

  /** Operations that wait for their answer. */
  get backlog(): number {
    return this.#backlog;
  }

  /** Resolves to the answer, or to null where there was nothing to book. Rejects with a Refusal where nothing is kept. */
  submit(operation: Operation): Promise<Answer | null> {
    if (this.#backlog >= BACKLOG_MAX) return Promise.reject(tooMuch());
    this.#backlog++;
    return new Promise((resolve, reject) => {
      this.#queue.push({
        operation,
        tries: 0,
        mayBeWritten: false,
        needsLane: false,
        resolve,
        reject,
        since: Date.now(),
      });
      this.#start();
    });
  }

  /** Resolves when everything has been answered. */
  idle(): Promise<void> {
    return this.#backlog === 0 ? Promise.resolve() : new Promise((resolve) => this.#idlers.push(resolve));
  }

  #start(): void {
    if (this.#isStarting) return;
    this.#isStarting = true;
    // After the requests that arrived together have all been parsed: they are one batch.
    setImmediate(() => {
      this.#isStarting = false;
      while (this.#startOne());
    });
  }

  /** Takes a batch and writes it; false if there is none, or no room for it. */
  #startOne(): boolean {
    const waiting = this.#queue.length;
    const room = BATCHES_MAX - this.#underWay;
    const areMany = waiting >= SECOND_BATCH_MIN * room;
    if (room === 0 || (this.#underWay > 0 && !areMany)) return false;
    const batch = this.#queue.take(Math.min(BATCH_MAX, areMany ? Math.ceil(waiting / room) : waiting));
    if (batch.length === 0) return false;
    this.#underWay++;
    void this.#run(batch);
    return true;
  }

  async #run(batch: Pending[]): Promise<void> {
    const again = await this.#write(batch);
    this.#underWay--;
    this.#queue.putBack(batch, again);
    for (const pending of again) if (pending.needsLane) this.#openLane(workspaceOf(pending));
    while (this.#startOne());
  }

  /** Resolves to what has to be decided again; all else has its answer. */
  async #write(batch: Pending[]): Promise<Pending[]> {
    try {
      return this.#answerAll(batch, await this.#decide(batch, this.#services.pool));
    } catch (error) {
      this.#forget(batch);
      return this.#recover(batch, error);
    }
  }

  #decide(batch: Pending[], db: Queryable): Promise<Map<Attempt, Outcome>> {
    const { states, catalog, clock } = this.#services;
    return decideBatch(batch, { db, states, catalog, now: clock.now().getTime() });
  }

  /** After a failed statement nothing is known of the states that it was made on. */
  #forget(batch: Pending[]): void {
    for (const pending of batch) this.#services.states.forget(workspaceOf(pending));
  }

  async #recover(batch: Pending[], error: unknown): Promise<Pending[]> {
    if (isConnectionLoss(error)) return this.#waitOut(batch, error);
    if (isContention(error)) {
      const locked = await this.#findLocked(batch);
      for (const pending of batch) if (locked.has(workspaceOf(pending))) pending.needsLane = true;
      return batch;
    }
    // One workspace must not fail the others: each is tried alone.
    const groups = [...Map.groupBy(batch, workspaceOf).values()];
    if (groups.length === 1) return this.#fail(batch, error);
    const again: Pending[] = [];
    for (const group of groups) again.push(...(await this.#write(group)));
    return again;
  }

  async #waitOut(batch: Pending[], error: unknown): Promise<Pending[]> {
    const { late = [], early = [] } = Object.groupBy(batch, ({ since }) =>
      Date.now() - since > OUTAGE_MAX_MS ? 'late' : 'early',
    );
    const refusal = isContention(error) ? held() : unavailable();
    if (late.length > 0)
      this.#services.report(`${late.length} operations given up: ${refusal.message}`, error);
    for (const pending of late) this.#finish(() => pending.reject(refusal));
    for (const pending of early) pending.mayBeWritten = true;
    await new Promise((resolve) => setTimeout(resolve, OUTAGE_RETRY_MS));
    return early;
  }

  #fail(batch: Pending[], error: unknown): Pending[] {
    this.#services.report('operations failed', error);
    for (const pending of batch) this.#finish(() => pending.reject(error));
    return [];
  }

  async #findLocked(batch: Pending[]): Promise<Set<string>> {
    // Where that cannot be asked either, the next try will tell.
    const ids = [...new Set(batch.map(workspaceOf))];
    return new Set(await findLockedWallets(this.#services.pool, ids).catch(() => []));
  }

  // ── Lanes ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Gives a workspace a lane of its own, where it is decided under its lock and holds up nobody else. */
  #openLane(workspaceId: string): void {
    if (this.#queue.openLane(workspaceId)) void this.#runLane(workspaceId);
  }

  async #runLane(workspaceId: string): Promise<void> {
    for (;;) {
      const batch = this.#queue.takeLane(workspaceId, BATCH_MAX);
      if (batch.length === 0) break;
      this.#queue.putBack(batch, await this.#writeLocked(workspaceId, batch));
    }
    this.#queue.closeLane(workspaceId);
    this.#start();
  }

  async #writeLocked(workspaceId: string, batch: Pending[]): Promise<Pending[]> {
    try {
      const outcomes = await transaction(this.#services.pool, async (client) => {
        await client.query(`set local lock_timeout = ${LANE_LOCK_TIMEOUT_MS}`);
        await lockWallet(client, workspaceId);
        this.#forget(batch);
        return this.#decide(batch, client);
      });
      return this.#answerAll(batch, outcomes);
    } catch (error) {
      this.#forget(batch);
      if (isConnectionLoss(error) || isContention(error)) return this.#waitOut(batch, error);
      return this.#fail(batch, error);
    }
  }

  // ── Answers ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Answers what has its outcome; returns what has to be decided again. */
  #answerAll(batch: Pending[], outcomes: ReadonlyMap<Attempt, Outcome>): Pending[] {
    const again = batch.filter((pending) => outcomes.get(pending)!.type === 'moved');
    for (const pending of again) {
      pending.tries++;
      if (pending.tries >= TRIES_MAX) pending.needsLane = true;
    }
    for (const pending of batch) this.#answer(pending, outcomes.get(pending)!);
    return again;
  }

  #answer({ resolve, reject }: Pending, outcome: Outcome): void {
    if (outcome.type === 'answered') this.#finish(() => resolve(outcome.answer));
    else if (outcome.type === 'nothing') this.#finish(() => resolve(null));
    else if (outcome.type === 'refused') this.#finish(() => reject(outcome.refusal));
  }

  #finish(tell: () => void): void {
    // The next batch is on its way to Postgres before the answers of this one are written out.
    setImmediate(tell);
    this.#backlog--;
    if (this.#backlog > 0) return;
    for (const idler of this.#idlers) setImmediate(idler);
    this.#idlers = [];
  }
}

function workspaceOf({ operation }: Attempt): string {
  return operation.workspaceId;
}

function tooMuch(): Refusal {
  return new Refusal('rate_limited', 'Too many operations are waiting: try again in a second.', {
    details: { retryAfterSeconds: 1 },
  });
}

function held(): Refusal {
  return new Refusal(
    'unavailable',
    'Another transaction has held this workspace for long: repeat the request with the same Idempotency-Key.',
  );
}

export function unavailable(): Refusal {
  return new Refusal(
    'unavailable',
    'The database cannot be reached: repeat the request with the same Idempotency-Key.',
  );
}
