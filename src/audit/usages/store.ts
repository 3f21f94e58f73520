import { sql } from 'kysely';
import type { Check } from '../check.ts';

/**
 * A row that is older than Tollgate, and so has no decision: it came with the database that was migrated, and its id
 * is not one that Tollgate makes. Its time may have been that of any time zone.
 */
const isOld = (table: string) => sql`(
  ${sql.ref(`${table}.id`)} !~ '^op_[0-9a-z]{26}$'
  and ${sql.ref(`${table}.createdAt`)} < (
    select "appliedAt" + interval '1 day' from "_tollgate_migration" where name = '0004_exact_amounts'
  )
)`;

const refunds = sql`(
  select "refundOf" as id, "workspaceId", 'REFUNDED' as status
  from "Decision"
  where "refundOf" is not null and code is null
)`;

export const usageChecks: readonly Check[] = [
  {
    name: 'the allowance that was used in a period is what uses took and refunds gave back',
    checked: sql`select count(*) from "FeatureUsage"`,
    // What was in a row that is older than Tollgate is part of what every use found, together with overlapping periods.
    broken: sql`
      with old as (
        select *
        from "FeatureUsage" u
        where not exists (select from "Decision" d where d.id = u.id and d."workspaceId" = u."workspaceId")
      )
      select u.id, "workspaceId", "featureCode", "periodStart", u.used, counted, old.id is not null as "isOld", before
      from "FeatureUsage" u
      full join (
        select "workspaceId", "featureCode", "periodStart",
          sum(case operation when 'REFUND' then -"fromAllowance" else "fromAllowance" end) as counted
        from "Decision"
        where code is null and operation in ('USE', 'SETTLE', 'REFUND') and "periodStart" is not null
        group by "workspaceId", "featureCode", "periodStart"
      ) d using ("workspaceId", "featureCode", "periodStart")
      left join old using ("workspaceId", "featureCode", "periodStart")
      left join (
        select "workspaceId", "featureCode", "periodStart",
          min((reasons #>> '{allowance,used}')::numeric - "fromAllowance") as before
        from "Decision"
        join old using ("workspaceId", "featureCode", "periodStart")
        where code is null and operation = 'USE'
        group by "workspaceId", "featureCode", "periodStart"
      ) b using ("workspaceId", "featureCode", "periodStart")
      where u.id is null
        or old.id is null and u.used <> coalesce(counted, 0)
        or old.id is not null and not ${isOld('u')}
        or old.id is not null and not u.used between counted and counted + before`,
  },
  {
    name: 'every use that credits paid for, or could not, has its CreditUsage, and no other has one',
    checked: sql`select count(*) from "CreditUsage"`,
    broken: sql`
      select coalesce(u.id, d.id) as id, coalesce(u."workspaceId", d."workspaceId") as "workspaceId",
        u.amount, d.amount as decided, u.status, d.status as "statusDecided"
      from "CreditUsage" u
      full join (
        select id, "workspaceId", "featureCode",
          case when code is null then "creditCost" else (reasons #>> '{refusal,required}')::numeric end as amount,
          case when code is null then coalesce(r.status, 'SUCCEEDED') else 'FAILED' end as status
        from "Decision" d
        left join ${refunds} r using (id, "workspaceId")
        where operation in ('USE', 'SETTLE') and code is null and "creditCost" > 0 or code = 'insufficient_credits'
      ) d on d.id = u.id and d."workspaceId" = u."workspaceId"
      where u.id is null
        or d.id is null and not ${isOld('u')}
        or u.amount <> d.amount or u.status::text <> d.status or u."featureCode" <> d."featureCode"`,
  },
  {
    name: 'AI points are free points and paid points',
    checked: sql`select count(*) from "AIUsage"`,
    broken: sql`
      select id, "workspaceId", points, "freePoints", "paidPoints"
      from "AIUsage"
      where points <> "freePoints"::int8 + "paidPoints"`,
  },
  {
    name: 'every use for AI has its AIUsage, with the points that were decided',
    checked: sql`select count(*) from "AIUsage"`,
    broken: sql`
      select coalesce(u.id, d.id) as id, coalesce(u."workspaceId", d."workspaceId") as "workspaceId",
        u.points, d.amount as decided, u."freePoints", d."fromAllowance", u."paidPoints", d."fromCredits",
        u.status, d.status as "statusDecided"
      from "AIUsage" u
      full join (
        select d.*, coalesce(r.status, 'SUCCEEDED') as status
        from "Decision" d
        left join ${refunds} r using (id, "workspaceId")
        where operation in ('USE', 'SETTLE') and amount > 0 and code is null and reasons ? 'ai'
      ) d on d.id = u.id and d."workspaceId" = u."workspaceId"
      where u.id is null
        or d.id is null and not ${isOld('u')}
        or u.points <> d.amount or u."freePoints" <> d."fromAllowance" or u."paidPoints" <> d."fromCredits"
        or u.status::text <> d.status or u.type::text <> d.reasons #>> '{ai,type}'
        or u."pageId" <> d.reasons #>> '{ai,pageId}'`,
  },
  {
    // The cost is kept as a number with twelve decimals, rounded up; the points were made of all of it.
    name: "the points of a model's work are what its price makes of its cost, rounded up",
    checked: sql`select count(*) from "Decision" where reasons -> 'ai' ? 'work'`,
    broken: sql`
      select id, "workspaceId", operation, points, "costUsd", markup, "pointUsd"
      from (
        select *, amount + coalesce((reasons -> 'shortfall')::numeric, 0) as points,
          (reasons #> '{ai,work,price,markup}')::numeric as markup,
          (reasons #> '{ai,work,price,pointUsd}')::numeric as "pointUsd",
          (reasons #>> '{ai,work,costUsd}')::numeric as "costUsd"
        from "Decision"
        where operation in ('USE', 'HOLD', 'PROGRESS', 'SETTLE') and reasons -> 'ai' ? 'work'
      ) d
      where points * "pointUsd" < ("costUsd" - greatest(1e-12, "costUsd" * 1e-15)) * markup
        or points > 1 and (points - 1) * "pointUsd" >= "costUsd" * markup`,
  },
  {
    name: 'every paid AI point has its CreditUsage',
    checked: sql`select count(*) from "AIUsage" where "paidPoints" > 0`,
    broken: sql`
      select a.id, a."workspaceId", a."paidPoints", a.status, u.amount, u.status as "creditUsageStatus"
      from "AIUsage" a
      left join "CreditUsage" u on u.id = a.id and u."workspaceId" = a."workspaceId"
      where a."paidPoints" > 0 and not ${isOld('a')}
        and (u.id is null or u.amount <= 0 or u.status <> a.status)`,
  },
];
