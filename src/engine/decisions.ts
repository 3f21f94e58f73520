import { fromDecimal, type Micros } from '../lib/amounts.ts';
import { GRANT, type GrantTuple, grantOf, type LotTuple, lot, lotOf } from './load.ts';
import type { Decision, EndedHold, RefundedUse, ReversedPurchase } from './operations.ts';
import type { Queryable } from './store.ts';

/** Decisions by their ids or idempotency keys. */
export async function findDecisions(
  db: Queryable,
  { ids = [], keys = [] }: { ids?: readonly string[]; keys?: readonly string[] },
): Promise<Decision[]> {
  // A union of two look-ups by index; an `or` of them would be a scan.
  const { rows } = await db.query({
    name: 'engine:decisions',
    text: `
      select ${decisionColumns('a')}
      from "Decision" a
      where a.id = any($1::text[])
      union
      select ${decisionColumns('b')}
      from "Decision" b
      where b."idempotencyKey" = any($2::text[])`,
    values: [ids, keys],
  });
  return rows.map(decisionOf);
}

/** Which of these keys were those of requests as a whole, such as batches. One that still runs may use its own key. */
export async function findRequestKeys(db: Queryable, keys: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query({
    name: 'engine:request-keys',
    text: `
      select key
      from "IdempotentRequest"
      where key = any($1::text[]) and status is not null`,
    values: [keys],
  });
  return new Set(rows.map((row: { key: string }) => row.key));
}

/** What refunds of these uses have to know. A use that does not exist is absent. */
export async function loadRefundedUses(
  db: Queryable,
  useIds: readonly string[],
): Promise<Map<string, RefundedUse>> {
  const { rows } = await db.query({
    name: 'engine:refunded-uses',
    text: `
      select
        ${decisionColumns('d')},
        exists (
          select from "Decision" r where r."refundOf" = d.id and r."workspaceId" = d."workspaceId"
        ) as refunded,
        (
          select json_agg(${GRANT})
          from jsonb_array_elements(d.reasons -> 'sources') source
          join "CreditGrant" g on g.id = source ->> 'grantId' and g."workspaceId" = d."workspaceId"
        ) as grants
      from "Decision" d
      where d.id = any($1::text[])`,
    values: [useIds],
  });
  return new Map(
    (rows as (DecisionColumns & { refunded: boolean; grants: GrantTuple[] | null })[]).map((row) => [
      row.id,
      { decision: decisionOf(row), refunded: row.refunded, grants: (row.grants ?? []).map(grantOf) },
    ]),
  );
}

/** What claw backs have to know of these purchases of these workspaces: CreditRecords, or grants that have none. */
export async function loadReversedPurchases(
  db: Queryable,
  workspaceIds: readonly string[],
  purchaseIds: readonly string[],
): Promise<Map<string, ReversedPurchase>> {
  const { rows } = await db.query({
    name: 'engine:reversed-purchases',
    text: `
      select coalesce(g."creditRecordId", g.id) as id, ${lot('g')} as lot, g.amount, g.reversed,
        g.amount - g.remaining - g.expired - g."clawedBack" + (
          select coalesce(sum(p.amount), 0)
          from "DebtPayment" p
          where p."payerId" = g.id and p."workspaceId" = g."workspaceId"
        ) as spent
      from "CreditGrant" g
      where (g."creditRecordId" = any($1::text[]) or g.id = any($1::text[])) and g."workspaceId" = any($2::text[])`,
    values: [purchaseIds, workspaceIds],
  });
  return new Map(
    (rows as { id: string; lot: LotTuple; amount: string; reversed: string; spent: string }[]).map((row) => [
      row.id,
      {
        lot: lotOf(row.lot),
        amount: fromDecimal(row.amount),
        reversed: fromDecimal(row.reversed),
        spent: fromDecimal(row.spent),
      },
    ]),
  );
}

/** Whose these holds are, and how those that are not open any more have ended. One that does not exist is absent. */
export async function findHolds(
  db: Queryable,
  ids: readonly string[],
): Promise<Map<string, { workspaceId: string; status: 'HELD' | EndedHold['endedAs'] }>> {
  const { rows } = await db.query({
    name: 'engine:holds',
    text: 'select id, "workspaceId", status from "Hold" where id = any($1::text[])',
    values: [ids],
  });
  return new Map(rows.map(({ id, workspaceId, status }) => [id, { workspaceId, status }]));
}

/** The columns of a decision, of the table by this name. */
function decisionColumns(table: string): string {
  return DECISION_COLUMNS.map((column) => `${table}."${column}"`).join(', ');
}

const DECISION_COLUMNS = [
  ...['id', 'workspaceId', 'operation', 'featureCode', 'amount', 'code'],
  ...['fromAllowance', 'fromCredits', 'creditCost', 'periodStart', 'refundOf'],
  ...['plan', 'catalogVersion', 'idempotencyKey', 'fingerprint', 'reasons', 'createdAt'],
];

type DecisionColumns = {
  [K in 'amount' | 'fromAllowance' | 'fromCredits' | 'creditCost']: string;
} & Pick<
  Decision,
  | 'id'
  | 'workspaceId'
  | 'operation'
  | 'featureCode'
  | 'code'
  | 'refundOf'
  | 'plan'
  | 'catalogVersion'
  | 'reasons'
> & { periodStart: Date | null; createdAt: Date; idempotencyKey: string | null; fingerprint: string | null };

/** A Decision row as the decision that it keeps. */
export function decisionOf(row: DecisionColumns): Decision {
  const micros = (decimal: string): Micros => fromDecimal(decimal);
  return {
    id: row.id,
    workspaceId: row.workspaceId,
    operation: row.operation,
    featureCode: row.featureCode,
    amount: micros(row.amount),
    code: row.code,
    fromAllowance: micros(row.fromAllowance),
    fromCredits: micros(row.fromCredits),
    creditCost: micros(row.creditCost),
    periodStart: row.periodStart?.getTime() ?? null,
    refundOf: row.refundOf,
    plan: row.plan,
    catalogVersion: row.catalogVersion,
    idempotency:
      row.idempotencyKey === null ? null : { key: row.idempotencyKey, fingerprint: row.fingerprint! },
    reasons: row.reasons,
    createdAt: row.createdAt.getTime(),
  };
}
