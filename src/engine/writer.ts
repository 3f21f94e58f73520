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

/** Waiting operations before new ones are turned away: some seconds of work. One workspace has a part of it. */
const BACKLOG_MAX = 20_000;
const BACKLOG_OF_ONE_MAX = 5_000;

/** One statement writes so many: beyond that it would keep the others waiting for too long. */
const BATCH_MAX = 500;

/**
 * A statement has a price of its own, so one large batch is worth more than two at once. A second one begins beside the
 * first where so many wait that it will be large, unless they are of workspaces that are in the first; or with fewer, once
 * the first takes longer than the work on it, and so waits for the disk.
 */
const BATCHES_MAX = 2;
const LARGE_BATCH_MIN = 200;
const SECOND_BATCH_MIN = 24;

/** How long the work on a batch takes at most, where its states are kept: for its statement, and for each operation. */
const STATEMENT_MS = 2;
const OPERATION_MS = 0.1;

/** Times that a workspace may have been moved by others before it is decided under its lock, where nobody can. */
const TRIES_MAX = 3;

/** How long operations wait for a lost database before they are answered `unavailable`: longer than a restart. */
const OUTAGE_MAX_MS = 10_000;
const OUTAGE_RETRY_MS = 100;

/** Lanes under way at once, each with a connection; the others take turns with them. */
const LANES_MAX = 3;

/** How long a lane waits at a time for whoever holds its workspace, before another has its turn. */
const LANE_LOCK_TIMEOUT_MS = 2_000;

/** What the engine needs at most: beside batches and lanes one reads states, and two look things up. */
export const ENGINE_CONNECTIONS_MAX = BATCHES_MAX + LANES_MAX + 3;

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
  /** Of those under way: for less long than the work on them may take. */
  readonly #inWork = new Set<Pending[]>();
  /** Workspaces whose lane waits for its turn. */
  readonly #lanes: string[] = [];
  #lanesUnderWay = 0;
  #isStarting = false;
  #backlog = 0;
  #idlers: (() => void)[] = [];
  #untold: (() => void)[] = [];

  constructor(services: WriterServices) {
    this.#services = services;
  }

  /** Operations that wait for their answer. */
  get backlog(): number {
    return this.#backlog;
  }

  /** Resolves to the answer, or to null where there was nothing to book. Rejects with a Refusal where nothing is kept. */
  submit(operation: Operation): Promise<Answer | null> {
    const ofOne = this.#queue.lengthOf(operation.workspaceId);
    if (this.#backlog >= BACKLOG_MAX || ofOne >= BACKLOG_OF_ONE_MAX) return Promise.reject(tooMuch());
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

  /** Takes a batch and writes it; false if there is none, or it is not time for it. */
  #startOne(): boolean {
    if (this.#underWay === BATCHES_MAX) return false;
    const least = this.#inWork.size > 0 ? LARGE_BATCH_MIN : SECOND_BATCH_MIN;
    if (this.#underWay > 0 && this.#queue.length < least) return false;
    const batch = this.#queue.take(BATCH_MAX);
    if (batch.length === 0) return false;
    void this.#run(batch);
    return true;
  }

  async #run(batch: Pending[]): Promise<void> {
    this.#underWay++;
    this.#inWork.add(batch);
    const work = setTimeout(
      () => {
        this.#inWork.delete(batch);
        this.#start();
      },
      STATEMENT_MS + OPERATION_MS * batch.length,
    );
    const again = await this.#write(batch);
    clearTimeout(work);
    this.#inWork.delete(batch);
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
    if (isContention(error)) return this.#findHeld(batch);
    return this.#apart(batch, error, (part) => this.#write(part));
  }

  /** Somebody holds something that the batch needs. Whose workspace that is goes to a lane, the others go on. */
  async #findHeld(batch: Pending[]): Promise<Pending[]> {
    const groups = [...Map.groupBy(batch, workspaceOf).values()];
    const locked = groups.length === 1 ? new Set(batch.map(workspaceOf)) : await this.#findLocked(batch);
    const again: Pending[] = [];
    for (const group of groups) {
      const isHeld = locked.has(workspaceOf(group[0]!));
      for (const pending of group) pending.needsLane ||= isHeld;
      // What is held may be another row than the wallet: tried alone, whose it is waits, and nobody with it.
      again.push(...(isHeld ? group : await this.#write(group)));
    }
    return again;
  }

  /** One must not fail the others: each workspace is tried alone, and where it is one already, each operation. */
  async #apart(
    batch: Pending[],
    error: unknown,
    write: (part: Pending[]) => Promise<Pending[]>,
  ): Promise<Pending[]> {
    if (batch.length === 1) return this.#fail(batch, error);
    const groups = [...Map.groupBy(batch, workspaceOf).values()];
    const parts = groups.length > 1 ? groups : batch.map((pending) => [pending]);
    const again: Pending[] = [];
    for (const part of parts) again.push(...(await write(part)));
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
    if (!this.#queue.openLane(workspaceId)) return;
    this.#lanes.push(workspaceId);
    this.#startLanes();
  }

  #startLanes(): void {
    while (this.#lanesUnderWay < LANES_MAX && this.#lanes.length > 0) {
      this.#lanesUnderWay++;
      void this.#runLane(this.#lanes.shift()!);
    }
  }

  async #runLane(workspaceId: string): Promise<void> {
    const batch = this.#queue.takeLane(workspaceId, BATCH_MAX);
    if (batch.length > 0) this.#queue.putBack(batch, await this.#writeLocked(workspaceId, batch));
    this.#lanesUnderWay--;
    if (batch.length > 0 && this.#queue.lengthOf(workspaceId) > 0) this.#lanes.push(workspaceId);
    else this.#queue.closeLane(workspaceId);
    this.#startLanes();
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
      const isMoved = batch.every((pending) => outcomes.get(pending)!.type === 'moved');
      if (isMoved) throw new Error('a workspace under its lock can be moved by nobody');
      return this.#answerAll(batch, outcomes);
    } catch (error) {
      this.#forget(batch);
      if (isConnectionLoss(error) || isContention(error)) return this.#waitOut(batch, error);
      return this.#apart(batch, error, (part) => this.#writeLocked(workspaceId, part));
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
    if (this.#untold.push(tell) === 1) setImmediate(() => this.#tellAll());
    this.#backlog--;
    if (this.#backlog > 0) return;
    // After whoever was answered has gone on.
    for (const idler of this.#idlers) setImmediate(idler);
    this.#idlers = [];
  }

  #tellAll(): void {
    const untold = this.#untold;
    this.#untold = [];
    for (const tell of untold) tell();
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
