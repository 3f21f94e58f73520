import { hash, randomBytes } from 'node:crypto';
import type { Db } from '../db/pool.ts';
import { newId } from '../lib/ids.ts';
import { activeHashes, hasKeys, keepHash } from './store.ts';

/** Which secret keys are accepted. */
export type Keys = { accepts(key: string): boolean | Promise<boolean> };

/** A key that another process has made meanwhile is found within this time; guesses cost at most one query in it. */
const REFRESH_MS = 1_000;

/** Opens the keys: those whose hashes are kept, and the configured one. */
export async function openKeys(db: Db, configured: string | undefined): Promise<Keys> {
  const own = configured === undefined ? [] : [hashOf(configured)];
  const read = async () => new Set([...own, ...(await activeHashes(db))]);
  let accepted = await read();
  let reading = Promise.resolve();
  let readAt = Number.NEGATIVE_INFINITY; // the first start makes its key after this
  return {
    accepts(key) {
      // Hashes are compared, never keys: how long it takes tells nothing about a key.
      const hashed = hashOf(key);
      if (accepted.has(hashed)) return true;
      if (Date.now() - readAt >= REFRESH_MS) {
        readAt = Date.now();
        reading = read().then((hashes) => {
          accepted = hashes;
        });
      }
      return reading.then(() => accepted.has(hashed));
    },
  };
}

/** Makes the first key of a database, to be shown once; null if there is one already. */
export async function makeFirstKey(db: Db): Promise<string | null> {
  return (await hasKeys(db)) ? null : makeKey(db);
}

/** Makes a secret key and keeps its hash. The key itself cannot be had again. */
export async function makeKey(db: Db): Promise<string> {
  const key = `tg_sk_${randomBytes(24).toString('base64url')}`;
  await keepHash(db, newId('key'), hashOf(key));
  return key;
}

function hashOf(key: string): string {
  return hash('sha256', key, 'hex');
}
