import { addJob } from '../db/jobs.ts';
import { toDecimal } from '../lib/amounts.ts';
import type { Decision } from './operations.ts';
import type { GrantChangeRow, HoldChangeRow, WalletRow, WorkspaceWrite } from './rows.ts';
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
      JSON.stringify(writes.map(({ wallet }) => wallet)),
      at,
      JSON.stringify(decisions.map(({ reasons }) => reasons)),
      ...arraysOf(DECISION, decisions),
      ...parts.flatMap((part) => part.arrays?.(writes) ?? []),
    ],
  });
  return new Set((rows[0] as { written: string[] | null }).written ?? []);
}

/** The task that a use asks for, if it leaves too little. */
export const TOP_UP_TASK = 'topups.charge';

/** A column of many small rows, which travels as an array: they are read faster so than as JSON. */
type Column<Row> = { name: string; type: string; value: (row: Row) => string | null | undefined };

const DECISION: readonly Column<Decision>[] = [
  { name: 'id', type: 'text', value: ({ id }) => id },
  { name: 'workspaceId', type: 'text', value: ({ workspaceId }) => workspaceId },
  { name: 'operation', type: '"OperationType"', value: ({ operation }) => operation },
  { name: 'featureCode', type: 'text', value: ({ featureCode }) => featureCode },
  { name: 'amount', type: 'numeric', value: ({ amount }) => toDecimal(amount) },
  { name: 'code', type: 'text', value: ({ code }) => code },
  { name: 'fromAllowance', type: 'numeric', value: ({ fromAllowance }) => toDecimal(fromAllowance) },
  { name: 'fromCredits', type: 'numeric', value: ({ fromCredits }) => toDecimal(fromCredits) },
  { name: 'creditCost', type: 'numeric', value: ({ creditCost }) => toDecimal(creditCost) },
  {
    name: 'periodStart',
    type: 'timestamptz',
    value: ({ periodStart }) => (periodStart === null ? null : new Date(periodStart).toISOString()),
  },
  { name: 'refundOf', type: 'text', value: ({ refundOf }) => refundOf },
  { name: 'plan', type: '"PlanType"', value: ({ plan }) => plan },
  { name: 'catalogVersion', type: 'text', value: ({ catalogVersion }) => catalogVersion },
  { name: 'idempotencyKey', type: 'text', value: ({ idempotency }) => idempotency?.key },
  { name: 'fingerprint', type: 'text', value: ({ idempotency }) => idempotency?.fingerprint },
];

const GRANT_CHANGE: readonly Column<GrantChangeRow>[] = [
  { name: 'id', type: 'text', value: ({ id }) => id },
  { name: 'workspaceId', type: 'text', value: ({ workspaceId }) => workspaceId },
  { name: 'remaining', type: 'numeric', value: ({ remaining }) => remaining },
  { name: 'expired', type: 'numeric', value: ({ expired }) => expired },
  { name: 'clawedBack', type: 'numeric', value: ({ clawedBack }) => clawedBack },
  { name: 'reversed', type: 'numeric', value: ({ reversed }) => reversed },
  { name: 'debt', type: 'numeric', value: ({ debt }) => debt },
];

const HOLD_CHANGE: readonly Column<HoldChangeRow>[] = [
  { name: 'id', type: 'text', value: ({ id }) => id },
  { name: 'workspaceId', type: 'text', value: ({ workspaceId }) => workspaceId },
  { name: 'status', type: '"HoldStatus"', value: ({ status }) => status },
  { name: 'progressAmount', type: 'numeric', value: ({ progressAmount }) => String(progressAmount) },
  { name: 'settledAmount', type: 'numeric', value: ({ settledAmount }) => settledAmount },
  { name: 'endedBy', type: 'text', value: ({ endedBy }) => endedBy },
  { name: 'expiresAt', type: 'timestamptz', value: ({ expiresAt }) => expiresAt },
  { name: 'work', type: 'jsonb', value: ({ work }) => work && JSON.stringify(work) },
];

const namesOf = (columns: readonly { name: string }[]) => columns.map(({ name }) => `"${name}"`).join(', ');

/** The arrays of such rows, from this parameter on. */
const unnested = (columns: readonly { type: string }[], first: number) =>
  columns.map(({ type }, index) => `unnest($${first + index}::${type}[])`).join(', ');

const arraysOf = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]) =>
  columns.map(({ value }) => arrayText(rows, value));

/** An array as Postgres reads it. In quotes, only the quote and the backslash mean something. */
function arrayText<Row>(rows: readonly Row[], value: Column<Row>['value']): string {
  let text = '';
  for (const row of rows) {
    const element = value(row);
    if (element === null || element === undefined) text += ',NULL';
    else text += SPECIAL.test(element) ? `,"${element.replace(SPECIALS, '\\$&')}"` : `,"${element}"`;
  }
  return `{${text.slice(1)}}`;
}

const SPECIAL = /["\\]/;
const SPECIALS = /["\\]/g;

/** Wallets, a time, and what explains decisions come first; then the columns of decisions, and then those of parts. */
const FIRST_ARRAY = 4;

type Statement = { name: string; text: string };

/** Made once for each choice of parts: a batch only looks its statement up. */
const STATEMENTS = new Map<string, Statement>();

function statementFor(parts: readonly Part[], decisions: readonly Decision[]): Statement {
  const isLate = decisions.some(({ reasons }) => reasons.at !== undefined);
  // Letters for the parts: Postgres cuts the names of statements at 63 characters, and then takes two for one.
  const letters = parts.map((part) => PARTS.indexOf(part).toString(36)).join('');
  const name = `engine:write:${letters}${isLate ? ':late' : ''}`;
  const made = STATEMENTS.get(name) ?? { name, text: textOf(parts, isLate ? LATE : '$2') };
  STATEMENTS.set(name, made);
  return made;
}

function textOf(parts: readonly Part[], at: string): string {
  let next = FIRST_ARRAY + DECISION.length;
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
const LATE = `coalesce((reasons ->> 'at')::timestamptz, $2)`;

const LINE_NAMES = `${namesOf(DECISION)}, reasons`;

/**
 * What a workspace has to write beside its decisions travels inside its own line of JSON, and is only unfolded once the
 * guard has let its wallet pass. Decisions, and what nearly every one of them changes, are lists of their own that are
 * read once; a row goes in if its workspace is among those that passed. Neither takes a join of a batch with itself,
 * which would grow with its square.
 */
const statement = (parts: string[], at: string) => `
with wallet as (
  update "Credit" c
  set
    version = i."nextVersion", balance = i.balance, total = i.total, "totalUsage" = i."totalUsage",
    expired = i.expired, "clawedBack" = i."clawedBack", debt = i.debt, held = coalesce(i.held, 0), "topUpBelow" = i."topUpBelow",
    "updatedAt" = $2
  from json_to_recordset($1) as i(
    "workspaceId" text, version int8, "nextVersion" int8, balance numeric, total numeric, "totalUsage" numeric,
    expired numeric, "clawedBack" numeric, debt numeric, held numeric, keys text[], "topUpBelow" numeric, "topUp" bool,
    "newGrants" json, used json, returned json, "refundedUses" text[], "debtsPaid" json, "debtsReturned" json
  )
  where c."workspaceId" = i."workspaceId" and c.version = i.version
    and not exists (select from "Decision" d where d."idempotencyKey" = any(i.keys))
    and not exists (select from "IdempotentRequest" r where r.key = any(i.keys) and r.status is not null)
  returning
    c."workspaceId", i."topUp", i."newGrants", i.used, i.returned, i."refundedUses", i."debtsPaid", i."debtsReturned"
), passed as materialized (
  select jsonb_object_agg("workspaceId", true) as workspaces from wallet
), line as materialized (
  select d.*
  from passed
  cross join rows from (${unnested(DECISION, FIRST_ARRAY)}, jsonb_array_elements($3)) as d(${LINE_NAMES})
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

/** A part that is written for workspaces that have this in their line. */
const ofWallet = (name: keyof WalletRow, sql: string): Part => ({
  isNeeded: (writes) => writes.some(({ wallet }) => wallet[name] !== undefined),
  sql: () => sql,
});

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
    GRANT_CHANGE,
    ({ grantChanges }) => grantChanges,
    (given) => `
grantChanges as (
  update "CreditGrant" g
  set
    remaining = g.remaining + d.remaining, expired = g.expired + d.expired, "clawedBack" = g."clawedBack" + d."clawedBack",
    reversed = g.reversed + d.reversed, debt = g.debt + d.debt, "updatedAt" = $2
  from (${given}) d
  where g.id = d.id and g."workspaceId" = d."workspaceId"
)`,
  ),
  ofWallet(
    'newGrants',
    `
newGrants as (
  insert into "CreditGrant" (
    id, "workspaceId", type, amount, remaining, expired, "clawedBack", reversed, debt, priority, "expiresAt", description,
    "creditRecordId", "createdAt", "updatedAt"
  )
  select
    d.id, w."workspaceId", d.type, d.amount, d.remaining, d.expired, d."clawedBack", d.reversed, d.debt, d.priority,
    d."expiresAt", d.description, d."creditRecordId", $2, $2
  from wallet w
  cross join lateral json_to_recordset(w."newGrants") as d(
    id text, type "GrantType", amount numeric, remaining numeric, expired numeric, "clawedBack" numeric, reversed numeric,
    debt numeric, priority int4, "expiresAt" timestamptz, description text, "creditRecordId" text
  )
)`,
  ),
  ofWallet(
    'used',
    `
used as (
  insert into "FeatureUsage" (
    id, "workspaceId", "featureCode", "periodStart", "periodEnd", used, "createdAt", "updatedAt"
  )
  select d.id, w."workspaceId", d."featureCode", d."periodStart", d."periodEnd", d.amount, $2, $2
  from wallet w
  cross join lateral json_to_recordset(w.used) as d(
    id text, "featureCode" text, "periodStart" timestamptz, "periodEnd" timestamptz, amount numeric
  )
  on conflict ("workspaceId", "featureCode", "periodStart") do update
  set
    used = "FeatureUsage".used + excluded.used, "updatedAt" = excluded."updatedAt",
    -- The later of two ends; one alone is it.
    "periodEnd" = greatest("FeatureUsage"."periodEnd", excluded."periodEnd")
)`,
  ),
  ofWallet(
    'returned',
    `
returned as (
  update "FeatureUsage" u
  set used = u.used - d.amount, "updatedAt" = $2, "periodEnd" = greatest(u."periodEnd", d."periodEnd")
  from wallet w
  cross join lateral json_to_recordset(w.returned) as d(
    "featureCode" text, "periodStart" timestamptz, "periodEnd" timestamptz, amount numeric
  )
  where u."workspaceId" = w."workspaceId" and u."featureCode" = d."featureCode" and u."periodStart" = d."periodStart"
)`,
  ),
  ofWallet(
    'refundedUses',
    `
refundedCreditUsage as (
  update "CreditUsage" u
  set status = 'REFUNDED', "updatedAt" = $2
  from wallet w
  where u."workspaceId" = w."workspaceId" and u.id = any(w."refundedUses")
), refundedAIUsage as (
  update "AIUsage" u
  set status = 'REFUNDED', "updatedAt" = $2
  from wallet w
  where u."workspaceId" = w."workspaceId" and u.id = any(w."refundedUses")
)`,
  ),
  ofWallet(
    'debtsPaid',
    `
debtsPaid as (
  insert into "DebtPayment" ("debtorId", "payerId", "workspaceId", amount, "createdAt", "updatedAt")
  select d."debtorId", d."payerId", w."workspaceId", d.amount, $2, $2
  from wallet w
  cross join lateral json_to_recordset(w."debtsPaid") as d("debtorId" text, "payerId" text, amount numeric)
)`,
  ),
  ofWallet(
    'debtsReturned',
    `
debtsReturned as (
  update "DebtPayment" p
  set amount = p.amount - d.amount, "updatedAt" = $2
  from wallet w
  cross join lateral json_to_recordset(w."debtsReturned") as d("debtorId" text, "payerId" text, amount numeric)
  where p."debtorId" = d."debtorId" and p."payerId" = d."payerId" and p."workspaceId" = w."workspaceId"
)`,
  ),
  ofWallet(
    'topUp',
    // What is returned is made for every row, though nobody reads it.
    `
topUp as (
  update "AutoTopUp" a
  set status = 'PENDING', "updatedAt" = $2
  from wallet w
  where w."topUp" and a."workspaceId" = w."workspaceId" and a.status = 'READY'
  returning ${addJob(TOP_UP_TASK, 'a."workspaceId"')}
)`,
  ),
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
    (reasons #>> '{hold,expiresAt}')::timestamptz, reasons #>> '{hold,onExpire}', $2, $2
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
    "endedBy" = d."endedBy", "expiresAt" = d."expiresAt", work = d.work, "updatedAt" = $2
  from (${given}) d
  where h.id = d.id and h."workspaceId" = d."workspaceId"
)`,
  ),
];
