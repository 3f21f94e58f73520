import type { Db } from '../db/pool.ts';
import { MovableClock } from '../lib/clock.ts';
import { Refusal } from '../lib/errors.ts';
import { readOffset, writeOffset } from './store.ts';

/** How soon a process of the same database notices that another has moved the clock. */
const WATCH_MS = 250;

export type TestClock = MovableClock & { stop(): void };

/** The test clock of a database: it goes on where it was left, and in step with the other processes. */
export async function openTestClock(db: Db): Promise<TestClock> {
  const clock = new MovableClock(await readOffset(db));
  const watch = setInterval(() => {
    readOffset(db).then(
      (offsetMs) => {
        clock.offsetMs = Math.max(clock.offsetMs, offsetMs);
      },
      () => {}, // the next look will tell
    );
  }, WATCH_MS).unref();
  return Object.assign(clock, { stop: () => clearInterval(watch) });
}

/** Moves the clock forward; it never goes back. */
export async function moveClock(
  db: Db,
  clock: MovableClock,
  move: { now?: number | undefined; advanceSeconds?: number | undefined },
): Promise<Date> {
  const from = clock.now().getTime();
  const to = move.now ?? from + move.advanceSeconds! * 1000;
  if (to < from) {
    throw new Refusal(
      'invalid_request',
      `The test clock only moves forward: it is ${new Date(from).toISOString()}.`,
      {
        param: 'now',
      },
    );
  }
  if (to > TIME_MAX) {
    throw new Refusal('invalid_request', `The test clock ends at ${new Date(TIME_MAX).toISOString()}.`, {
      param: move.now === undefined ? 'advanceSeconds' : 'now',
    });
  }
  clock.offsetMs += Math.round(to - from);
  await writeOffset(db, clock.offsetMs);
  return clock.now();
}

/** Far enough for any test, and well inside what Postgres and JavaScript can say. */
const TIME_MAX = Date.UTC(2200, 0, 1);
