import { fromDecimal, toMicros } from '../lib/amounts.ts';
import { byAge } from './debts.ts';
import {
  bySpendingOrder,
  type Debt,
  type Grant,
  type Hold,
  type Lot,
  type State,
  type Subscription,
  type Usages,
} from './state.ts';
import { makeWallets, type Queryable } from './store.ts';
import type { AIWork, PricedWork } from './work.ts';

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
export const lot = (table: string) =>
  `json_build_array(${table}.id, ${table}.priority, ${ms(`${table}."expiresAt"`)}, ${ms(`${table}."createdAt"`)})`;
export const GRANT = `json_build_array(${lot('g')}, g.remaining::text)`;

const LOAD = `
  select
    w.id as "workspaceId", w."createdAt", c.version::int8, c.balance, c.total, c."totalUsage", c.expired, c."clawedBack",
    c.debt, c.held, c."topUpBelow", s.plan, s.status, s."startDate", s."endDate",
    s."allowanceAnchor", s."graceUntil", s."cancelAt",
    (
      select json_agg(${GRANT})
      from "CreditGrant" g
      where g."workspaceId" = w.id and g.remaining > 0
    ) as grants,
    (
      select json_agg(
        json_build_object(
          'id', h.id, 'featureCode', h."featureCode", 'amount', h.amount::text, 'fromAllowance', h."fromAllowance"::text,
          'fromCredits', h."fromCredits"::text, 'creditCost', h."creditCost"::text, 'sources', h.sources,
          'creditsPerUnit', h."creditsPerUnit"::text, 'periodStart', ${ms('h."periodStart"')},
          'periodEnd', ${ms('h."periodEnd"')}, 'aiType', h."aiType", 'pageId', h."pageId", 'work', h.work,
          'progress', h."progressAmount"::text, 'expiresAt', ${ms('h."expiresAt"')}, 'ttlSeconds', h."ttlSeconds",
          'onExpire', h."onExpire", 'createdAt', ${ms('h."createdAt"')}
        )
      )
      from "Hold" h
      where h."workspaceId" = w.id and h."endedBy" is null
    ) as holds,
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
        -- The longest period but 'forever' is a month. A hold that is due ends as of then, however long ago that was.
        select
          "featureCode",
          case
            when "periodStart" > least($2::timestamptz, (
              select min(h."expiresAt") from "Hold" h where h."workspaceId" = w.id and h."endedBy" is null
            )) - interval '40 days'
            then "periodStart"
          end,
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
  held: string;
  topUpBelow: string | null;
  plan: Subscription['plan'] | null;
  status: Subscription['status'];
  startDate: Date;
  endDate: Date;
  allowanceAnchor: Date | null;
  graceUntil: Date | null;
  cancelAt: Date | null;
  grants: GrantTuple[] | null;
  holds: HoldJson[] | null;
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
      held: fromDecimal(row.held),
    },
    grants: (row.grants ?? []).map(grantOf).sort(bySpendingOrder),
    holds: row.holds === null ? NO_HOLDS : row.holds.map(holdOf),
    debts: debtsOf(row.debts),
    usages: usagesOf(row.usages),
    topUpBelow: row.topUpBelow === null ? null : fromDecimal(row.topUpBelow),
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

const NO_HOLDS: State['holds'] = [];

/** Its amounts are texts of decimals, its times epoch milliseconds. */
type HoldJson = Pick<Hold, 'id' | 'featureCode' | 'expiresAt' | 'onExpire' | 'createdAt'> & {
  [K in 'amount' | 'fromAllowance' | 'fromCredits' | 'creditCost' | 'progress']: string;
} & {
  creditsPerUnit: string | null;
  periodStart: number | null;
  periodEnd: number | null;
  sources: { grantId: string; amount: number }[];
  aiType: AIWork['type'] | null;
  pageId: string | null;
  work: PricedWork | null;
  ttlSeconds: number;
};

function holdOf(row: HoldJson): Hold {
  return {
    id: row.id,
    featureCode: row.featureCode,
    amount: fromDecimal(row.amount),
    fromAllowance: fromDecimal(row.fromAllowance),
    fromCredits: fromDecimal(row.fromCredits),
    creditCost: fromDecimal(row.creditCost),
    creditsPerUnit: row.creditsPerUnit === null ? null : fromDecimal(row.creditsPerUnit),
    period: row.periodStart === null ? null : { start: row.periodStart, end: row.periodEnd },
    shares: row.sources.map(({ grantId, amount }) => ({ grantId, amount: toMicros(amount)! })),
    ai: aiOf(row),
    progress: fromDecimal(row.progress),
    expiresAt: row.expiresAt,
    ttlMs: row.ttlSeconds * 1000,
    onExpire: row.onExpire,
    createdAt: row.createdAt,
  };
}

function aiOf({ aiType: type, pageId, work }: HoldJson): Hold['ai'] {
  if (type === null) return null;
  return { type, pageId: pageId!, ...(work === null ? {} : { work }) };
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

export type LotTuple = [id: string, priority: number, expiresAt: number | null, createdAt: number];
export type GrantTuple = [lot: LotTuple, remaining: string];

export function lotOf([id, priority, expiresAt, createdAt]: LotTuple): Lot {
  return { id, priority, expiresAt, createdAt };
}

export function grantOf([lot, remaining]: GrantTuple): Grant {
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
