import { addJob } from '../db/jobs.ts';
import { lockWallet, type Queryable } from '../engine/store.ts';
import { TOP_UP_TASK } from '../engine/write.ts';
import { fromDecimal, type Micros, toDecimal } from '../lib/amounts.ts';
import { type BuysCredits, type Checkout, checkoutOf, type Payer } from '../payments/payments.ts';
import type { Pause, Settings, TopUp } from './types.ts';

const COLUMNS = `
  a."workspaceId", a."paymentUserId", p.email, p."customerId", a.threshold, a.pack, a.currency, a."monthlyMax", a.status,
  a.why, a."nextTryAt", a.declines, a."checkoutId", a."cardId"
  from "AutoTopUp" a
  join "PaymentUser" p on p.id = a."paymentUserId"`;

type Row = Pick<
  TopUp,
  'workspaceId' | 'pack' | 'currency' | 'status' | 'why' | 'nextTryAt' | 'declines' | 'checkoutId' | 'cardId'
> &
  Omit<Payer, 'id'> & { paymentUserId: string; threshold: string; monthlyMax: string };

function topUpOf({ paymentUserId, email, customerId, threshold, monthlyMax, ...row }: Row): TopUp {
  return {
    ...row,
    payer: { id: paymentUserId, email, customerId },
    threshold: fromDecimal(threshold),
    monthlyMax: fromDecimal(monthlyMax),
  };
}

export async function readTopUp(db: Queryable, workspaceId: string): Promise<TopUp | undefined> {
  const { rows } = await db.query({
    text: `select ${COLUMNS} where a."workspaceId" = $1`,
    values: [workspaceId],
  });
  return rows[0] === undefined ? undefined : topUpOf(rows[0]);
}

/** Holds a workspace's wallet, and how it is topped up, until the transaction ends: in this order, as uses do. */
export async function lockTopUp(db: Queryable, workspaceId: string): Promise<TopUp | undefined> {
  await lockWallet(db, workspaceId);
  const { rows } = await db.query({
    text: `select ${COLUMNS} where a."workspaceId" = $1 for update of a`,
    values: [workspaceId],
  });
  return rows[0] === undefined ? undefined : topUpOf(rows[0]);
}

/** Keeps the settings; of a new one, DISABLED until it is made ready. */
export async function putSettings(
  db: Queryable,
  workspaceId: string,
  payer: Payer,
  { threshold, pack, currency, monthlyMax }: Settings,
  now: Date,
): Promise<void> {
  await db.query({
    text: `
      with wallet as (
        update "Credit" set "paymentUserId" = $2, "updatedAt" = $7 where "workspaceId" = $1
      )
      insert into "AutoTopUp"
        ("workspaceId", "paymentUserId", threshold, pack, currency, "monthlyMax", status, "createdAt", "updatedAt")
      values ($1, $2, $3, $4, $5, $6, 'DISABLED', $7, $7)
      on conflict ("workspaceId") do update
      set
        "paymentUserId" = excluded."paymentUserId", threshold = excluded.threshold, pack = excluded.pack,
        currency = excluded.currency, "monthlyMax" = excluded."monthlyMax", "updatedAt" = excluded."updatedAt"`,
    values: [workspaceId, payer.id, toDecimal(threshold), pack, currency, toDecimal(monthlyMax), now],
  });
}

/** Makes it ready, with no declines any more; and asks for a payment at once where the balance is too low already. */
export async function makeReady(db: Queryable, workspaceId: string, now: Date): Promise<void> {
  await db.query({
    text: `
      with wallet as (
        update "Credit" c
        set
          "topUpBelow" = case when c.balance - c.held >= a.threshold then a.threshold end, version = c.version + 1, "updatedAt" = $2
        from "AutoTopUp" a
        where c."workspaceId" = $1 and a."workspaceId" = $1
        returning c."workspaceId", c."topUpBelow" is null as "isLow"
      )
      update "AutoTopUp" a
      set
        status = case when w."isLow" then 'PENDING' else 'READY' end::"AutoTopUpStatus", why = null, "nextTryAt" = null,
        declines = 0, "updatedAt" = $2
      from wallet w
      where a."workspaceId" = w."workspaceId"
      returning case when w."isLow" then ${addJob(TOP_UP_TASK, 'a."workspaceId"')} end`,
    values: [workspaceId, now],
  });
}

/** No use asks for a top-up any more. */
export async function disarm(db: Queryable, workspaceId: string, now: Date): Promise<void> {
  await db.query({
    text: `
      update "Credit"
      set "topUpBelow" = null, version = version + 1, "updatedAt" = $2
      where "workspaceId" = $1 and "topUpBelow" is not null`,
    values: [workspaceId, now],
  });
}

export async function disable(db: Queryable, workspaceId: string, now: Date): Promise<void> {
  await db.query({
    text: `
      update "AutoTopUp"
      set status = 'DISABLED', why = null, "nextTryAt" = null, declines = 0, "updatedAt" = $2
      where "workspaceId" = $1`,
    values: [workspaceId, now],
  });
}

export async function deleteTopUp(db: Queryable, workspaceId: string): Promise<void> {
  await db.query({ text: 'delete from "AutoTopUp" where "workspaceId" = $1', values: [workspaceId] });
}

/** What is available: top-ups look at the balance without what is held of it. */
export async function readAvailable(db: Queryable, workspaceId: string): Promise<Micros> {
  const { rows } = await db.query({
    text: 'select balance - held as available from "Credit" where "workspaceId" = $1',
    values: [workspaceId],
  });
  return fromDecimal(rows[0].available);
}

/** What the top-ups that were begun in this time cost together, but for those that failed. */
export async function readSpent(
  db: Queryable,
  { workspaceId, currency }: { workspaceId: string; currency: string },
  { start, end }: { start: Date; end: Date },
): Promise<Micros> {
  const { rows } = await db.query({
    text: `
      select coalesce(sum(amount), 0)::decimal(20, 6) as spent
      from "Checkout"
      where "workspaceId" = $1 and kind = 'TOP_UP' and currency = $2 and status in ('OPEN', 'COMPLETE')
        and "createdAt" >= $3 and "createdAt" < $4`,
    values: [workspaceId, currency, start, end],
  });
  return fromDecimal(rows[0].spent);
}

export type Page = { url: string; expiresAt: Date };

/** The checkout that is under way, and its page if it has one. */
export async function readUnderWay(
  db: Queryable,
  checkoutId: string,
): Promise<{ checkout: Checkout<BuysCredits>; page: Page | null } | undefined> {
  const { rows } = await db.query({
    text: `
      select c.*, p.email, p."customerId"
      from "Checkout" c
      join "PaymentUser" p on p.id = c."paymentUserId"
      where c.id = $1 and c.status = 'OPEN'`,
    values: [checkoutId],
  });
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    checkout: checkoutOf(row) as Checkout<BuysCredits>,
    page: row.url === null ? null : { url: row.url, expiresAt: row.expiresAt },
  };
}

/** Whether some payment of a workspace's top-ups is under way, of one that was dropped meanwhile, too. Pages are none. */
export async function isPayingUnattended(db: Queryable, workspaceId: string): Promise<boolean> {
  const { rows } = await db.query({
    text: `
      select
      from "Checkout"
      where "workspaceId" = $1 and kind = 'TOP_UP' and status = 'OPEN' and "sessionId" is null and "rereadAt" is not null
      limit 1`,
    values: [workspaceId],
  });
  return rows.length > 0;
}

export async function setUnderWay(
  db: Queryable,
  workspaceId: string,
  { checkoutId, cardId }: { checkoutId: string | null; cardId?: string },
  now: Date,
): Promise<void> {
  await db.query({
    text: `
      update "AutoTopUp"
      set "checkoutId" = $2, "cardId" = coalesce($3, "cardId"), "updatedAt" = $4
      where "workspaceId" = $1`,
    values: [workspaceId, checkoutId, cardId, now],
  });
}

export async function pause(
  db: Queryable,
  workspaceId: string,
  { status, why, nextTryAt }: Pause,
  declines: number,
  now: Date,
): Promise<void> {
  await db.query({
    text: `
      update "AutoTopUp"
      set status = $2, why = $3, "nextTryAt" = $4, declines = $5, "updatedAt" = $6
      where "workspaceId" = $1`,
    values: [workspaceId, status, why, nextTryAt, declines, now],
  });
}

/** The workspaces that are kept topped up by the customer of this name, and do not go on, in the order of their ids. */
export async function findPaused(
  db: Queryable,
  customerId: string,
): Promise<Pick<TopUp, 'workspaceId' | 'why' | 'cardId'>[]> {
  const { rows } = await db.query({
    text: `
      select a."workspaceId", a.why, a."cardId"
      from "AutoTopUp" a
      join "PaymentUser" p on p.id = a."paymentUserId"
      where p."customerId" = $1 and a.status in ('ACTION_REQUIRED', 'BACKING_OFF', 'STOPPED')
      order by a."workspaceId"`,
    values: [customerId],
  });
  return rows;
}

/** Lets those go on whose pause is over, and gives a job again to those whose worker may have been killed. */
export async function wakeTopUps(
  db: Queryable,
  { now, lostBefore, max }: { now: Date; lostBefore: Date; max: number },
): Promise<void> {
  await db.query({
    text: `
      update "AutoTopUp" a
      set status = 'PENDING', why = null, "nextTryAt" = null, "updatedAt" = $1
      where a."workspaceId" in (
        select "workspaceId"
        from "AutoTopUp"
        where status = 'BACKING_OFF' and "nextTryAt" <= $1 or status = 'PENDING' and "updatedAt" <= $2
        limit $3
        for update skip locked
      )
      returning ${addJob(TOP_UP_TASK, 'a."workspaceId"')}`,
    values: [now, lostBefore, max],
  });
}

/** Payments without a page that have not been heard of for too long. The next time is noted. */
export async function takeUnheard(
  db: Queryable,
  { now, pauseMs, max }: { now: Date; pauseMs: number; max: number },
): Promise<string[]> {
  const { rows } = await db.query({
    text: `
      update "Checkout"
      set "rereadAt" = $1::timestamptz + greatest($1 - "createdAt", make_interval(secs => $2))
      where id in (
        select id
        from "Checkout"
        where status = 'OPEN' and kind = 'TOP_UP' and "sessionId" is null and "rereadAt" <= $1
        order by "rereadAt"
        limit $3
        for update skip locked
      )
      returning id`,
    values: [now, pauseMs / 1000, max],
  });
  return rows.map((row: { id: string }) => row.id);
}
