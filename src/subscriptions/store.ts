import type { Selectable } from 'kysely';
import type { Interval, Plan } from '../catalog/types.ts';
import { type Filters, type PageAsked, readPage } from '../db/page.ts';
import type { Db } from '../db/pool.ts';
import type { Subscription } from '../db/types.ts';
import type { Queryable } from '../engine/store.ts';
import type { Kept } from './types.ts';

export const listSubscriptions = (db: Db, page: PageAsked, filters: Filters<'Subscription'>) =>
  readPage(db.selectFrom('Subscription').selectAll(), page, filters);

/** The subscription of a workspace as it is kept, held until the transaction ends. */
export async function lockSubscription(db: Queryable, workspaceId: string): Promise<Kept | undefined> {
  const { rows } = await db.query({
    text: 'select * from "Subscription" where "workspaceId" = $1 for update',
    values: [workspaceId],
  });
  return rows.map(keptOf)[0];
}

export async function readSubscription(db: Queryable, workspaceId: string): Promise<Kept | undefined> {
  const row = await readRow(db, workspaceId);
  return row === undefined ? undefined : keptOf(row as Row);
}

export async function readRow(
  db: Queryable,
  workspaceId: string,
): Promise<Selectable<Subscription> | undefined> {
  const { rows } = await db.query({
    text: 'select * from "Subscription" where "workspaceId" = $1',
    values: [workspaceId],
  });
  return rows[0];
}

type Row = Omit<Kept, 'pending'> & {
  pendingPlan: Plan | null;
  pendingInterval: Interval;
  pendingAt: Date;
};

function keptOf({ pendingPlan, pendingInterval, pendingAt, ...row }: Row): Kept {
  const pending =
    pendingPlan === null ? null : { plan: pendingPlan, interval: pendingInterval, at: pendingAt };
  return { ...row, pending };
}

/** The one subscription of a workspace, made or brought to this. One that stands as it did stays as it is. */
export async function putSubscription(db: Queryable, kept: Kept, now: Date): Promise<void> {
  const columns = [
    ...['id', 'subscriptionId', 'status', 'workspaceId', 'plan', 'startDate', 'endDate', 'allowanceAnchor'],
    ...['trialEnd', 'graceUntil', 'cancelAt', 'endReason', 'interval', 'currency', 'paymentUserId'],
  ] as const;
  const pending = [kept.pending?.plan ?? null, kept.pending?.interval ?? null, kept.pending?.at ?? null];
  const names = [...columns, 'pendingPlan', 'pendingInterval', 'pendingAt'].map((name) => `"${name}"`);
  const [, ...changing] = names;
  await db.query({
    text: `
      insert into "Subscription" ("paymentPlatform", ${names.join(', ')}, "createdAt", "updatedAt")
      values ('STRIPE', ${names.map((_, i) => `$${i + 1}`).join(', ')}, $${names.length + 1}, $${names.length + 1})
      on conflict ("workspaceId") do update
        set ${changing.map((name) => `${name} = excluded.${name}`).join(', ')}, "updatedAt" = excluded."updatedAt"
        where (${changing.map((name) => `"Subscription".${name}`).join(', ')})
          is distinct from (${changing.map((name) => `excluded.${name}`).join(', ')})`,
    values: [...columns.map((column) => kept[column]), ...pending, now],
  });
}

// ── Readings of the subscriptions of a payer ─────────────────────────────────────────────────────────────────────

/** The number of a new reading of the payer that is this customer. */
export async function numberReading(
  db: Queryable,
  customerId: string,
): Promise<{ paymentUserId: string; number: number } | null> {
  const { rows } = await db.query({
    text: `
      update "PaymentUser"
      set "readingsBegun" = "readingsBegun" + 1
      where "customerId" = $1
      returning id as "paymentUserId", "readingsBegun" as number`,
    values: [customerId],
  });
  return rows[0] ?? null;
}

/** Notes that a reading is applied; false where one that was begun later is already. */
export async function noteReading(
  db: Queryable,
  { paymentUserId, number }: { paymentUserId: string; number: number },
): Promise<boolean> {
  const { rows } = await db.query({
    text: `
      update "PaymentUser"
      set "readingApplied" = $2
      where id = $1 and "readingApplied" <= $2
      returning id`,
    values: [paymentUserId, number],
  });
  return rows.length > 0;
}

/**
 * The workspace that a subscription is of: the one it is kept for; else that of the checkout that it was made by, which
 * was this customer's; else one that this customer has bought something for before.
 */
export async function findWorkspaceOf(
  db: Queryable,
  link: { subscriptionId: string; customerId: string; checkoutId: string | null; workspaceId: string | null },
): Promise<{ workspaceId: string; paymentUserId: string | null; isKept: boolean } | null> {
  const { rows } = await db.query({
    name: 'subscriptions:workspace', // its plan takes longer to make than to carry out
    text: `
      select "workspaceId", "paymentUserId", true as "isKept", 1 as rank
      from "Subscription"
      where "subscriptionId" = $1
      union all
      -- What cost nothing has no payment, which does not say by whom it was had.
      select d."workspaceId", p."paymentUserId", false, case when p.id is null then 5 else 2 end
      from "PaidPeriod" d
      left join "Payment" p on p.id = d."paymentId"
      where d."subscriptionId" = $1
      union all
      select c."workspaceId", p.id, false, 3
      from "Checkout" c
      join "PaymentUser" p on p.id = c."paymentUserId"
      where p."customerId" = $2 and (c.id = $3 and c.plan is not null)
      union all
      select c."workspaceId", p.id, false, 4
      from "Checkout" c
      join "PaymentUser" p on p.id = c."paymentUserId"
      where p."customerId" = $2 and c."workspaceId" = $4
      order by rank
      limit 1`,
    values: [link.subscriptionId, link.customerId, link.checkoutId, link.workspaceId],
  });
  return rows[0] ?? null;
}

/** Whether a subscription is kept, and this invoice of it booked as paid. */
export async function isPaidFor(db: Queryable, subscriptionId: string, invoiceId: string): Promise<boolean> {
  const { rows } = await db.query({
    name: 'subscriptions:paid',
    text: `
      select from "Subscription" s
      join "Payment" p on p."workspaceId" = s."workspaceId"
      where s."subscriptionId" = $1 and p."invoiceId" = $2 and p.status = 'SUCCEEDED'`,
    values: [subscriptionId, invoiceId],
  });
  return rows.length > 0;
}

/** The workspaces whose subscriptions this payer pays for. */
export async function findWorkspacesOfPayer(db: Queryable, paymentUserId: string): Promise<string[]> {
  const { rows } = await db.query({
    text: 'select "workspaceId" from "Subscription" where "paymentUserId" = $1 order by 1',
    values: [paymentUserId],
  });
  return rows.map((row: { workspaceId: string }) => row.workspaceId);
}

/** The subscriptions that are kept of a customer. */
export async function findSubscriptionsOf(
  db: Queryable,
  customerId: string,
): Promise<{ workspaceId: string; subscriptionId: string }[]> {
  const { rows } = await db.query({
    text: `
      select s."workspaceId", s."subscriptionId"
      from "Subscription" s
      join "PaymentUser" p on p.id = s."paymentUserId"
      where p."customerId" = $1
      order by 1`,
    values: [customerId],
  });
  return rows;
}

/** How many workspaces are subscribed to a plan that is none of these, by plan. */
export async function countOnOtherPlans(
  db: Queryable,
  plans: readonly Plan[],
): Promise<{ plan: Plan; count: number }[]> {
  const { rows } = await db.query({
    text: `
      select plan, count(*)::int as count
      from "Subscription"
      where status in ('ACTIVE', 'TRIAL', 'PAST_DUE') and plan <> all($1::"PlanType"[])
      group by plan
      order by plan`,
    values: [plans],
  });
  return rows;
}

/** Customers whose subscriptions should have been renewed or ended by then, and are not: nobody has told us. */
export async function findOverdueCustomers(
  db: Queryable,
  { endedBefore, after, max }: { endedBefore: Date; after: string; max: number },
): Promise<string[]> {
  const { rows } = await db.query({
    text: `
      select distinct p."customerId"
      from "Subscription" s
      join "PaymentUser" p on p.id = s."paymentUserId"
      where s.status in ('ACTIVE', 'TRIAL') and s."endDate" < $1 and p."customerId" > $2
      order by 1
      limit $3`,
    values: [endedBefore, after, max],
  });
  return rows.map((row: { customerId: string }) => row.customerId);
}
