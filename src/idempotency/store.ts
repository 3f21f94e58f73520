import { sql } from 'kysely';
import type pg from 'pg';
import type { Db } from '../db/pool.ts';

export type Stored = { isNew: boolean; fingerprint: string; status: number | null; body: unknown };

/** Waits until nobody else runs a request with this key. */
export async function lockKey(client: pg.PoolClient, key: string): Promise<void> {
  await client.query(`select pg_advisory_lock(hashtextextended($1, ${LOCK_SEED}))`, [key]);
}

export async function unlockKey(client: pg.PoolClient, key: string): Promise<void> {
  await client.query(`select pg_advisory_unlock(hashtextextended($1, ${LOCK_SEED}))`, [key]);
}

// Keeps these locks apart from other advisory locks on the same text.
const LOCK_SEED = 70_427_011;

/**
 * The request that was made with this key first: this one, if there was none. In one statement: whoever has lost the lock
 * with its connection may forget the request at any moment.
 */
export async function claimRequest(db: Db, key: string, fingerprint: string): Promise<Stored> {
  return db
    .insertInto('IdempotentRequest')
    .values({ key, fingerprint })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ key }))
    .returning(['fingerprint', 'status', 'body', sql<boolean>`xmax = 0`.as('isNew')])
    .executeTakeFirstOrThrow();
}

/** Whether the engine keeps a decision under this key, asked for as something else. */
export async function wasDecidedWith(db: Db, key: string, fingerprint: string): Promise<boolean> {
  const row = await db
    .selectFrom('Decision')
    .select('id')
    .where('idempotencyKey', '=', key)
    .where('fingerprint', '!=', fingerprint)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** The body is kept as its text: as an object, Postgres would sort its fields, and a repeat is the same to the byte. */
export async function keepAnswer(db: Db, key: string, status: number, body: unknown): Promise<void> {
  await db
    .updateTable('IdempotentRequest')
    .set({ status, body: sql`to_jsonb(${JSON.stringify(body)}::text)` })
    .where('key', '=', key)
    .execute();
}

export async function forgetRequest(db: Db, key: string): Promise<void> {
  await db.deleteFrom('IdempotentRequest').where('key', '=', key).execute();
}
