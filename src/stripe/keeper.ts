import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../engine/store.ts';
import type { StripeServices } from './services.ts';
import { type About, addCustomerJobs, type KeptEvent, keepEvents } from './store.ts';

/** Events of one statement: no more than some hundred kilobytes. */
const BATCH_MAX = 100;

/** While a statement is under way a second one begins, though not for fewer: a small one costs nearly as much. */
const SECOND_MIN = 6;

/** Events about the same come milliseconds after one another: once so long all are kept, they are worked off together. */
const QUIET_MS = 10;

/** How long the events of a burst that does not end wait to be worked off: to answer comes first. */
const PATIENCE_MS = 3_000;

/** A connection that broke is replaced at once, a Postgres that was killed within seconds. */
const RETRY_PAUSES_MS = [50, 500, 2_500];

/** Keeps an event, resolves once it is on disk, and has it worked off soon after. */
export type Keep = (event: KeptEvent, now: Date) => Promise<void>;

type Waiting = {
  event: KeptEvent;
  now: Date;
  resolve(): void;
  reject(error: unknown): void;
};

/** Events that come while others are written go together with the next statement: its commit is what costs. */
export function openKeeper({ pool, report }: Pick<StripeServices, 'pool' | 'report'>): Keep {
  const waiting: Waiting[] = [];
  let underWay = 0;
  const workOff = gather(pool, report, () => underWay > 0);

  function write(): void {
    if (waiting.length === 0 || underWay === 2 || (underWay === 1 && waiting.length < SECOND_MIN)) return;
    underWay++;
    void keepBatch(waiting.splice(0, BATCH_MAX)).then(() => {
      underWay--;
      write();
    });
  }

  /** Never rejects: who waits is told. */
  async function keepBatch(batch: Waiting[]): Promise<void> {
    try {
      const events = batch.map(({ event }) => event);
      workOff(await keepEvents(pool, events, batch[0]!.now));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      if (batch.length === 1) return batch[0]!.reject(error);
      // What cannot be written fails alone.
      await Promise.all(batch.map((one) => keepBatch([one])));
    }
  }

  return (event, now) =>
    new Promise((resolve, reject) => {
      waiting.push({ event, now, resolve, reject });
      write();
    });
}

/**
 * Gathers the events that wait, until no more are being kept, and gives them a job for each customer that they are about.
 * A process that ends before loses none: whoever starts, or looks a minute later, finds them among the events.
 */
function gather(
  db: Queryable,
  report: StripeServices['report'],
  isKeeping: () => boolean,
): (about: About[]) => void {
  let gathered: About[] = [];
  let [firstAt, lastAt] = [0, 0];

  function flushOnceQuiet(): void {
    const now = performance.now();
    const quietAt = (isKeeping() ? now : lastAt) + QUIET_MS;
    const waitMs = Math.min(quietAt, firstAt + PATIENCE_MS) - now;
    if (waitMs > 0) {
      setTimeout(flushOnceQuiet, waitMs);
      return;
    }
    const about = gathered;
    gathered = [];
    void flush(about);
  }

  /** Never rejects. Asking twice, where only the answer was lost, makes two jobs, of which one finds nothing to do. */
  async function flush(about: About[]): Promise<void> {
    for (const pauseMs of [...RETRY_PAUSES_MS, null]) {
      try {
        return await addCustomerJobs(db, about);
      } catch (error) {
        if (pauseMs === null) report('events that were kept are worked off a minute later', error);
        else await sleep(pauseMs, undefined, { ref: false });
      }
    }
  }

  return (about) => {
    if (about.length === 0) return;
    lastAt = performance.now();
    if (gathered.length === 0) {
      firstAt = lastAt;
      setTimeout(flushOnceQuiet, QUIET_MS);
    }
    gathered.push(...about);
  };
}
