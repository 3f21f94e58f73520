import { sql } from 'kysely';
import type { Check } from '../check.ts';

/** Grants and decisions that a migration made from an older database: docs/decisions/0002-opening-balances.md. */
const isOpening = (id: string) => sql.raw(`starts_with(${id}, 'op_00opening_')`);

/** By its key: there is one for each wallet, among millions of decisions. */
const isOpeningOf = (wallet: string) =>
  sql.raw(`o.id = 'op_00opening_credit_' || ${wallet}.id and o."workspaceId" = ${wallet}."workspaceId"`);

const wallets = sql`select count(*) from "Credit"`;
const grants = sql`select count(*) from "CreditGrant"`;

export const walletChecks: readonly Check[] = [
  {
    name: 'a balance is the total less what was used, expired or clawed back',
    checked: wallets,
    broken: sql`
      select "workspaceId", balance, total, "totalUsage", expired, "clawedBack"
      from "Credit"
      where balance <> total - "totalUsage" - expired - "clawedBack"`,
  },
  {
    name: 'a balance is what the grants have left',
    checked: wallets,
    broken: sql`
      select "workspaceId", balance, coalesce(remaining, 0) as remaining
      from "Credit"
      full join (select "workspaceId", sum(remaining) as remaining from "CreditGrant" group by "workspaceId") g
        using ("workspaceId")
      where balance is distinct from coalesce(remaining, 0)`,
  },
  {
    name: 'a total is the sum of all grants',
    checked: wallets,
    // What came with an older database is in its opening; its grants say only what was left of it.
    broken: sql`
      select "workspaceId", total, coalesce(opened, 0) + coalesce(granted, 0) as granted
      from (
        select c."workspaceId", c.total, o.amount as opened
        from "Credit" c
        left join "Decision" o on ${isOpeningOf('c')}
      ) c
      full join (
        select "workspaceId", sum(amount) as granted
        from "CreditGrant"
        where not ${isOpening('id')}
        group by "workspaceId"
      ) g using ("workspaceId")
      where total is distinct from coalesce(opened, 0) + coalesce(granted, 0)`,
  },
  {
    name: 'the usage of a wallet is what was used less what refunds gave back, and its version moved with each',
    checked: wallets,
    broken: sql`
      select "workspaceId", "totalUsage", used, version, decisions
      from "Credit"
      full join (
        select "workspaceId", count(*) filter (where operation <> 'OPENING') as decisions,
          -- What a hold costs is used once it is settled.
          coalesce(sum(case operation when 'REFUND' then -"creditCost" when 'HOLD' then 0 else "creditCost" end)
            filter (where code is null), 0) as used
        from "Decision"
        group by "workspaceId"
      ) d using ("workspaceId")
      where "totalUsage" is distinct from coalesce(used, 0) or version < decisions`,
  },
  {
    name: 'what expired or was clawed back is the same in a wallet and its grants',
    checked: wallets,
    broken: sql`
      select "workspaceId", c.expired, coalesce(g.expired, 0) as "expiredGrants",
        c."clawedBack", coalesce(g."clawedBack", 0) as "clawedBackGrants"
      from "Credit" c
      full join (
        select "workspaceId", sum(expired) as expired, sum("clawedBack") as "clawedBack"
        from "CreditGrant"
        group by "workspaceId"
      ) g using ("workspaceId")
      where c.expired is distinct from coalesce(g.expired, 0)
        or c."clawedBack" is distinct from coalesce(g."clawedBack", 0)`,
  },
  {
    name: 'a grant is what is left, spent, expired and clawed back of it, as decisions say',
    checked: grants,
    // Of a purchase that is older than Tollgate, the opening says what was left: the newest ones hold the balance.
    broken: sql`
      select id, "workspaceId", opened, remaining, coalesce(spent, 0) as spent, expired,
        coalesce("expiredByDecisions", 0) as "expiredByDecisions", "clawedBack",
        coalesce("clawedBackByDecisions", 0) as "clawedBackByDecisions"
      from (
        select id, "workspaceId", amount as opened, remaining, expired, "clawedBack"
        from "CreditGrant"
        where not ${isOpening('id')} or type <> 'PURCHASE'
        union all
        select g.id, g."workspaceId",
          greatest(least(g.amount, coalesce(o.amount - o."creditCost", 0) - coalesce(sum(g.amount) over newer, 0)), 0),
          g.remaining, g.expired, g."clawedBack"
        from "CreditGrant" g
        left join "Credit" c on c."workspaceId" = g."workspaceId"
        left join "Decision" o on ${isOpeningOf('c')}
        where ${isOpening('g.id')} and type = 'PURCHASE'
        window newer as (
          partition by g."workspaceId" order by g."createdAt" desc, "creditRecordId" desc
          rows between unbounded preceding and 1 preceding
        )
      ) g
      full join (
        select id, "workspaceId", sum(spent) as spent, sum(expired) as "expiredByDecisions",
          sum("clawedBack") as "clawedBackByDecisions"
        from (
          select s."grantId" as id, d."workspaceId",
            case when operation in ('USE', 'SETTLE') then s.amount when operation = 'REFUND' then -s.amount else 0 end as spent,
            case when operation = 'EXPIRE' or s.expired then s.amount else 0 end as expired, 0 as "clawedBack"
          from "Decision" d
          cross join lateral jsonb_to_recordset(reasons -> 'sources') as s("grantId" text, amount numeric, expired bool)
          union all
          select l."grantId", d."workspaceId", 0, l.amount, 0
          from "Decision" d
          cross join lateral jsonb_to_recordset(reasons -> 'lapsed') as l("grantId" text, amount numeric)
          where operation in ('SETTLE', 'RELEASE') and reasons ? 'lapsed'
          union all
          -- What is taken from a grant that is over has been counted as expired.
          select c."grantId", d."workspaceId", 0, case when c.expired then -c.amount else 0 end, c.amount
          from "Decision" d
          cross join lateral jsonb_to_recordset(reasons -> 'clawedBack') as c("grantId" text, amount numeric, expired bool)
          where operation in ('GRANT', 'REFUND', 'CLAW_BACK', 'SETTLE', 'RELEASE') and reasons ? 'clawedBack'
        ) moves
        group by id, "workspaceId"
      ) b using (id, "workspaceId")
      where opened is distinct from remaining + expired + "clawedBack" + coalesce(spent, 0)
        or opened is null
        or expired <> coalesce("expiredByDecisions", 0)
        or "clawedBack" <> coalesce("clawedBackByDecisions", 0)`,
  },
  {
    name: 'every grant was decided, and is as it was decided',
    checked: grants,
    broken: sql`
      select coalesce(g.id, d.id) as id, coalesce(g."workspaceId", d."workspaceId") as "workspaceId",
        g.amount, d.amount as decided, g.type, g.priority, g."expiresAt", d.grant as "grantDecided"
      from (select * from "CreditGrant" where not ${isOpening('id')}) g
      full join (
        select id, "workspaceId", amount, reasons -> 'grant' as grant
        from "Decision"
        where operation = 'GRANT' and code is null
      ) d on d.id = g.id and d."workspaceId" = g."workspaceId"
      where g.amount is distinct from d.amount
        or g.type::text is distinct from d.grant ->> 'type'
        or g.priority is distinct from (d.grant -> 'priority')::int
        or g."expiresAt" is distinct from (d.grant ->> 'expiresAt')::timestamptz
        or g."creditRecordId" is distinct from d.grant ->> 'creditRecordId'`,
  },
];
