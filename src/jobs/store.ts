import type { Queryable } from '../engine/store.ts';

/** Workspaces with credits that have expired and are not booked as expired yet. */
export async function findWorkspacesWithExpired(db: Queryable, now: Date, max: number): Promise<string[]> {
  const { rows } = await db.query({
    text: `
      select distinct "workspaceId"
      from "CreditGrant"
      where "expiresAt" <= $1 and remaining > 0
      limit $2`,
    values: [now, max],
  });
  return rows.map((row: { workspaceId: string }) => row.workspaceId);
}
