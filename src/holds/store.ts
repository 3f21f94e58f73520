import type { Selectable } from 'kysely';
import { type Filters, type PageAsked, readPage } from '../db/page.ts';
import type { Db } from '../db/pool.ts';
import type { Hold } from '../db/types.ts';
import type { Queryable } from '../engine/store.ts';

export type HoldRow = Selectable<Hold>;

/** Holds, the newest first: their ids rise with time. */
export const listHolds = (db: Db, page: PageAsked, filters: Filters<'Hold'>) =>
  readPage(db.selectFrom('Hold').selectAll(), page, filters, 'id');

export function readHold(db: Db, id: string): Promise<HoldRow | undefined> {
  return db.selectFrom('Hold').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Workspaces with holds that have expired and are not booked as ended yet; of one workspace, or of all. */
export async function findWorkspacesWithDue(
  db: Queryable,
  { now, max, workspaceId = null }: { now: Date; max: number; workspaceId?: string | null | undefined },
): Promise<string[]> {
  const { rows } = await db.query({
    text: `
      select distinct "workspaceId"
      from "Hold"
      where "endedBy" is null and "expiresAt" <= $1 and ($2::text is null or "workspaceId" = $2)
      limit $3`,
    values: [now, workspaceId, max],
  });
  return rows.map((row: { workspaceId: string }) => row.workspaceId);
}
