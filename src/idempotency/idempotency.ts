import type pg from 'pg';
import type { Db } from '../db/pool.ts';
import { keyConflict } from '../engine/batch.ts';
import type { Reply } from '../lib/endpoint.ts';
import { Refusal, type RefusalBody } from '../lib/errors.ts';
import {
  claimRequest,
  forgetRequest,
  keepAnswer,
  lockKey,
  type Stored,
  unlockKey,
  wasDecidedWith,
} from './store.ts';

/** Refusals that are answers, and are given again; after any other the key is free. */
const KEPT_STATUSES: ReadonlySet<number> = new Set([402, 403]);

export type KeyedRequest = {
  key: string;
  fingerprint: string;
  /** A refusal that is given again names it. */
  requestId?: string | undefined;
};

/**
 * Runs a request once for its key: a repeat gets the first answer again, a changed one is refused, and of two at once
 * one runs and the other gets its answer. For requests that are not one engine operation; those keep their key with
 * their decision. A request that was cut off runs again: what it calls must bear that.
 * `locks` is a pool of its own, so that waiting for a key never takes the connection that the holder needs.
 */
export async function once(
  { db, locks }: { db: Db; locks: pg.Pool },
  { key, fingerprint, requestId }: KeyedRequest,
  run: () => Promise<Reply>,
): Promise<Reply> {
  return inTurn(locks, key, async () => {
    const holder = await locks.connect();
    let isBroken = false;
    try {
      await lockKey(holder, key);
      const stored = await claimRequest(db, key, fingerprint);
      if (stored.fingerprint !== fingerprint) throw keyConflict();
      if (stored.status !== null) return again(stored);
      // One that was cut off may have got as far as decisions of its own.
      if (stored.isNew && (await wasDecidedWith(db, key, fingerprint))) {
        await forgetRequest(db, key);
        throw keyConflict();
      }
      return await runAndKeep(db, { key, requestId }, run);
    } finally {
      await unlockKey(holder, key).catch(() => {
        isBroken = true; // with its connection the lock goes, too
      });
      holder.release(isBroken);
    }
  });
}

/** The keys that this process runs a request for, with the end of it. */
const running = new WeakMap<pg.Pool, Map<string, Promise<void>>>();

/** Repeats that come while the first one still runs wait here, so that they take no connections from other keys. */
async function inTurn<T>(locks: pg.Pool, key: string, run: () => Promise<T>): Promise<T> {
  const ends = running.get(locks) ?? new Map<string, Promise<void>>();
  running.set(locks, ends);
  for (let end = ends.get(key); end !== undefined; end = ends.get(key)) await end;
  const { promise, resolve } = Promise.withResolvers<void>();
  ends.set(key, promise);
  try {
    return await run();
  } finally {
    ends.delete(key);
    resolve();
  }
}

async function runAndKeep(
  db: Db,
  { key, requestId }: Pick<KeyedRequest, 'key' | 'requestId'>,
  run: () => Promise<Reply>,
): Promise<Reply> {
  try {
    const reply = await run();
    if (reply.transient) await forgetRequest(db, key);
    else await keepAnswer(db, key, reply.status ?? 200, reply.body);
    return reply;
  } catch (error) {
    if (error instanceof Refusal && KEPT_STATUSES.has(error.status)) {
      await keepAnswer(db, key, error.status, { error: { ...error.toBody(), requestId } });
    } else await forgetRequest(db, key);
    throw error;
  }
}

/** Throws where the first answer was a refusal. */
function again({ status, body }: Stored): Reply {
  const answer = JSON.parse(body as string);
  if (status! >= 400) throw refusedAgain(answer.error);
  return { status: status!, body: answer, replayed: true };
}

function refusedAgain({ code, message, ...more }: RefusalBody & { requestId?: string }): Refusal {
  return new Refusal(code, message, { ...more, replayed: true });
}
