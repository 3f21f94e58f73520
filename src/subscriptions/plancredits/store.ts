import type { Plan } from '../../catalog/types.ts';
import type { Queryable } from '../../engine/store.ts';
import { fromDecimal, type Micros, toDecimal } from '../../lib/amounts.ts';
import type { Paid } from '../parts.ts';

export type PaidPeriod = {
  /** The provider's line of the invoice. */
  id: string;
  workspaceId: string;
  subscriptionId: string;
  invoiceId: string;
  paymentId: string | null;
  plan: Plan;
  startDate: Date;
  endDate: Date;
};

export async function putPaidPeriod(db: Queryable, period: PaidPeriod, now: Date): Promise<void> {
  await db.query({
    text: `
      insert into "PaidPeriod"
        (id, "workspaceId", "subscriptionId", "invoiceId", "paymentId", plan, "startDate", "endDate", "createdAt")
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
      on conflict (id, "workspaceId") do nothing`,
    values: [
      period.id,
      period.workspaceId,
      period.subscriptionId,
      period.invoiceId,
      period.paymentId,
      period.plan,
      period.startDate,
      period.endDate,
      now,
    ],
  });
}

/** What was paid for a subscription that lasts now, the latest first. */
export async function findPaidPeriods(
  db: Queryable,
  { workspaceId, subscriptionId }: { workspaceId: string; subscriptionId: string },
  now: Date,
): Promise<Paid[]> {
  const { rows } = await db.query({
    text: `
      select plan, "paymentId", "endDate"
      from "PaidPeriod"
      where "workspaceId" = $1 and "subscriptionId" = $2 and "startDate" <= $3 and "endDate" > $3
      order by "startDate" desc, id desc`,
    values: [workspaceId, subscriptionId, now],
  });
  return rows;
}

/**
 * The credits that came with a subscription's plans in a month, and those of the same payments that have not expired: where
 * a trial is given later, months are counted from another day, and overlap.
 */
export async function readPlanCredits(
  db: Queryable,
  { workspaceId, subscriptionId }: { workspaceId: string; subscriptionId: string },
  { month, paymentIds, now }: { month: Date; paymentIds: readonly (string | null)[]; now: Date },
): Promise<{ plan: Plan; amount: Micros }[]> {
  const { rows } = await db.query({
    text: `
      select c.plan, c.amount
      from "PlanCredit" c
      join "CreditGrant" g on g.id = c."grantId" and g."workspaceId" = c."workspaceId"
      where c."workspaceId" = $1 and c."subscriptionId" = $2
        and (c.month = $3 or (array_position($4::text[], c."paymentId") is not null and g."expiresAt" > $5))`,
    values: [workspaceId, subscriptionId, month, paymentIds, now],
  });
  return rows.map((row) => ({ plan: row.plan, amount: fromDecimal(row.amount) }));
}

export async function insertPlanCredit(
  db: Queryable,
  credit: {
    workspaceId: string;
    subscriptionId: string;
    month: Date;
    plan: Plan;
    amount: Micros;
    grantId: string;
    paymentId: string | null;
  },
  now: Date,
): Promise<void> {
  await db.query({
    text: `
      insert into "PlanCredit"
        ("workspaceId", "subscriptionId", month, plan, amount, "grantId", "paymentId", "createdAt")
      values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [
      credit.workspaceId,
      credit.subscriptionId,
      credit.month,
      credit.plan,
      toDecimal(credit.amount),
      credit.grantId,
      credit.paymentId,
      now,
    ],
  });
}

/** When the months of a subscription are counted from, and the latest that has given its credits. */
export type Due = { workspaceId: string; startDate: Date; allowanceAnchor: Date | null; given: Date | null };

/**
 * Workspaces on a plan whose next month may have begun within a period that is paid for already, as those of a year do.
 * A month has at least 28 days.
 */
export async function findDueForCredits(
  db: Queryable,
  { plans, now, max, after }: { plans: readonly Plan[]; now: Date; max: number; after: string },
): Promise<Due[]> {
  const { rows } = await db.query({
    text: `
      select s."workspaceId", s."startDate", s."allowanceAnchor", c.given
      from "Subscription" s
      cross join lateral (
        select max(month) as given
        from "PlanCredit"
        where "workspaceId" = s."workspaceId" and "subscriptionId" = s."subscriptionId" and plan = s.plan
      ) c
      where s.plan = any($1::"PlanType"[]) and s.status in ('ACTIVE', 'PAST_DUE') and s."workspaceId" > $4
        and (c.given is null or c.given <= $2::timestamptz - interval '28 days')
        and exists (
          select from "PaidPeriod" p
          where p."workspaceId" = s."workspaceId" and p."subscriptionId" = s."subscriptionId"
            and p."startDate" <= $2 and p."endDate" > $2
        )
      order by s."workspaceId"
      limit $3`,
    values: [plans, now, max, after],
  });
  return rows;
}
