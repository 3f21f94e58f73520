import type { PaymentStatus, ReversalKind, ReversalStatus } from '../../db/types.ts';
import type { Queryable } from '../../engine/store.ts';
import { fromDecimal, type Micros, toDecimal } from '../../lib/amounts.ts';

/** A reading of a payment's reversals at the provider. Readings are numbered in the order in which they were begun. */
export type Reading = { id: string; currency: string; number: number };

/** The number of a new reading of a payment that has succeeded, by the provider's name of it. */
export async function numberReading(db: Queryable, providerId: string): Promise<Reading | null> {
  const { rows } = await db.query({
    text: `
      update "Payment"
      set "readingsBegun" = "readingsBegun" + 1
      where "paymentId" = $1 and status = 'SUCCEEDED'
      returning id, currency, "readingsBegun" as number`,
    values: [providerId],
  });
  return rows[0] ?? null;
}

export type LockedPayment = {
  id: string;
  paymentId: string;
  paymentUserId: string;
  invoiceId: string | null;
  workspaceId: string | null;
  status: PaymentStatus;
  amount: Micros;
  currency: string;
  refunded: Micros;
  disputed: Micros;
  readingApplied: number;
};

/** A payment, held until the transaction ends: its reversals change one after the other. */
export async function lockPayment(db: Queryable, { id }: { id: string }): Promise<LockedPayment | undefined> {
  const { rows } = await db.query({
    text: `
      select id, "paymentId", "paymentUserId", "invoiceId", "workspaceId", status, amount, currency, refunded, disputed, "readingApplied"
      from "Payment"
      where id = $1
      for update`,
    values: [id],
  });
  return rows.map((row) => ({
    ...row,
    amount: fromDecimal(row.amount),
    refunded: fromDecimal(row.refunded),
    disputed: fromDecimal(row.disputed),
  }))[0];
}

/** What a payment has bought in credits: a purchase of them, or those that came with a plan, month by month. */
export async function findPurchases(
  db: Queryable,
  paymentId: string,
): Promise<{ purchaseId: string; workspaceId: string; credits: Micros }[]> {
  const { rows } = await db.query({
    text: `
      select id as "purchaseId", "workspaceId", amount as credits
      from "CreditRecord"
      where "paymentId" = $1
      union all
      select "grantId", "workspaceId", amount
      from "PlanCredit"
      where "paymentId" = $1
      order by 1`,
    values: [paymentId],
  });
  return rows.map((row) => ({ ...row, credits: fromDecimal(row.credits) }));
}

/** A refund or a dispute of a payment, as it stands at the provider. Money in micro-units of the major unit. */
export type Reversal = {
  id: string;
  kind: ReversalKind;
  amount: Micros;
  currency: string;
  status: ReversalStatus;
  createdAt: Date;
};

/** Keeps a reversal as it stands now. One that stands as it did stays as it is. */
export async function putReversal(
  db: Queryable,
  payment: Pick<LockedPayment, 'id' | 'workspaceId'>,
  { id, kind, amount, currency, status, createdAt }: Reversal,
  now: Date,
): Promise<void> {
  await db.query({
    text: `
      insert into "Reversal" (id, "paymentId", "workspaceId", kind, amount, currency, status, "createdAt", "updatedAt")
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
      on conflict (id) do update
        set amount = excluded.amount, status = excluded.status, "updatedAt" = excluded."updatedAt"
        where ("Reversal".amount, "Reversal".status) is distinct from (excluded.amount, excluded.status)`,
    values: [id, payment.id, payment.workspaceId, kind, toDecimal(amount), currency, status, createdAt, now],
  });
}

export async function readReversals(
  db: Queryable,
  paymentId: string,
): Promise<Pick<Reversal, 'kind' | 'amount' | 'status'>[]> {
  const { rows } = await db.query({
    text: 'select kind, amount, status from "Reversal" where "paymentId" = $1',
    values: [paymentId],
  });
  return rows.map((row) => ({ ...row, amount: fromDecimal(row.amount) }));
}

export async function updateReversed(
  db: Queryable,
  id: string,
  { refunded, disputed, readingApplied }: { refunded: Micros; disputed: Micros; readingApplied: number },
  now: Date,
): Promise<void> {
  await db.query({
    text: `
      update "Payment"
      set refunded = $2, disputed = $3, "readingApplied" = $4,
        "updatedAt" = case when (refunded, disputed) is distinct from ($2::numeric, $3::numeric) then $5 else "updatedAt" end
      where id = $1`,
    values: [id, toDecimal(refunded), toDecimal(disputed), readingApplied, now],
  });
}

// ── Refunds that are asked for here ──────────────────────────────────────────────────────────────────────────────

export type RefundRequestRow = { id: string; paymentId: string; amount: Micros; asked: Micros | null };

export async function findRefundRequest(
  db: Queryable,
  requestKey: string,
): Promise<RefundRequestRow | undefined> {
  const { rows } = await db.query({
    text: 'select id, "paymentId", amount, asked from "RefundRequest" where "requestKey" = $1',
    values: [requestKey],
  });
  return rows.map((row) => ({
    ...row,
    amount: fromDecimal(row.amount),
    asked: row.asked === null ? null : fromDecimal(row.asked),
  }))[0];
}

export async function insertRefundRequest(
  db: Queryable,
  { id, paymentId, amount, asked }: RefundRequestRow,
  requestKey: string | null,
  now: Date,
): Promise<void> {
  await db.query({
    text: `
      insert into "RefundRequest" (id, "paymentId", amount, asked, "requestKey", "createdAt")
      values ($1, $2, $3, $4, $5, $6)`,
    values: [id, paymentId, toDecimal(amount), asked === null ? null : toDecimal(asked), requestKey, now],
  });
}

export async function deleteRefundRequest(db: Queryable, id: string): Promise<void> {
  await db.query({ text: 'delete from "RefundRequest" where id = $1', values: [id] });
}

/** A payment as a list would show it. */
export async function readPayment(db: Queryable, id: string) {
  const { rows } = await db.query({ text: 'select * from "Payment" where id = $1', values: [id] });
  return rows[0];
}
