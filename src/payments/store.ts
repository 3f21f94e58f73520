import type { Interval, Plan } from '../catalog/types.ts';
import type { PaymentStatus } from '../db/types.ts';
import type { Queryable } from '../engine/store.ts';
import { fromDecimal, type Micros, toDecimal } from '../lib/amounts.ts';
import type { Buys, Checkout, InvoicePayment, Payer } from './types.ts';

// ── Payers ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Makes the user if there is none, and holds it until the transaction ends: one person's payers change one by one. */
export async function lockUser(db: Queryable, userId: string, now: Date): Promise<void> {
  await db.query({
    text: `
      insert into "User" (id, "createdAt")
      values ($1, $2)
      on conflict (id) do update set id = excluded.id`,
    values: [userId, now],
  });
}

/** The payer that a user is; of several that an older system left, the one with this e-mail. */
export async function findPayer(db: Queryable, userId: string, email: string): Promise<Payer | undefined> {
  const { rows } = await db.query({
    text: `
      select id, email, "customerId"
      from "PaymentUser"
      where "userId" = $1
      order by (email = $2) desc, "createdAt", id
      limit 1`,
    values: [userId, email],
  });
  return rows[0];
}

/** A row that rejects with 23505 when the e-mail is somebody else's. */
export async function insertPayer(db: Queryable, payer: Payer, userId: string, now: Date): Promise<void> {
  await db.query({
    text: `
      insert into "PaymentUser" (id, "userId", email, "paymentPlatform", "createdAt", "updatedAt")
      values ($1, $2, $3, 'STRIPE', $4, $4)`,
    values: [payer.id, userId, payer.email, now],
  });
}

/** Rejects with 23505 when the e-mail is somebody else's. */
export async function updateEmail(db: Queryable, id: string, email: string, now: Date): Promise<void> {
  await db.query({
    text: 'update "PaymentUser" set email = $2, "updatedAt" = $3 where id = $1',
    values: [id, email, now],
  });
}

/** Sets the payer's customer unless somebody else has meanwhile; answers with the one that is kept. */
export async function replaceCustomer(
  db: Queryable,
  { id, customerId }: Payer,
  replacement: string,
  now: Date,
): Promise<string> {
  const { rows } = await db.query({
    text: `
      update "PaymentUser"
      set "customerId" = case when "customerId" = $2 then $3 else coalesce("customerId", $3) end, "updatedAt" = $4
      where id = $1
      returning "customerId"`,
    values: [id, customerId, replacement, now],
  });
  return rows[0].customerId;
}

export async function forgetCustomer(db: Queryable, customerId: string, now: Date): Promise<void> {
  await db.query({
    text: 'update "PaymentUser" set "customerId" = null, "updatedAt" = $2 where "customerId" = $1',
    values: [customerId, now],
  });
}

// ── Checkouts ────────────────────────────────────────────────────────────────────────────────────────────────────

export async function workspaceExists(db: Queryable, id: string): Promise<boolean> {
  const { rows } = await db.query({ text: 'select from "Workspace" where id = $1', values: [id] });
  return rows.length > 0;
}

export async function insertCheckout(
  db: Queryable,
  checkout: Checkout,
  rereadAt: Date | null,
  now: Date,
): Promise<void> {
  await db.query({
    text: `
      insert into "Checkout"
        (id, "workspaceId", "paymentUserId", status, amount, currency, pack, credits, plan, interval, "trialDays", kind,
          "rereadAt", "createdAt", "updatedAt")
      values ($1, $2, $3, 'OPEN', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)`,
    values: [
      checkout.id,
      checkout.workspaceId,
      checkout.payer.id,
      toDecimal(checkout.amount),
      checkout.currency,
      ...wantedColumns(checkout.buys),
      checkout.kind,
      rereadAt,
      now,
    ],
  });
}

/** Pack, credits, plan, interval and days of trial. */
function wantedColumns(buys: Buys): (string | number | null)[] {
  return buys.type === 'credits'
    ? [buys.pack, toDecimal(buys.credits), null, null, null]
    : [null, null, buys.plan, buys.interval, buys.trialDays];
}

/**
 * The checkout of a session, else the one with this id, held until the transaction ends; whoever only refers to it does not
 * wait for that.
 */
export async function lockCheckout(
  db: Queryable,
  { sessionId, id }: { sessionId: string | null; id: string | null },
): Promise<Checkout | undefined> {
  for (const [column, value] of [
    ['"sessionId"', sessionId],
    ['id', id],
  ]) {
    const { rows } = await db.query({
      text: `
        select c.*, p.email, p."customerId"
        from "Checkout" c
        join "PaymentUser" p on p.id = c."paymentUserId"
        where c.${column} = $1
        for no key update of c`,
      values: [value],
    });
    if (rows[0] !== undefined) return checkoutOf(rows[0]);
  }
  return undefined;
}

/** A checkout that is paid without a page: by which payment, and which card, where that is known. */
export type Unattended = Checkout & { paymentId: string | null; cardId: string | null };

/** The checkout without a page whose payment has this name, else the one with this id, held until the transaction ends. */
export async function lockUnattended(
  db: Queryable,
  { paymentId, id }: { paymentId: string; id: string | null },
): Promise<Unattended | undefined> {
  const { rows } = await db.query({
    text: `
      select c.*, u.email, u."customerId", p."paymentId", a."cardId"
      from "Checkout" c
      join "PaymentUser" u on u.id = c."paymentUserId"
      left join "Payment" p on p."checkoutId" = c.id
      left join "AutoTopUp" a on a."checkoutId" = c.id
      where c."sessionId" is null and c.kind = 'TOP_UP'
        and c.id in ((select "checkoutId" from "Payment" where "paymentId" = $1), $2)
      order by p."paymentId" is distinct from $1
      limit 1
      for no key update of c`,
    values: [paymentId, id],
  });
  if (rows[0] === undefined) return undefined;
  const { paymentId: known, cardId } = rows[0];
  return { ...checkoutOf(rows[0]), paymentId: known, cardId };
}

export type CheckoutRow = Pick<
  Checkout,
  'id' | 'workspaceId' | 'kind' | 'status' | 'currency' | 'sessionId'
> &
  Omit<Payer, 'id'> & {
    paymentUserId: string;
    amount: string;
    pack: string | null;
    credits: string | null;
    plan: Plan | null;
    interval: Interval;
    trialDays: number | null;
  };

/** A Checkout row, with the columns of its payer. */
export function checkoutOf(row: CheckoutRow): Checkout {
  return {
    id: row.id,
    workspaceId: row.workspaceId,
    kind: row.kind,
    payer: { id: row.paymentUserId, email: row.email, customerId: row.customerId },
    status: row.status,
    buys:
      row.plan === null
        ? { type: 'credits', pack: row.pack, credits: fromDecimal(row.credits!) }
        : { type: 'plan', plan: row.plan, interval: row.interval, trialDays: row.trialDays },
    amount: fromDecimal(row.amount),
    currency: row.currency,
    sessionId: row.sessionId,
  };
}

export async function updateStatus(
  db: Queryable,
  id: string,
  status: Checkout['status'],
  now: Date,
): Promise<void> {
  await db.query({
    text: 'update "Checkout" set status = $2, "updatedAt" = $3 where id = $1',
    values: [id, status, now],
  });
}

export async function updateSession(
  db: Queryable,
  id: string,
  session: { id: string; url: string | null; expiresAt: Date; rereadAt: Date },
  now: Date,
): Promise<void> {
  await db.query({
    text: `
      update "Checkout"
      set "sessionId" = $2, url = coalesce($3, url), "expiresAt" = $4, "rereadAt" = $5, "updatedAt" = $6
      where id = $1`,
    values: [id, session.id, session.url, session.expiresAt, session.rereadAt, now],
  });
}

/** The pages of a workspace's open checkouts of plans, but for the newest one: whoever asks, it is the same. */
export async function findOlderPlanSessions(db: Queryable, workspaceId: string): Promise<string[]> {
  const { rows } = await db.query({
    text: `
      select "sessionId"
      from "Checkout"
      where "workspaceId" = $1 and status = 'OPEN' and plan is not null and "sessionId" is not null
      order by "createdAt" desc, id desc
      offset 1`,
    values: [workspaceId],
  });
  return rows.map((row: { sessionId: string }) => row.sessionId);
}

/** Open checkouts whose session is to be read again now. The next time is noted: no later than the page's expiry. */
export async function takeDueCheckouts(
  db: Queryable,
  { now, pauseMinMs, pauseMaxMs, max }: { now: Date; pauseMinMs: number; pauseMaxMs: number; max: number },
): Promise<string[]> {
  const { rows } = await db.query({
    text: `
      update "Checkout"
      set "rereadAt" = least(
        $1::timestamptz + least(greatest($1 - "createdAt", make_interval(secs => $2)), make_interval(secs => $3)),
        case when "expiresAt" > $1 then "expiresAt" end
      )
      where id in (
        select id
        from "Checkout"
        where status = 'OPEN' and "rereadAt" <= $1 and "sessionId" is not null
        order by "rereadAt"
        limit $4
        for update skip locked
      )
      returning "sessionId"`,
    values: [now, pauseMinMs / 1000, pauseMaxMs / 1000, max],
  });
  return rows.map((row: { sessionId: string }) => row.sessionId);
}

/** Checkouts that never got a session, by a crash in between: nobody has had a page to pay on. */
export async function expireUnopened(db: Queryable, createdBefore: Date, now: Date): Promise<void> {
  await db.query({
    text: `
      update "Checkout"
      set status = 'EXPIRED', "updatedAt" = $2
      where status = 'OPEN' and "sessionId" is null and "createdAt" < $1
        -- A payment that needs no page is looked after until it has come to its end.
        and not (kind = 'TOP_UP' and "rereadAt" is not null)`,
    values: [createdBefore, now],
  });
}

// ── Payments ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** The one payment of a checkout, made or brought to this status. `paymentId` names it at the provider. */
export async function putPayment(
  db: Queryable,
  id: string,
  checkout: Checkout,
  { status, paymentId, credits }: { status: PaymentStatus; paymentId: string; credits: Micros },
  now: Date,
): Promise<string> {
  const { rows } = await db.query({
    text: `
      insert into "Payment"
        (id, amount, currency, status, "paymentPlatform", "paymentId", "paymentUserId", "workspaceId", credits, "checkoutId",
          "createdAt", "updatedAt")
      values ($1, $2, $3, $4, 'STRIPE', $5, $6, $7, $8, $9, $10, $10)
      on conflict ("checkoutId") do update
        set status = excluded.status, "paymentId" = excluded."paymentId", "updatedAt" = excluded."updatedAt"
      returning id`,
    values: [
      id,
      toDecimal(checkout.amount),
      checkout.currency,
      status,
      paymentId,
      checkout.payer.id,
      checkout.workspaceId,
      toDecimal(credits),
      checkout.id,
      now,
    ],
  });
  return rows[0].id;
}

/** The one payment of an invoice, made or brought to this status; one that has succeeded stays as it is. */
export async function putInvoicePayment(
  db: Queryable,
  id: string,
  invoice: InvoicePayment,
  now: Date,
): Promise<string> {
  const { rows } = await db.query({
    text: `
      insert into "Payment"
        (id, amount, currency, status, "paymentPlatform", "paymentId", "paymentUserId", "workspaceId", "invoiceId",
          "createdAt", "updatedAt")
      values ($1, $2, $3, $4, 'STRIPE', $5, $6, $7, $8, $9, $9)
      on conflict ("invoiceId") do update
        set amount = case when "Payment".status = 'SUCCEEDED' then "Payment".amount else excluded.amount end,
          "paymentId" = case when "Payment".status = 'SUCCEEDED' then "Payment"."paymentId" else excluded."paymentId" end,
          status = case when "Payment".status = 'SUCCEEDED' then "Payment".status else excluded.status end,
          "updatedAt" = case
            when "Payment".status = 'SUCCEEDED'
              or ("Payment".status, "Payment"."paymentId", "Payment".amount)
                is not distinct from (excluded.status, excluded."paymentId", excluded.amount)
            then "Payment"."updatedAt"
            else excluded."updatedAt"
          end
      returning id`,
    values: [
      id,
      toDecimal(invoice.amount),
      invoice.currency,
      invoice.status,
      invoice.paymentId,
      invoice.paymentUserId,
      invoice.workspaceId,
      invoice.invoiceId,
      now,
    ],
  });
  return rows[0].id;
}

export async function readInvoicePayment(db: Queryable, invoiceId: string): Promise<string | null> {
  const { rows } = await db.query({
    text: `select id from "Payment" where "invoiceId" = $1 and status = 'SUCCEEDED'`,
    values: [invoiceId],
  });
  return rows[0]?.id ?? null;
}

/** Rejects with 23505 when the payment has its record already. */
export async function insertCreditRecord(
  db: Queryable,
  record: {
    id: string;
    amount: Micros;
    workspaceId: string;
    paymentUserId: string;
    paymentId: string;
    description: string;
  },
  now: Date,
): Promise<void> {
  await db.query({
    text: `
      insert into "CreditRecord"
        (id, amount, type, "workspaceId", "paymentUserId", "paymentId", description, "createdAt", "updatedAt")
      values ($1, $2, 'PURCHASE', $3, $4, $5, $6, $7, $7)`,
    values: [
      record.id,
      toDecimal(record.amount),
      record.workspaceId,
      record.paymentUserId,
      record.paymentId,
      record.description,
      now,
    ],
  });
}
