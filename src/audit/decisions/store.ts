import { sql } from 'kysely';
import type { Check } from '../check.ts';

const decisions = sql`select count(*) from "Decision"`;
const uses = sql`select count(*) from "Decision" where operation in ('USE', 'HOLD', 'SETTLE') and code is null`;
const refunds = sql`select count(*) from "Decision" where operation = 'REFUND' and code is null`;

export const decisionChecks: readonly Check[] = [
  {
    name: 'what is used or held is covered by allowance and credits, at the price that was decided on',
    checked: uses,
    // Rounded up at the sixth decimal: nothing is ever free by rounding.
    broken: sql`
      select id, "workspaceId", "featureCode", amount, "fromAllowance", "fromCredits", "creditCost", "creditsPerUnit"
      from (select *, (reasons -> 'creditsPerUnit')::numeric as "creditsPerUnit" from "Decision") d
      where operation in ('USE', 'HOLD', 'SETTLE') and code is null and (
        amount <> "fromAllowance" + "fromCredits"
        or "fromCredits" = 0 and "creditCost" <> 0
        or "fromCredits" <> 0 and "creditCost" is distinct from ceil("fromCredits" * "creditsPerUnit" * 1e6) / 1e6
      )`,
  },
  {
    name: 'a refusal takes nothing',
    checked: sql`select count(*) from "Decision" where code is not null`,
    broken: sql`
      select id, "workspaceId", operation, code, "fromAllowance", "fromCredits", "creditCost", reasons -> 'sources' as sources
      from "Decision"
      where code is not null
        and ("fromAllowance" <> 0 or "fromCredits" <> 0 or "creditCost" <> 0 or reasons ? 'sources')`,
  },
  {
    name: 'no use and no hold has taken more than the allowance',
    checked: uses,
    // A smaller plan can leave more used than it allows; then nothing more is taken from it. What a hold is settled with
    // was within the allowance when it was held.
    broken: sql`
      select id, "workspaceId", "featureCode", "periodStart", "fromAllowance", reasons -> 'allowance' as allowance
      from "Decision"
      where operation in ('USE', 'HOLD') and code is null and "fromAllowance" > 0 and "periodStart" is not null
        and (reasons -> 'allowance' ->> 'used')::numeric + coalesce((reasons -> 'allowance' ->> 'held')::numeric, 0)
          > (reasons -> 'allowance' ->> 'limit')::numeric`,
  },
  {
    name: 'credits that were taken, given back or expired are those of the grants that a decision names',
    checked: decisions,
    broken: sql`
      select id, "workspaceId", operation, cost, named
      from (
        select id, "workspaceId", operation, case operation when 'EXPIRE' then amount else "creditCost" end as cost,
          case jsonb_array_length(reasons -> 'sources')
            when 1 then (reasons #> '{sources,0,amount}')::numeric -- nearly always, and several times as fast
            else coalesce((
              select sum(s.amount)
              from jsonb_to_recordset(reasons -> 'sources') as s(amount numeric)
            ), 0)
          end as named
        from "Decision"
        where operation <> 'OPENING' and ("creditCost" <> 0 or operation = 'EXPIRE' or reasons ? 'sources')
      ) d
      where cost <> named`,
  },
  {
    name: 'a use is refunded at most once, and all of it',
    checked: refunds,
    broken: sql`
      select r.id, r."workspaceId", r."refundOf", refunds, r.amount, u.amount as used, r."creditCost",
        u."creditCost" as "creditCostUsed"
      from (
        select *, count(*) over (partition by "refundOf", "workspaceId") as refunds
        from "Decision"
        where operation = 'REFUND' and code is null
      ) r
      left join "Decision" u
        on u.id = r."refundOf" and u."workspaceId" = r."workspaceId" and u.operation in ('USE', 'SETTLE') and u.code is null
      where refunds > 1 or u.id is null
        or r.amount <> u.amount or r."creditCost" <> u."creditCost"
        or r."fromAllowance" <> u."fromAllowance" or r."fromCredits" <> u."fromCredits"
        or r."featureCode" is distinct from u."featureCode" or r."periodStart" is distinct from u."periodStart"`,
  },
  {
    name: 'an idempotency key has decided one thing in a workspace',
    checked: sql`select count(*) from "Decision" where "idempotencyKey" is not null`,
    broken: sql`
      select "idempotencyKey", "workspaceId", count(*) as decisions, (
          select array_agg(id order by id)
          from "Decision" d
          where d."idempotencyKey" = k."idempotencyKey" and d."workspaceId" = k."workspaceId"
        ) as ids
      from "Decision" k
      where "idempotencyKey" is not null
      group by "idempotencyKey", "workspaceId"
      having count(*) > 1`,
  },
  {
    name: 'the catalog that a decision was made with is kept',
    checked: decisions,
    broken: sql`
      select "catalogVersion", decisions, "firstId"
      from (
        select "catalogVersion", count(*) as decisions, min(id) as "firstId"
        from "Decision"
        where operation <> 'OPENING'
        group by "catalogVersion"
      ) d
      where not exists (select from "CatalogVersion" v where v.version = d."catalogVersion")`,
  },
];
