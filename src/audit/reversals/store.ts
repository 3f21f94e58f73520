import { sql } from 'kysely';
import type { Check } from '../check.ts';
import { heldOf } from '../holds/store.ts';

const reversedGrants = sql`select count(*) from "CreditGrant" where reversed > 0`;

/** What grants have paid for what others owed, by whose debt it was or by who paid. */
const paid = (column: 'debtorId' | 'payerId') => sql`(
  select coalesce(sum(p.amount), 0)
  from "DebtPayment" p
  where p.${sql.ref(column)} = g.id and p."workspaceId" = g."workspaceId"
)`;

export const reversalChecks: readonly Check[] = [
  {
    name: 'the debt of a wallet is what its grants owe',
    checked: sql`select count(*) from "Credit" where debt > 0`,
    broken: sql`
      select "workspaceId", c.debt, coalesce(owed, 0) as owed
      from "Credit" c
      full join (select "workspaceId", sum(debt) as owed from "CreditGrant" group by "workspaceId") g using ("workspaceId")
      where c.debt is distinct from coalesce(owed, 0)`,
  },
  {
    name: 'what is reversed of a purchase is taken back from it, owed, or paid by later ones',
    checked: reversedGrants,
    broken: sql`
      select id, "workspaceId", reversed, "clawedBack", paid, debt, "paidByOthers"
      from (select *, ${paid('payerId')} as paid, ${paid('debtorId')} as "paidByOthers" from "CreditGrant" g) g
      where reversed <> "clawedBack" - paid + debt + "paidByOthers"`,
  },
  {
    name: 'of a reversed purchase, what was spent beyond what it still gives is owed, and no more',
    checked: reversedGrants,
    broken: sql`
      select id, "workspaceId", amount, reversed, spent, debt, "paidByOthers"
      from (
        -- What is held counts as spent.
        select *, amount - remaining - expired - "clawedBack" + ${paid('payerId')} + ${heldOf('g')} as spent,
          ${paid('debtorId')} as "paidByOthers"
        from "CreditGrant" g
      ) g
      where debt + "paidByOthers" <> greatest(spent + reversed - amount, 0)`,
  },
  {
    name: 'a purchase is reversed and owes as decisions say',
    checked: reversedGrants,
    broken: sql`
      select coalesce(g.id, d.id) as id, coalesce(g."workspaceId", d."workspaceId") as "workspaceId",
        g.reversed, d.reversed as "reversedByDecisions", g.debt, d.debt as "debtByDecisions"
      from "CreditGrant" g
      full join (
        select id, "workspaceId", sum(reversed) as reversed, sum(debt) as debt
        from (
          select reasons #>> '{reversal,grantId}' as id, "workspaceId",
            amount - (reasons #>> '{reversal,before}')::numeric as reversed, 0 as debt
          from "Decision"
          where operation = 'CLAW_BACK'
          union all
          select o."grantId", "workspaceId", 0, o.amount
          from "Decision"
          cross join lateral jsonb_to_recordset(reasons -> 'debts') as o("grantId" text, amount numeric)
          where operation in ('GRANT', 'REFUND', 'CLAW_BACK', 'SETTLE', 'RELEASE') and reasons ? 'debts'
        ) changes
        group by id, "workspaceId"
      ) d on d.id = g.id and d."workspaceId" = g."workspaceId"
      where g.id is null or g.reversed <> coalesce(d.reversed, 0) or g.debt <> coalesce(d.debt, 0)`,
  },
  {
    name: 'what a purchase paid for earlier ones is as decisions say',
    checked: sql`select count(*) from "DebtPayment"`,
    broken: sql`
      select "debtorId", "payerId", "workspaceId", p.amount, decided
      from "DebtPayment" p
      full join (
        select c.for as "debtorId", c."grantId" as "payerId", "workspaceId", sum(c.amount) as decided
        from "Decision"
        cross join lateral jsonb_to_recordset(reasons -> 'clawedBack') as c("grantId" text, "for" text, amount numeric)
        where operation in ('GRANT', 'REFUND', 'CLAW_BACK', 'SETTLE', 'RELEASE') and c.for is not null
        group by c.for, c."grantId", "workspaceId"
      ) d using ("debtorId", "payerId", "workspaceId")
      where coalesce(p.amount, 0) <> coalesce(decided, 0)`,
  },
];
