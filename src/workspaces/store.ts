import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import type { Db } from '../db/pool.ts';
import type { Subscription } from '../db/types.ts';

export type WorkspaceRow = { id: string; name: string; createdAt: Date };

/** Creates a workspace with its wallet, or gives an existing one its name. */
export async function putWorkspace(
  db: Db,
  { id, name, creditId, now }: { id: string; name: string; creditId: string; now: Date },
): Promise<WorkspaceRow & { isNew: boolean }> {
  return db.transaction().execute(async (transaction) => {
    const { rows } = await sql<WorkspaceRow & { isNew: boolean }>`
      insert into "Workspace" (id, name, "createdAt")
      values (${id}, ${name}, ${now})
      on conflict (id) do update
      set name = excluded.name
      -- A row that this statement has inserted has no deleter.
      returning id, name, "createdAt", (xmax = 0) as "isNew"`.execute(transaction);
    const row = rows[0]!;
    if (row.isNew) {
      await transaction
        .insertInto('Credit')
        .values({ id: creditId, workspaceId: id, createdAt: now, updatedAt: now })
        .execute();
    }
    return row;
  });
}

export async function readWorkspace(
  db: Db,
  id: string,
): Promise<{ workspace: WorkspaceRow; subscription: Selectable<Subscription> | null } | undefined> {
  const workspace = await db.selectFrom('Workspace').selectAll().where('id', '=', id).executeTakeFirst();
  if (workspace === undefined) return undefined;
  const subscription = await db
    .selectFrom('Subscription')
    .selectAll()
    .where('workspaceId', '=', id)
    .executeTakeFirst();
  return { workspace, subscription: subscription ?? null };
}
