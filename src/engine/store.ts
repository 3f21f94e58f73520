import type pg from 'pg';
import { fromDecimal, type Micros } from '../lib/amounts.ts';
import { newId } from '../lib/ids.ts';
import { byAge } from './debts.ts';
import type { Decision, RefundedUse, ReversedPurchase } from './operations.ts';
import {
  bySpendingOrder,
  type Debt,
  type Grant,
  type Lot,
  type State,
  type Subscription,
  type Usages,
} from './state.ts';

/** What runs a statement: a pool, a client, or a host's own open transaction. The shape of node-postgres. */
export type Queryable = {
  // biome-ignore lint/suspicious/noExplicitAny: rows are whatever the statement returns
  query(query: { text: string; values: unknown[]; name?: string }): Promise<{ rows: any[] }>;
};

// ── Load ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The present states of these workspaces. One that does not exist is absent. */
export async function loadStates(
  db: Queryable,
  workspaceIds: readonly string[],
  now: number,
): Promise<Map<string, State>> {
  const { rows } = await db.query({ name: 'engine:load', text: LOAD, values: [workspaceIds, new Date(now)] });
  const states = new Map<string, State>();
  const walletless: string[] = [];
  for (const row of rows as StateRow[]) {
    if (row.version === null) walletless.push(row.workspaceId);
    else states.set(row.workspaceId, stateOf(row));
  }
  if (walletless.length === 0) return states;
  // A host may write its workspaces itself: the wallet is made when it is first asked for.
  await makeWallets(db, walletless);
  for (const [id, state] of await loadStates(db, walletless, now)) states.set(id, state);
  return states;
}

/** A grant of the table by this name, as a LotTuple; and `g` as a GrantTuple. */
const lot = (table: string) =>
  `json_build_array(${table}.id, ${table}.priority, ${ms(`${table}."expiresAt"`)}, ${ms(`${table}."createdAt"`)})`;
const GRANT = `json_build_array(${lot('g')}, g.remaining::text)`;

const LOAD = `
  select
    w.id as "workspaceId", w."createdAt", c.version::int8, c.balance, c.total, c."totalUsage", c.expired, c."clawedBack",
    c.debt, s.plan, s.status, s."startDate", s."endDate",
    s."allowanceAnchor", s."graceUntil", s."cancelAt",
    (
      select json_agg(${GRANT})
      from "CreditGrant" g
      where g."workspaceId" = w.id and g.remaining > 0
    ) as grants,
    (
      select json_agg(json_build_array(${lot('g')}, g.debt::text, (
        select json_agg(json_build_array(${lot('p')}, d.amount::text) order by p."createdAt", p.id)
        from "DebtPayment" d
        join "CreditGrant" p on p.id = d."payerId" and p."workspaceId" = d."workspaceId"
        where d."debtorId" = g.id and d."workspaceId" = g."workspaceId" and d.amount > 0
      )))
      from "CreditGrant" g
      where g."workspaceId" = w.id and g.reversed > 0
    ) as debts,
    (
      select json_agg(json_build_array(
        u."featureCode", ${ms('u."periodStart"')}, ${ms('u."periodEnd"')}, u.used::text
      ))
      from (
        -- The longest period but 'forever' is a month.
        select
          "featureCode", case when "periodStart" > $2::timestamptz - interval '40 days' then "periodStart" end,
          max("periodEnd"), sum(used)
        from "FeatureUsage"
        where "workspaceId" = w.id
        group by 1, 2
      ) as u("featureCode", "periodStart", "periodEnd", used)
    ) as usages
  from unnest($1::text[]) as asked(id)
  join "Workspace" w on w.id = asked.id
  left join "Credit" c on c."workspaceId" = w.id
  left join "Subscription" s on s."workspaceId" = w.id`;

async function makeWallets(db: Queryable, workspaceIds: readonly string[]): Promise<void> {
  const ids = workspaceIds.map(() => newId('cr'));
  await db.query({ name: 'engine:wallets', text: MAKE_WALLETS, values: [workspaceIds, ids] });
}

const MAKE_WALLETS = `
  insert into "Credit" (id, "workspaceId", "updatedAt")
  select m.id, w.id, now()
  from unnest($1::text[], $2::text[]) as m("workspaceId", id)
  join "Workspace" w on w.id = m."workspaceId"
  on conflict ("workspaceId") do nothing`;

/** A time as epoch milliseconds. */
function ms(column: string): string {
  return `(extract(epoch from ${column}) * 1000)::int8`;
}

type StateRow = {
  workspaceId: string;
  createdAt: Date;
  version: string | number | null;
  balance: string;
  total: string;
  totalUsage: string;
  expired: string;
  clawedBack: string;
  debt: string;
  plan: Subscription['plan'] | null;
  status: Subscription['status'];
  startDate: Date;
  endDate: Date;
  allowanceAnchor: Date | null;
  graceUntil: Date | null;
  cancelAt: Date | null;
  grants: GrantTuple[] | null;
  debts: [lot: LotTuple, open: string, payments: [payer: LotTuple, amount: string][] | null][] | null;
  usages: [featureCode: string, start: number | null, end: number | null, used: string][] | null;
};

function stateOf(row: StateRow): State {
  return {
    workspaceId: row.workspaceId,
    version: Number(row.version),
    createdAt: row.createdAt.getTime(),
    subscription:
      row.plan === null
        ? null
        : {
            plan: row.plan,
            status: row.status,
            startDate: row.startDate.getTime(),
            endDate: row.endDate.getTime(),
            allowanceAnchor: row.allowanceAnchor?.getTime() ?? null,
            graceUntil: row.graceUntil?.getTime() ?? null,
            cancelAt: row.cancelAt?.getTime() ?? null,
          },
    wallet: {
      balance: fromDecimal(row.balance),
      total: fromDecimal(row.total),
      totalUsage: fromDecimal(row.totalUsage),
      expired: fromDecimal(row.expired),
      clawedBack: fromDecimal(row.clawedBack),
      debt: fromDecimal(row.debt),
    },
    grants: (row.grants ?? []).map(grantOf).sort(bySpendingOrder),
    debts: debtsOf(row.debts),
    usages: usagesOf(row.usages),
  };
}

const NO_USAGES: State['usages'] = new Map();

function usagesOf(counted: StateRow['usages']): State['usages'] {
  if (counted === null) return NO_USAGES;
  const usages = new Map<string, Usages>();
  for (const [featureCode, periodStart, periodEnd, text] of counted) {
    const used = fromDecimal(text);
    const { before, rows } = usages.get(featureCode) ?? { before: 0n, rows: [] };
    usages.set(
      featureCode,
      periodStart === null
        ? { before: used, rows }
        : { before, rows: [...rows, { periodStart, periodEnd, used }] },
    );
  }
  return usages;
}

const NO_DEBTS: State['debts'] = [];

/** A purchase that was reversed before it was spent owes nothing. */
function debtsOf(reversed: StateRow['debts']): State['debts'] {
  if (reversed === null) return NO_DEBTS;
  const debts: Debt[] = reversed.map(([debtor, open, payments]) => ({
    lot: lotOf(debtor),
    open: fromDecimal(open),
    payments: (payments ?? []).map(([payer, amount]) => ({
      payer: lotOf(payer),
      amount: fromDecimal(amount),
    })),
  }));
  return debts.filter(({ open, payments }) => open > 0n || payments.length > 0).sort(byAge);
}

type LotTuple = [id: string, priority: number, expiresAt: number | null, createdAt: number];
type GrantTuple = [lot: LotTuple, remaining: string];

function lotOf([id, priority, expiresAt, createdAt]: LotTuple): Lot {
  return { id, priority, expiresAt, createdAt };
}

function grantOf([lot, remaining]: GrantTuple): Grant {
  return { ...lotOf(lot), remaining: fromDecimal(remaining) };
}

/** The present versions of these workspaces. One that has no wallet yet is absent. */
export async function readVersions(
  db: Queryable,
  workspaceIds: readonly string[],
): Promise<Map<string, number>> {
  const { rows } = await db.query({
    name: 'engine:versions',
    text: `
      select c."workspaceId" as id, c.version::int8
      from unnest($1::text[]) as asked(id)
      join "Credit" c on c."workspaceId" = asked.id`,
    values: [workspaceIds],
  });
  return new Map(rows.map((row: { id: string; version: string | number }) => [row.id, Number(row.version)]));
}

/** Locks a workspace's wallet until the transaction ends. One that is not there yet is made first. */
export async function lockWallet(db: Queryable, workspaceId: string): Promise<void> {
  const lock = () =>
    db.query({ text: 'select from "Credit" where "workspaceId" = $1 for update', values: [workspaceId] });
  if ((await lock()).rows.length > 0) return;
  await makeWallets(db, [workspaceId]);
  await lock();
}

/** Which of these wallets somebody else has locked at the moment. */
export async function findLockedWallets(db: Queryable, workspaceIds: readonly string[]): Promise<string[]> {
  const { rows } = await db.query({
    text: 'select "workspaceId" as id from "Credit" where "workspaceId" = any($1) for update skip locked',
    values: [workspaceIds],
  });
  const free = new Set(rows.map((row: { id: string }) => row.id));
  return workspaceIds.filter((id) => !free.has(id));
}

/** Runs work in a transaction of its own: committed when it resolves, rolled back when it rejects. */
export async function transaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    failure = error as Error;
    // Where the connection is gone, so is the transaction.
    await client.query('rollback').catch(() => {});
    throw error;
  } finally {
    // A connection that failed is not used again.
    client.release(failure !== undefined);
  }
}

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
