import { sql } from 'kysely';
import { type Filters, type PageAsked, readPage } from '../db/page.ts';
import type { Db } from '../db/pool.ts';

/** Grants, with what open holds keep of them now. */
export const listGrants = (db: Db, page: PageAsked, filters: Filters<'CreditGrant'>, now: Date) =>
  readPage(
    db
      .selectFrom('CreditGrant')
      .selectAll()
      .select(
        sql<string>`(
          select coalesce(sum((source -> 'amount')::numeric), 0)
          from "Hold" h
          cross join lateral jsonb_array_elements(h.sources) source
          where h."workspaceId" = "CreditGrant"."workspaceId" and h."endedBy" is null and h."expiresAt" > ${now}
            and source ->> 'grantId' = "CreditGrant".id
        )`.as('held'),
      ),
    page,
    filters,
  );

export const listCreditRecords = (db: Db, page: PageAsked, filters: Filters<'CreditRecord'>) =>
  readPage(db.selectFrom('CreditRecord').selectAll(), page, filters);

export const listCreditUsages = (db: Db, page: PageAsked, filters: Filters<'CreditUsage'>) =>
  readPage(db.selectFrom('CreditUsage').selectAll(), page, filters);
