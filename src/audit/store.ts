import { sql, type Transaction } from 'kysely';
import type { Db } from '../db/pool.ts';
import type { DB } from '../db/types.ts';
import type { Check } from './check.ts';

/** A row that breaks an invariant: its ids, and the numbers that disagree. */
export type Failure = Record<string, unknown>;

/** Failures of one check that are shown: enough to see what they have in common. */
const FAILURES_MAX = 100;

/** Runs work on one snapshot of all data, which nobody waits for and which waits for nobody. */
export function onSnapshot<T>(db: Db, work: (snapshot: Transaction<DB>) => Promise<T>): Promise<T> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (snapshot) => {
      // Sums and joins over millions of rows: room to hash them, and no time spent on compiling the statements.
      await sql`set local work_mem = '64MB'`.execute(snapshot);
      await sql`set local jit = off`.execute(snapshot);
      return work(snapshot);
    });
}

/** Runs a check as one statement. However many rows there are, only counts and a few failures leave Postgres. */
export async function runCheck(
  snapshot: Transaction<DB>,
  { checked, broken }: Check,
): Promise<{ checked: number; failures: Failure[] }> {
  // Materialized, because a limit that Postgres can see makes it plan for few rows, with one worker and by index.
  const { rows } = await sql<{ checked: number; failures: Failure[] }>`
    with broken as materialized (${broken})
    select
      (${checked}) as checked,
      (
        select coalesce(json_agg(shown), '[]')
        from (select * from broken limit ${FAILURES_MAX}) shown
      ) as failures`.execute(snapshot);
  return rows[0]!;
}
