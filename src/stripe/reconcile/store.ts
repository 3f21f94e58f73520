import type pg from 'pg';
import type { CheckoutStatus, PaymentStatus, ReversalStatus } from '../../db/types.ts';
import type { Queryable } from '../../engine/store.ts';
import { fromDecimal, type Micros } from '../../lib/amounts.ts';

/** What was met at Stripe: kept by Postgres for the length of a run, so that it may be more than fits into memory. */
export type Seen = {
  add(ids: readonly (string | null)[]): Promise<void>;
  /** For queries that look for what was not met, in `"seen"`. */
  session: Queryable;
  close(): Promise<void>;
};

export async function openSeen(pool: pg.Pool): Promise<Seen> {
  const session = await pool.connect();
  await session.query('create temp table seen (id text primary key)');
  return {
    session,
    async add(ids) {
      const known = ids.filter((id) => id !== null);
      await session.query('insert into seen select unnest($1::text[]) on conflict do nothing', [known]);
    },
    async close() {
      session.release(true); // the table goes with it
    },
  };
}

const PAGE = 100;

/** Rows that were not met at Stripe, page by page; `text` takes the id to go on from as its first value, and ends in an order. */
async function* unseen<T extends { id: string }>(
  { session }: Seen,
  text: string,
  values: unknown[] = [],
): AsyncGenerator<T[]> {
  for (let after = ''; ; ) {
    const { rows } = await session.query({ text: `${text} limit ${PAGE}`, values: [after, ...values] });
    if (rows.length > 0) yield rows;
    if (rows.length < PAGE) return;
    after = rows.at(-1).id;
  }
}

export type LinkedCustomer = { id: string };

/** Customers of our payers. */
export function unseenCustomers(seen: Seen, linkedBefore: Date): AsyncGenerator<LinkedCustomer[]> {
  return unseen(
    seen,
    `
    select "customerId" as id
    from "PaymentUser"
    where "customerId" > $1 and "updatedAt" < $2 and not exists (select from seen where seen.id = "customerId")
    order by "customerId"`,
    [linkedBefore],
  );
}

export type LiveSubscription = { id: string; customerId: string; workspaceId: string; status: string };

/** Subscriptions that go on here. Those that a host has written have no payer, and are none of Stripe's. */
export function unseenSubscriptions(seen: Seen): AsyncGenerator<LiveSubscription[]> {
  return unseen(
    seen,
    `${LIVE_SUBSCRIPTIONS} and s."subscriptionId" > $1
    and not exists (select from seen where seen.id = s."subscriptionId")
    order by s."subscriptionId"`,
  );
}

const LIVE_SUBSCRIPTIONS = `
    select s."subscriptionId" as id, p."customerId", s."workspaceId", s.status::text
    from "Subscription" s
    join "PaymentUser" p on p.id = s."paymentUserId"
    where s.status <> 'CANCELED' and p."customerId" is not null`;

export async function findLiveSubscription(db: Queryable, id: string): Promise<LiveSubscription | null> {
  const { rows } = await db.query({
    text: `${LIVE_SUBSCRIPTIONS} and s."subscriptionId" = $1`,
    values: [id],
  });
  return rows[0] ?? null;
}

export type PaidHere = { id: string; amount: Micros; currency: string };

/** Payments that have succeeded here. */
export async function* unseenPayments(seen: Seen, since: Date, before: Date): AsyncGenerator<PaidHere[]> {
  const pages = unseen<PaidHere>(
    seen,
    `
    select "paymentId" as id, amount, currency
    from "Payment"
    where "paymentId" > $1 and status = 'SUCCEEDED' and "createdAt" >= $2 and "createdAt" < $3
      and not exists (select from seen where seen.id = "paymentId")
    order by "paymentId"`,
    [since, before],
  );
  for await (const page of pages) yield page.map(withAmount);
}

export type ReversalHere = { id: string; paymentId: string; status: ReversalStatus };

/** Refunds and disputes that Stripe has not told of, and those of long ago that still may change. */
export function unseenReversals(seen: Seen, since: Date, before: Date): AsyncGenerator<ReversalHere[]> {
  return unseen(
    seen,
    `
    select r.id, p."paymentId", r.status::text
    from "Reversal" r
    join "Payment" p on p.id = r."paymentId"
    where r.id > $1 and (r."createdAt" >= $2 or r.status in ('PENDING', 'INQUIRY', 'OPEN')) and r."createdAt" < $3
      and not exists (select from seen where seen.id = r.id)
    order by r.id`,
    [since, before],
  );
}

// ── What is kept of what Stripe has ──────────────────────────────────────────────────────────────────────────────

export type CheckoutHere = {
  id: string;
  sessionId: string | null;
  status: CheckoutStatus;
  isPlan: boolean;
  payer: { customerId: string | null };
  payment: { status: PaymentStatus; amount: Micros; currency: string } | null;
};

/** Checkouts by their session, or by their own id. */
export async function findCheckouts(
  db: Queryable,
  sessionIds: readonly string[],
  ids: readonly string[],
): Promise<CheckoutHere[]> {
  const { rows } = await db.query({
    text: `
      select c.id, c."sessionId", c.status::text, c.plan is not null as "isPlan", u."customerId",
        p.status::text as paid, p.amount, p.currency
      from "Checkout" c
      join "PaymentUser" u on u.id = c."paymentUserId"
      left join "Payment" p on p."checkoutId" = c.id
      where c."sessionId" = any($1) or c.id = any($2)`,
    values: [sessionIds, ids],
  });
  return rows.map(({ customerId, paid: status, amount, currency, ...checkout }) => ({
    ...checkout,
    payer: { customerId },
    payment: status === null ? null : { status, amount: fromDecimal(amount), currency },
  }));
}

export type PaymentHere = {
  paymentId: string;
  invoiceId: string | null;
  status: PaymentStatus;
  amount: Micros;
  currency: string;
};

/** Payments by the provider's payment, or by its invoice. */
export async function findPayments(
  db: Queryable,
  paymentIds: readonly string[],
  invoiceIds: readonly string[] = [],
): Promise<PaymentHere[]> {
  const { rows } = await db.query({
    text: `
      select "paymentId", "invoiceId", status::text, amount, currency
      from "Payment"
      where "paymentId" = any($1) or "invoiceId" = any($2)`,
    values: [paymentIds, invoiceIds],
  });
  return rows.map(withAmount);
}

/** Of these invoices, those whose periods are kept. */
export async function findKeptInvoices(db: Queryable, invoiceIds: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query({
    text: 'select distinct "invoiceId" as id from "PaidPeriod" where "invoiceId" = any($1)',
    values: [invoiceIds],
  });
  return new Set(rows.map(({ id }) => id));
}

/** Of these customers, those that are payers of ours. */
export async function findPayers(
  db: Queryable,
  customerIds: readonly string[],
): Promise<Map<string, string>> {
  const { rows } = await db.query({
    text: 'select id, "customerId" from "PaymentUser" where "customerId" = any($1)',
    values: [customerIds],
  });
  return new Map(rows.map(({ id, customerId }) => [customerId, id]));
}

/** Of these subscriptions, those that are kept. */
export async function findKeptSubscriptions(db: Queryable, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query({
    text: 'select "subscriptionId" as id from "Subscription" where "subscriptionId" = any($1)',
    values: [ids],
  });
  return new Set(rows.map(({ id }) => id));
}

export async function findReversals(
  db: Queryable,
  ids: readonly string[],
): Promise<Map<string, { status: ReversalStatus; amount: Micros }>> {
  const { rows } = await db.query({
    text: 'select id, status::text, amount from "Reversal" where id = any($1)',
    values: [ids],
  });
  return new Map(rows.map(({ id, ...row }) => [id, withAmount(row)]));
}

/** Of these events, those that are kept. */
export async function findKeptEvents(db: Queryable, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query({
    text: 'select id from "StripeEvent" where id = any($1)',
    values: [ids],
  });
  return new Set(rows.map(({ id }) => id));
}

// biome-ignore lint/suspicious/noExplicitAny: whatever else the row has
function withAmount(row: any) {
  return { ...row, amount: fromDecimal(row.amount) };
}
