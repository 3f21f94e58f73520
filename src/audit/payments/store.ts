import { sql } from 'kysely';
import type { Check } from '../check.ts';

/** A purchase that is older than Tollgate: its payment is as the database before had it. */
const isOld = sql`exists (
  select
  from "CreditGrant" old
  where old."creditRecordId" = r.id and old."workspaceId" = r."workspaceId" and starts_with(old.id, 'op_00opening_')
)`;

export const paymentChecks: readonly Check[] = [
  {
    name: 'every succeeded payment for credits has one purchase and one grant of as many',
    checked: sql`select count(*) from "Payment" where status = 'SUCCEEDED' and credits is not null`,
    broken: sql`
      select p.id, p."workspaceId", p.credits, count(distinct r.id) as purchases, count(distinct g.id) as grants,
        max(r.amount) as purchased, max(g.amount) as granted
      from "Payment" p
      left join "CreditRecord" r on r."paymentId" = p.id
      left join "CreditGrant" g on g."creditRecordId" = r.id
      where p.status = 'SUCCEEDED' and p.credits is not null
      group by p.id
      having count(distinct r.id) <> 1 or count(distinct g.id) <> 1
        or max(r.amount) <> p.credits or max(g.amount) <> p.credits`,
  },
  {
    name: 'every purchase with a payment belongs to a succeeded one, of the same payer and workspace',
    checked: sql`select count(*) from "CreditRecord" where "paymentId" is not null`,
    broken: sql`
      select r.id, r."workspaceId", r."paymentId", p.status, r."paymentUserId", p."paymentUserId" as "paidBy",
        p."workspaceId" as "paidFor"
      from "CreditRecord" r
      left join "Payment" p on p.id = r."paymentId"
      where r."paymentId" is not null and (
        p.id is null
        or (
          p.status <> 'SUCCEEDED' or p."paymentUserId" <> r."paymentUserId"
          or p."workspaceId" is distinct from r."workspaceId"
        ) and not ${isOld}
      )`,
  },
  {
    name: 'every purchase has one grant of its credits, and every bought grant its purchase',
    checked: sql`select count(*) from "CreditRecord"`,
    broken: sql`
      select r.id, coalesce(r."workspaceId", g."workspaceId") as "workspaceId", r.amount, g.id as "grantId",
        g.amount as granted, grants
      from "CreditRecord" r
      full join (
        select *, count(*) over (partition by "creditRecordId") as grants
        from "CreditGrant"
        where type = 'PURCHASE' or "creditRecordId" is not null
      ) g on g."creditRecordId" = r.id and g."workspaceId" = r."workspaceId"
      where r.id is null or g.id is null or grants > 1 or g.type <> 'PURCHASE' or g.amount <> r.amount`,
  },
  {
    name: 'what is refunded and disputed of a payment is what its reversals come to',
    checked: sql`select count(*) from "Reversal"`,
    broken: sql`
      select p.id, p."workspaceId", p.refunded, refunds, p.disputed, disputes
      from "Payment" p
      left join (
        select "paymentId",
          coalesce(sum(amount) filter (where status in ('PENDING', 'SUCCEEDED')), 0) as refunds,
          coalesce(sum(amount) filter (where status in ('OPEN', 'LOST')), 0) as disputes
        from "Reversal"
        group by "paymentId"
      ) r on r."paymentId" = p.id
      where p.refunded <> coalesce(refunds, 0) or p.disputed <> coalesce(disputes, 0)`,
  },
  {
    name: 'as much of a purchase is reversed as of its payment, and no more than all',
    checked: sql`select count(*) from "Payment" where refunded + disputed > 0`,
    // In proportion, rounded down to the sixth decimal: a division without a remainder, of millionths.
    broken: sql`
      select *
      from (
        select p.id, p."workspaceId", p.amount, p.refunded, p.disputed, g.id as "grantId", g.reversed,
          case p.amount when 0 then 0
            else div(r.amount * 1000000 * least(p.amount, p.refunded + p.disputed), p.amount) / 1000000
          end as due
        from "Payment" p
        join "CreditRecord" r on r."paymentId" = p.id
        join "CreditGrant" g on g."creditRecordId" = r.id and g."workspaceId" = r."workspaceId"
      ) purchases
      where reversed <> due`,
  },
  {
    name: 'a top-up that is complete has one payment, which succeeded, of its money and credits',
    checked: sql`select count(*) from "Checkout" where kind = 'TOP_UP'`,
    broken: sql`
      select c.id, c."workspaceId", c.status, c.amount, c.credits, p.id as "paymentId", p.status as "paymentStatus",
        p.amount as paid, p.credits as bought
      from "Checkout" c
      left join "Payment" p on p."checkoutId" = c.id
      where c.kind = 'TOP_UP' and (
        (c.status = 'COMPLETE') <> coalesce(p.status = 'SUCCEEDED', false)
        or p.amount <> c.amount or p.currency <> c.currency or p.credits <> c.credits
        or p."workspaceId" <> c."workspaceId" or p."paymentUserId" <> c."paymentUserId"
      )`,
  },
  {
    name: 'uses ask for a top-up while one is ready, and only then',
    checked: sql`select count(*) from "AutoTopUp"`,
    broken: sql`
      select "workspaceId", c."topUpBelow", a.threshold, a.status
      from (select * from "Credit" where "topUpBelow" is not null) c
      full join (select * from "AutoTopUp" where status = 'READY') a using ("workspaceId")
      where c."topUpBelow" is distinct from a.threshold`,
  },
];
