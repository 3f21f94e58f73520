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

/** Operations that are worth a statement of their own, and such statements at once. */
const PART_MIN = 200;
const PARTS_MAX = 4;

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
};

/**
 * Decides and writes in batches: while a write is in flight, operations queue, and everything that queues is the next
 * batch. Each is answered once its batch is on disk, whatever becomes of connections and locks meanwhile.
 */
export class Writer {
  readonly #services: WriterServices;
  readonly #queue = new Queue<Pending>();
  #isRunning = false;
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
      this.#queue.push({ operation, tries: 0, mayBeWritten: false, resolve, reject, since: Date.now() });
      this.#start();
    });
  }

  /** Resolves when everything has been answered. */
  idle(): Promise<void> {
    return this.#backlog === 0 ? Promise.resolve() : new Promise((resolve) => this.#idlers.push(resolve));
  }

  #start(): void {
    if (this.#isRunning || this.#queue.isEmpty) return;
    this.#isRunning = true;
    // After the requests that arrived together have all been parsed: they are one batch.
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (!this.#queue.isEmpty) {
      await Promise.all(partsOf(this.#queue.takeBatch()).map((part) => this.#write(part)));
    }
    this.#isRunning = false;
  }

  async #write(batch: Pending[]): Promise<void> {
    try {
      const again = this.#answerAll(batch, await this.#decide(batch, this.#services.pool));
      this.#queue.pushFirst(again);
      this.#openLanes(again.filter(({ tries }) => tries >= TRIES_MAX).map(workspaceOf));
    } catch (error) {
      this.#forget(batch);
      await this.#recover(batch, error);
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

  async #recover(batch: Pending[], error: unknown): Promise<void> {
    if (isConnectionLoss(error)) return this.#waitOut(batch, error);
    if (isContention(error)) {
      this.#queue.pushFirst(batch);
      return this.#openLanes(await this.#findLocked(batch));
    }
    // One workspace must not fail the others: each is tried alone.
    const groups = [...Map.groupBy(batch, workspaceOf).values()];
    if (groups.length > 1) for (const group of groups) await this.#write(group);
    else this.#fail(batch, error);
  }

  async #waitOut(batch: Pending[], error: unknown): Promise<void> {
    const { late = [], early = [] } = Object.groupBy(batch, ({ since }) =>
      Date.now() - since > OUTAGE_MAX_MS ? 'late' : 'early',
    );
    const refusal = isContention(error) ? held() : unavailable();
    if (late.length > 0)
      this.#services.report(`${late.length} operations given up: ${refusal.message}`, error);
    for (const pending of late) this.#finish(() => pending.reject(refusal));
    for (const pending of early) pending.mayBeWritten = true;
    this.#queue.pushFirst(early);
    await new Promise((resolve) => setTimeout(resolve, OUTAGE_RETRY_MS));
    this.#start();
  }

  #fail(batch: Pending[], error: unknown): void {
    this.#services.report('operations failed', error);
    for (const pending of batch) this.#finish(() => pending.reject(error));
  }

  #findLocked(batch: Pending[]): Promise<string[]> {
    // Where that cannot be asked either, the next try will tell.
    return findLockedWallets(this.#services.pool, [...new Set(batch.map(workspaceOf))]).catch(() => []);
  }

  // ── Lanes ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Gives workspaces a lane of their own, where they are decided under their lock and hold up nobody else. */
  #openLanes(workspaceIds: Iterable<string>): void {
    for (const id of new Set(workspaceIds)) if (this.#queue.openLane(id)) void this.#runLane(id);
  }

  async #runLane(workspaceId: string): Promise<void> {
    for (;;) {
      const batch = this.#queue.takeBatch(workspaceId);
      if (batch.length === 0) break;
      await this.#writeLocked(workspaceId, batch);
    }
    this.#queue.closeLane(workspaceId);
  }

  async #writeLocked(workspaceId: string, batch: Pending[]): Promise<void> {
    try {
      const outcomes = await transaction(this.#services.pool, async (client) => {
        await client.query(`set local lock_timeout = ${LANE_LOCK_TIMEOUT_MS}`);
        await lockWallet(client, workspaceId);
        this.#forget(batch);
        return this.#decide(batch, client);
      });
      this.#queue.pushFirst(this.#answerAll(batch, outcomes));
    } catch (error) {
      this.#forget(batch);
      if (isConnectionLoss(error) || isContention(error)) await this.#waitOut(batch, error);
      else this.#fail(batch, error);
    }
  }

  // ── Answers ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Answers what has its outcome; returns what has to be decided again. */
  #answerAll(batch: Pending[], outcomes: ReadonlyMap<Attempt, Outcome>): Pending[] {
    const again = batch.filter((pending) => outcomes.get(pending)!.type === 'moved');
    for (const pending of again) pending.tries++;
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

/**
 * A large batch as several, each with its own workspaces: while Postgres writes the first, the next is decided. Small
 * ones stay whole, since each statement has its price.
 */
function partsOf(batch: Pending[]): Pending[][] {
  if (batch.length < 2 * PART_MIN) return [batch];
  const size = batch.length / Math.min(PARTS_MAX, Math.floor(batch.length / PART_MIN));
  const parts: Pending[][] = [[]];
  for (const group of Map.groupBy(batch, workspaceOf).values()) {
    if (parts.at(-1)!.length >= size) parts.push([]);
    parts.at(-1)!.push(...group);
  }
  return parts;
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
