import { sql } from 'kysely';
import type { Check } from '../check.ts';

/**
 * When the month of a PlanCredit ends at the latest, by UTC: one that begins on the last day of a calendar month may be
 * counted from a later day, and then ends on the last day of the next.
 */
const latestEnd = sql`(
  select greatest(began + interval '1 month', began + interval '1 day' + interval '1 month' - interval '1 day')
  from (select c.month at time zone 'UTC') as of(began)
) at time zone 'UTC'`;

export const planChecks: readonly Check[] = [
  {
    name: 'credits that came with a plan are noted once, with their grant',
    checked: sql`select count(*) from "PlanCredit"`,
    broken: sql`
      select coalesce(c."grantId", g.id) as id, coalesce(c."workspaceId", g."workspaceId") as "workspaceId",
        c.amount, g.amount as granted, notes
      from (select *, count(*) over (partition by "workspaceId", "grantId") as notes from "PlanCredit") c
      full join (select * from "CreditGrant" where type = 'PLAN') g
        on g.id = c."grantId" and g."workspaceId" = c."workspaceId"
      where c."grantId" is null or g.id is null or notes > 1 or g.amount <> c.amount`,
  },
  {
    name: 'what came with a plan was paid for, in a period that the month lies in',
    checked: sql`select count(*) from "PlanCredit"`,
    broken: sql`
      select c."grantId" as id, c."workspaceId", c."subscriptionId", c.month, c.plan, c."paymentId"
      from "PlanCredit" c
      where not exists (
        select
        from "PaidPeriod" p
        where p."workspaceId" = c."workspaceId" and p."subscriptionId" = c."subscriptionId" and p.plan >= c.plan
          and p."paymentId" is not distinct from c."paymentId"
          and p."endDate" > c.month and p."startDate" < ${latestEnd}
      )`,
  },
  {
    name: 'what is paid for has a payment that succeeded, of the same workspace, or cost nothing',
    checked: sql`select count(*) from "PaidPeriod"`,
    broken: sql`
      select d.id, d."workspaceId", d."paymentId", p.status, p."workspaceId" as "paidFor"
      from "PaidPeriod" d
      join "Payment" p on p.id = d."paymentId"
      where p.status <> 'SUCCEEDED' or p."workspaceId" is distinct from d."workspaceId"`,
  },
  {
    name: 'as much of the credits of a plan is reversed as of its payment',
    checked: sql`select count(*) from "PlanCredit" where "paymentId" is not null`,
    broken: sql`
      select *
      from (
        select g.id, g."workspaceId", p.id as "paymentId", p.amount, p.refunded, p.disputed, g.reversed,
          case p.amount when 0 then 0
            else div(c.amount * 1000000 * least(p.amount, p.refunded + p.disputed), p.amount) / 1000000
          end as due
        from "PlanCredit" c
        join "Payment" p on p.id = c."paymentId"
        join "CreditGrant" g on g.id = c."grantId" and g."workspaceId" = c."workspaceId"
      ) credits
      where reversed <> due`,
  },
];
