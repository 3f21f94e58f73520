import { hash, randomBytes } from 'node:crypto';
import type { Db } from '../db/pool.ts';
import { newId } from '../lib/ids.ts';
import { activeHashes, hasKeys, keepHash } from './store.ts';

/** Which secret keys are accepted. */
export type Keys = { accepts(key: string): boolean | Promise<boolean> };

/** A key that another process has made meanwhile is found within this time; guesses cost at most one query in it. */
const REFRESH_MS = 1_000;

/**
 * Opens the keys. The configured one is always accepted; without it, the very first start makes one and returns it as
 * `made`, to be shown once: only its hash is kept.
 */
export async function openKeys(
  db: Db,
  configured: string | undefined,
): Promise<{ keys: Keys; made: string | null }> {
  const made = configured === undefined && !(await hasKeys(db)) ? await makeKey(db) : null;
  const own = configured === undefined ? [] : [hashOf(configured)];
  let accepted = new Set([...own, ...(await activeHashes(db))]);
  let readAt = Date.now();

  async function refresh(): Promise<void> {
    readAt = Date.now();
    accepted = new Set([...own, ...(await activeHashes(db))]);
  }

  const keys: Keys = {
    accepts(key) {
      // Hashes are compared, never keys: how long it takes tells nothing about a key.
      const hashed = hashOf(key);
      if (accepted.has(hashed)) return true;
      if (Date.now() - readAt < REFRESH_MS) return false;
      return refresh().then(() => accepted.has(hashed));
    },
  };
  return { keys, made };
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
