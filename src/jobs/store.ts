import type { Queryable } from '../engine/store.ts';

/** Workspaces with credits that have expired and are not booked as expired yet: what is held is not, while it is held. */
export async function findWorkspacesWithExpired(db: Queryable, now: Date, max: number): Promise<string[]> {
  const { rows } = await db.query({
    text: `
      select distinct "workspaceId"
      from "CreditGrant" g
      where "expiresAt" <= $1 and remaining > 0 and remaining > (
        select coalesce(sum((source -> 'amount')::numeric), 0)
        from "Hold" h
        cross join lateral jsonb_array_elements(h.sources) source
        where h."workspaceId" = g."workspaceId" and h."endedBy" is null and source ->> 'grantId' = g.id
      )
      limit $2`,
    values: [now, max],
  });
  return rows.map((row: { workspaceId: string }) => row.workspaceId);
}
