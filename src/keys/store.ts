import type { Db } from '../db/pool.ts';

export async function hasKeys(db: Db): Promise<boolean> {
  return (await db.selectFrom('ApiKey').select('id').limit(1).executeTakeFirst()) !== undefined;
}

export async function activeHashes(db: Db): Promise<string[]> {
  const rows = await db.selectFrom('ApiKey').select('hash').where('revokedAt', 'is', null).execute();
  return rows.map((row) => row.hash);
}

export async function keepHash(db: Db, id: string, hash: string): Promise<void> {
  await db.insertInto('ApiKey').values({ id, hash }).execute();
}
