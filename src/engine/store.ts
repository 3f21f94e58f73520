import type pg from 'pg';
import { newId } from '../lib/ids.ts';

/** What runs a statement: a pool, a client, or a host's own open transaction. The shape of node-postgres. */
export type Queryable = {
  // biome-ignore lint/suspicious/noExplicitAny: rows are whatever the statement returns
  query(query: { text: string; values: unknown[]; name?: string }): Promise<{ rows: any[] }>;
};

export async function makeWallets(db: Queryable, workspaceIds: readonly string[]): Promise<void> {
  const ids = workspaceIds.map(() => newId('cr'));
  await db.query({ name: 'engine:wallets', text: MAKE_WALLETS, values: [workspaceIds, ids] });
}

const MAKE_WALLETS = `
  insert into "Credit" (id, "workspaceId", "updatedAt")
  select m.id, w.id, now()
  from unnest($1::text[], $2::text[]) as m("workspaceId", id)
  join "Workspace" w on w.id = m."workspaceId"
  on conflict ("workspaceId") do nothing`;

/** Locks a workspace's wallet until the transaction ends. One that is not there yet is made first. */
export async function lockWallet(db: Queryable, workspaceId: string): Promise<void> {
  const lock = () =>
    db.query({ text: 'select from "Credit" where "workspaceId" = $1 for update', values: [workspaceId] });
  if ((await lock()).rows.length > 0) return;
  await makeWallets(db, [workspaceId]);
  await lock();
}

/** Which of these wallets somebody else has locked at the moment. */
export async function findLockedWallets(db: Queryable, workspaceIds: readonly string[]): Promise<string[]> {
  const { rows } = await db.query({
    text: 'select "workspaceId" as id from "Credit" where "workspaceId" = any($1) for update skip locked',
    values: [workspaceIds],
  });
  const free = new Set(rows.map((row: { id: string }) => row.id));
  return workspaceIds.filter((id) => !free.has(id));
}

/** Workspaces with holds that have expired and are not booked as ended yet; of one workspace, or of all. */
export async function findWorkspacesWithDue(
  db: Queryable,
  { now, max, workspaceId }: { now: Date; max: number; workspaceId?: string | undefined },
): Promise<string[]> {
  // Two statements: one for both would read the open holds of all workspaces, whichever is asked for.
  const ofOne = workspaceId === undefined ? '' : 'and "workspaceId" = $3';
  const { rows } = await db.query({
    text: `
      select distinct "workspaceId"
      from "Hold"
      where "endedBy" is null and "expiresAt" <= $1 ${ofOne}
      limit $2`,
    values: workspaceId === undefined ? [now, max] : [now, max, workspaceId],
  });
  return rows.map((row: { workspaceId: string }) => row.workspaceId);
}

/** Runs work in a transaction of its own: committed when it resolves, rolled back when it rejects. */
export async function transaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    failure = error as Error;
    // Where the connection is gone, so is the transaction.
    await client.query('rollback').catch(() => {});
    throw error;
  } finally {
    // A connection that failed is not used again.
    client.release(failure !== undefined);
  }
}
