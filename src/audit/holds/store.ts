import { sql } from 'kysely';
import type { Check } from '../check.ts';

const holds = sql`select count(*) from "Hold"`;
const openHolds = sql`select count(*) from "Hold" where "endedBy" is null`;

/** What open holds keep of a grant, of the table by this name. */
export const heldOf = (table: string) => sql`(
  select coalesce(sum((source -> 'amount')::numeric), 0)
  from "Hold" h
  cross join lateral jsonb_array_elements(h.sources) source
  where h."workspaceId" = ${sql.ref(`${table}.workspaceId`)} and h."endedBy" is null
    and source ->> 'grantId' = ${sql.ref(`${table}.id`)}
)`;

export const holdChecks: readonly Check[] = [
  {
    name: 'what a wallet says is held is what its open holds keep',
    checked: sql`select count(*) from "Credit"`,
    broken: sql`
      select "workspaceId", c.held, coalesce(kept, 0) as kept
      from "Credit" c
      full join (
        select "workspaceId", sum("creditCost") as kept from "Hold" where "endedBy" is null group by "workspaceId"
      ) h using ("workspaceId")
      where c.held is distinct from coalesce(kept, 0)`,
  },
  {
    name: 'no grant has less left than open holds keep of it',
    checked: openHolds,
    broken: sql`
      select "grantId", k."workspaceId", kept, remaining
      from (
        select source ->> 'grantId' as "grantId", "workspaceId", sum((source -> 'amount')::numeric) as kept
        from "Hold"
        cross join lateral jsonb_array_elements(sources) source
        where "endedBy" is null
        group by source ->> 'grantId', "workspaceId"
      ) k
      left join "CreditGrant" g on g.id = k."grantId" and g."workspaceId" = k."workspaceId"
      where g.id is null or kept > remaining`,
  },
  {
    name: 'a hold is as it was decided, and its cost is that of the grants that it names',
    checked: holds,
    broken: sql`
      select coalesce(h.id, d.id) as id, coalesce(h."workspaceId", d."workspaceId") as "workspaceId",
        h.amount, d.amount as decided, h."creditCost", d."creditCost" as "creditCostDecided", named
      from (
        select *, coalesce(
          (select sum((source -> 'amount')::numeric) from jsonb_array_elements(sources) source), 0
        ) as named
        from "Hold"
      ) h
      full join (select * from "Decision" where operation = 'HOLD' and code is null) d
        on d.id = h.id and d."workspaceId" = h."workspaceId"
      where h.amount is distinct from d.amount
        or h."featureCode" is distinct from d."featureCode"
        or h."fromAllowance" is distinct from d."fromAllowance"
        or h."fromCredits" is distinct from d."fromCredits"
        or h."creditCost" is distinct from d."creditCost"
        or h."creditCost" <> named`,
  },
  {
    name: 'a hold that is not open was ended once, by the decision that it names, and an open one by none',
    checked: holds,
    broken: sql`
      select id, "workspaceId", h.status, h."endedBy", h."settledAmount", ends, ended, d.amount
      from "Hold" h
      left join (
        select reasons #>> '{hold,id}' as id, "workspaceId", count(*) as ends, min(id) as ended,
          min(case operation when 'SETTLE' then 'SETTLED' else 'RELEASED' end) as status, min(amount) as amount
        from "Decision"
        where operation in ('SETTLE', 'RELEASE')
        group by reasons #>> '{hold,id}', "workspaceId"
      ) d using (id, "workspaceId")
      where (h.status = 'HELD') <> (ends is null)
        or ends > 1
        or h."endedBy" is distinct from ended
        or d.status <> h.status::text
        or h."settledAmount" is distinct from case h.status when 'SETTLED' then d.amount end`,
  },
  {
    name: 'every hold that was reported on or ended is there',
    checked: sql`select count(*) from "Decision" where operation in ('PROGRESS', 'SETTLE', 'RELEASE')`,
    broken: sql`
      select id, "workspaceId", operation, reasons #>> '{hold,id}' as "holdId"
      from "Decision" d
      where operation in ('PROGRESS', 'SETTLE', 'RELEASE') and not exists (
        select from "Hold" h where h.id = d.reasons #>> '{hold,id}' and h."workspaceId" = d."workspaceId"
      )`,
  },
  {
    name: 'no hold lives longer than a day after anybody was heard of',
    checked: openHolds,
    broken: sql`
      select id, "workspaceId", "expiresAt", "updatedAt"
      from "Hold"
      where "endedBy" is null and "expiresAt" > "updatedAt" + interval '24 hours'`,
  },
];
