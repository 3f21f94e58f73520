import type { Db } from '../db/pool.ts';

export async function readOffset(db: Db): Promise<number> {
  const row = await db.selectFrom('TestClock').select('offsetMs').where('id', '=', 1).executeTakeFirst();
  return Number(row?.offsetMs ?? 0);
}

export async function writeOffset(db: Db, ms: number): Promise<void> {
  const offsetMs = String(ms);
  await db
    .insertInto('TestClock')
    .values({ id: 1, offsetMs })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ offsetMs }))
    .execute();
}
