import type { Selectable } from 'kysely';
import { type Filters, type PageAsked, readPage } from '../db/page.ts';
import type { Db } from '../db/pool.ts';
import type { CreditGrant, Decision } from '../db/types.ts';

export type DecisionRow = Selectable<Decision>;
export type GrantRow = Pick<
  Selectable<CreditGrant>,
  'id' | 'type' | 'description' | 'priority' | 'expiresAt'
>;

/** Decisions, the newest first: their ids rise with time. */
export function listDecisions(
  db: Db,
  page: PageAsked,
  { allowed, ...filters }: Filters<'Decision'> & { allowed?: 'true' | 'false' | undefined },
) {
  let decisions = db.selectFrom('Decision').selectAll();
  if (allowed !== undefined) decisions = decisions.where('code', allowed === 'true' ? 'is' : 'is not', null);
  return readPage(decisions, page, filters, 'id');
}

/** A decision with the grants that it names, and the refund that gave it back. */
export async function readDecision(
  db: Db,
  id: string,
): Promise<{ decision: DecisionRow; grants: GrantRow[]; refundId: string | null } | undefined> {
  const decision = await db.selectFrom('Decision').selectAll().where('id', '=', id).executeTakeFirst();
  if (decision === undefined) return undefined;
  const { workspaceId } = decision;
  const { sources = [] } = decision.reasons as { sources?: { grantId: string }[] };
  const grantIds = [id, ...sources.map(({ grantId }) => grantId)];
  const grants = await db
    .selectFrom('CreditGrant')
    .select(['id', 'type', 'description', 'priority', 'expiresAt'])
    .where('workspaceId', '=', workspaceId)
    .where('id', 'in', grantIds)
    .execute();
  const refund = await db
    .selectFrom('Decision')
    .select('id')
    .where('refundOf', '=', id)
    .where('workspaceId', '=', workspaceId)
    .executeTakeFirst();
  return { decision, grants, refundId: refund?.id ?? null };
}
