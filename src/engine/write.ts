import { addJob } from '../db/jobs.ts';
import {
  arraysOf,
  type Column,
  DEBT_PAYMENT,
  DECISION,
  GRANT_FIGURES,
  HOLD_CHANGE,
  NEW_GRANT,
  namesOf,
  ROW_OF_WORKSPACE,
  USAGE,
  unnested,
  WALLET,
} from './columns.ts';
import type { Decision } from './operations.ts';
import type { WorkspaceWrite } from './rows.ts';
import type { Queryable } from './store.ts';

/**
 * The guarded write: one statement for a whole batch. Each workspace is written only if its version is still the one
 * that was decided on, and none of its idempotency keys has been used; else nothing of it is. Returns the workspaces
 * that were written. Workspaces come in sorted order, so that batches never wait for each other in a circle.
 */
export async function writeGuarded(
  db: Queryable,
  writes: readonly WorkspaceWrite[],
  at: Date,
): Promise<Set<string>> {
  const decisions = writes.flatMap((write) => write.decisions);
  const parts = PARTS.filter((part) => part.isNeeded(writes));
  const { rows } = await db.query({
    ...statementFor(parts, decisions),
    values: [
      at,
      JSON.stringify(decisions.map(({ reasons }) => reasons)),
      ...arraysOf(DECISION, decisions),
      ...arraysOf(
        WALLET,
        writes.map(({ wallet }) => wallet),
      ),
      ...parts.flatMap((part) => part.arrays?.(writes) ?? []),
    ],
  });
  return new Set((rows[0] as { written: string[] | null }).written ?? []);
}

/** The task that a use asks for, if it leaves too little. */
export const TOP_UP_TASK = 'topups.charge';

/** A time, and what explains decisions, come first; then the columns of decisions, of wallets, and of parts. */
const FIRST_ARRAY = 3;
const FIRST_OF_WALLETS = FIRST_ARRAY + DECISION.length;
const FIRST_OF_PARTS = FIRST_OF_WALLETS + WALLET.length;

type Statement = { name: string; text: string };

/** Made once for each choice of parts: a batch only looks its statement up. */
const STATEMENTS = new Map<string, Statement>();

function statementFor(parts: readonly Part[], decisions: readonly Decision[]): Statement {
  const isLate = decisions.some(({ reasons }) => reasons.at !== undefined);
  // Letters for the parts: Postgres cuts the names of statements at 63 characters, and then takes two for one.
  const letters = parts.map((part) => PARTS.indexOf(part).toString(36)).join('');
  const name = `engine:write:${letters}${isLate ? ':late' : ''}`;
  const made = STATEMENTS.get(name) ?? { name, text: textOf(parts, isLate ? LATE : '$1') };
  STATEMENTS.set(name, made);
  return made;
}

function textOf(parts: readonly Part[], at: string): string {
  let next = FIRST_OF_PARTS;
  const texts = parts.map(({ columns, sql }) => {
    if (columns === undefined) return sql({ at, given: '' });
    const given = rowsGiven(columns, next);
    next += columns.length;
    return sql({ at, given });
  });
  return statement(texts, at);
}

/** By itself, before it is joined: else each of its rows may be looked for among all of a workspace's. */
const rowsGiven = (columns: readonly { name: string; type: string }[], first: number) => `
    select d.*
    from passed
    cross join rows from (${unnested(columns, first)}) as d(${namesOf(columns)})
    where passed.workspaces ? d."workspaceId"
    offset 0
  `;

/** When a decision of `line` was made: a hold that has expired ended at its own time. */
const LATE = `coalesce((reasons ->> 'at')::timestamptz, $1)`;

const LINE_NAMES = `${namesOf(DECISION)}, reasons`;

/**
 * The wallets come first, which pass if their guard lets them. All other rows are read once, each list by itself, and go
 * in if their workspace is among those that passed: no list is joined with another, which would grow with its square.
 */
const statement = (parts: string[], at: string) => `
with wallet as (
  update "Credit" c
  set
    version = i."nextVersion", balance = i.balance, total = i.total, "totalUsage" = i."totalUsage",
    expired = i.expired, "clawedBack" = i."clawedBack", debt = i.debt, held = i.held, "topUpBelow" = i."topUpBelow",
    "updatedAt" = $1
  from rows from (${unnested(WALLET, FIRST_OF_WALLETS)}) as i(${namesOf(WALLET)})
  where c."workspaceId" = i."workspaceId" and c.version = i.version
    and not exists (select from "Decision" d where d."idempotencyKey" = any(i.keys::text[]))
    and not exists (select from "IdempotentRequest" r where r.key = any(i.keys::text[]) and r.status is not null)
  returning c."workspaceId", i."isTopUpDue"
), passed as materialized (
  select jsonb_object_agg("workspaceId", true) as workspaces from wallet
), line as materialized (
  select d.*
  from passed
  cross join rows from (${unnested(DECISION, FIRST_ARRAY)}, jsonb_array_elements($2)) as d(${LINE_NAMES})
  where passed.workspaces ? d."workspaceId"
), decided as (
  insert into "Decision" (${LINE_NAMES}, "createdAt")
  select ${LINE_NAMES}, ${at} from line
)${parts.map((part) => `, ${part.trim()}`).join('')}
select array_agg("workspaceId") as written from wallet`;

type Part = {
  isNeeded: (writes: readonly WorkspaceWrite[]) => boolean;
  /** Of rows that travel as arrays, and the arrays. */
  columns?: readonly { name: string; type: string }[];
  arrays?: (writes: readonly WorkspaceWrite[]) => string[];
  /** `at`: an expression for when a decision of `line` was made; `given`: a query for the part's own rows. */
  sql: (its: { at: string; given: string }) => string;
};

/** A part that is written where there is such a decision. */
const ofDecisions = (isNeeded: (decision: Decision) => boolean, sql: (at: string) => string): Part => ({
  isNeeded: (writes) => writes.some(({ decisions }) => decisions.some(isNeeded)),
  sql: ({ at }) => sql(at),
});

/** A part whose rows travel as arrays. */
const ofRows = <Row>(
  columns: readonly Column<Row>[],
  rowsIn: (write: WorkspaceWrite) => readonly Row[],
  sql: (given: string) => string,
): Part => ({
  isNeeded: (writes) => writes.some((write) => rowsIn(write).length > 0),
  columns,
  arrays: (writes) => arraysOf(columns, writes.flatMap(rowsIn)),
  sql: ({ given }) => sql(given),
});

/** Whether something was used, at once or by a hold that is settled. */
function isUsage({ operation, code }: Decision): boolean {
  return code === null && (operation === 'USE' || operation === 'SETTLE');
}

/** What not every batch has to write. */
const PARTS: readonly Part[] = [
  // What was paid, or could not be. What it was paid for is the feature, where nothing else is said.
  ofDecisions(
    (decision) => (isUsage(decision) && decision.creditCost > 0n) || decision.code === 'insufficient_credits',
    (at) => `
creditUsage as (
  insert into "CreditUsage" (id, "workspaceId", "featureCode", amount, description, status, "createdAt", "updatedAt")
  select
    id, "workspaceId", "featureCode",
    case when code is null then "creditCost" else (reasons -> 'refusal' ->> 'required')::numeric end,
    coalesce(reasons ->> 'description', "featureCode"),
    case when code is null then 'SUCCEEDED' else 'FAILED' end::"UsageStatus", ${at}, ${at}
  from line
  where code is null and operation in ('USE', 'SETTLE') and "creditCost" > 0 or code = 'insufficient_credits'
)`,
  ),
  ofDecisions(
    (decision) => isUsage(decision) && decision.reasons.ai !== undefined,
    (at) => `
aiUsage as (
  insert into "AIUsage" (
    id, "workspaceId", type, points, "freePoints", "paidPoints", "pageId", description, "createdAt", "updatedAt"
  )
  select
    id, "workspaceId", (reasons -> 'ai' ->> 'type')::"AIUsageType", amount, "fromAllowance", "fromCredits",
    reasons -> 'ai' ->> 'pageId', reasons ->> 'description', ${at}, ${at}
  from line
  where operation in ('USE', 'SETTLE') and amount > 0 and code is null and reasons ? 'ai'
)`,
  ),
  ofRows(
    GRANT_FIGURES,
    ({ grantChanges }) => grantChanges,
    (given) => `
grantChanges as (
  update "CreditGrant" g
  set
    remaining = g.remaining + d.remaining, expired = g.expired + d.expired, "clawedBack" = g."clawedBack" + d."clawedBack",
    reversed = g.reversed + d.reversed, debt = g.debt + d.debt, "updatedAt" = $1
  from (${given}) d
  where g.id = d.id and g."workspaceId" = d."workspaceId"
)`,
  ),
  ofRows(
    NEW_GRANT,
    ({ newGrants }) => newGrants,
    (given) => `
newGrants as (
  insert into "CreditGrant" (${namesOf(NEW_GRANT)}, "createdAt", "updatedAt")
  select ${namesOf(NEW_GRANT)}, $1, $1 from (${given}) d
)`,
  ),
  ofRows(
    USAGE,
    ({ used }) => used,
    (given) => `
used as (
  insert into "FeatureUsage" (
    id, "workspaceId", "featureCode", "periodStart", "periodEnd", used, "createdAt", "updatedAt"
  )
  select id, "workspaceId", "featureCode", "periodStart", "periodEnd", amount, $1, $1 from (${given}) d
  on conflict ("workspaceId", "featureCode", "periodStart") do update
  set
    used = "FeatureUsage".used + excluded.used, "updatedAt" = excluded."updatedAt",
    -- The later of two ends; one alone is it.
    "periodEnd" = greatest("FeatureUsage"."periodEnd", excluded."periodEnd")
)`,
  ),
  ofRows(
    USAGE,
    ({ returned }) => returned,
    (given) => `
returned as (
  update "FeatureUsage" u
  set used = u.used - d.amount, "updatedAt" = $1, "periodEnd" = greatest(u."periodEnd", d."periodEnd")
  from (${given}) d
  where u."workspaceId" = d."workspaceId" and u."featureCode" = d."featureCode" and u."periodStart" = d."periodStart"
)`,
  ),
  ofRows(
    ROW_OF_WORKSPACE,
    ({ refundedUses }) => refundedUses,
    (given) => `
refundedCreditUsage as (
  update "CreditUsage" u
  set status = 'REFUNDED', "updatedAt" = $1
  from (${given}) d
  where u.id = d.id and u."workspaceId" = d."workspaceId"
), refundedAIUsage as (
  update "AIUsage" u
  set status = 'REFUNDED', "updatedAt" = $1
  from (${given}) d
  where u.id = d.id and u."workspaceId" = d."workspaceId"
)`,
  ),
  ofRows(
    DEBT_PAYMENT,
    ({ debtsPaid }) => debtsPaid,
    (given) => `
debtsPaid as (
  insert into "DebtPayment" (${namesOf(DEBT_PAYMENT)}, "createdAt", "updatedAt")
  select ${namesOf(DEBT_PAYMENT)}, $1, $1 from (${given}) d
)`,
  ),
  ofRows(
    DEBT_PAYMENT,
    ({ debtsReturned }) => debtsReturned,
    (given) => `
debtsReturned as (
  update "DebtPayment" p
  set amount = p.amount - d.amount, "updatedAt" = $1
  from (${given}) d
  where p."debtorId" = d."debtorId" and p."payerId" = d."payerId" and p."workspaceId" = d."workspaceId"
)`,
  ),
  {
    isNeeded: (writes) => writes.some(({ wallet }) => wallet.isTopUpDue),
    // What is returned is made for every row, though nobody reads it.
    sql: () => `
topUp as (
  update "AutoTopUp" a
  set status = 'PENDING', "updatedAt" = $1
  from wallet w
  where w."isTopUpDue" and a."workspaceId" = w."workspaceId" and a.status = 'READY'
  returning ${addJob(TOP_UP_TASK, 'a."workspaceId"')}
)`,
  },
  ofDecisions(
    ({ operation, code }) => operation === 'HOLD' && code === null,
    () => `
newHolds as (
  insert into "Hold" (
    id, "workspaceId", "featureCode", amount, "fromAllowance", "fromCredits", "creditCost", sources, "creditsPerUnit",
    "periodStart", "periodEnd", "aiType", "pageId", work, "ttlSeconds", "expiresAt", "onExpire", "createdAt", "updatedAt"
  )
  select
    id, "workspaceId", "featureCode", amount, "fromAllowance", "fromCredits", "creditCost",
    coalesce(reasons -> 'sources', '[]'), (reasons -> 'creditsPerUnit')::numeric,
    (reasons #>> '{hold,period,start}')::timestamptz, (reasons #>> '{hold,period,end}')::timestamptz,
    (reasons #>> '{ai,type}')::"AIUsageType", reasons #>> '{ai,pageId}', reasons #> '{ai,work}',
    (reasons #> '{hold,ttlSeconds}')::int4,
    (reasons #>> '{hold,expiresAt}')::timestamptz, reasons #>> '{hold,onExpire}', $1, $1
  from line
  where operation = 'HOLD' and code is null
)`,
  ),
  ofRows(
    HOLD_CHANGE,
    ({ holdChanges }) => holdChanges,
    (given) => `
holdChanges as (
  update "Hold" h
  set
    status = d.status, "progressAmount" = d."progressAmount", "settledAmount" = d."settledAmount",
    "endedBy" = d."endedBy", "expiresAt" = d."expiresAt", work = d.work, "updatedAt" = $1
  from (${given}) d
  where h.id = d.id and h."workspaceId" = d."workspaceId"
)`,
  ),
];
