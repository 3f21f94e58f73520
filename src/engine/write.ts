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
  const { rows } = await db.query({
    ...statementFor(writes),
    values: [
      JSON.stringify(writes.map(({ wallet }) => wallet)),
      JSON.stringify(writes.flatMap(({ decisions }) => decisions)),
      at,
    ],
  });
  return new Set((rows[0] as { written: string[] | null }).written ?? []);
}

type Statement = { name: string; text: string };

/** Made once for each choice of parts: a batch only looks its statement up. */
const STATEMENTS = new Map<string, Statement>();

function statementFor(writes: readonly WorkspaceWrite[]): Statement {
  const parts = PARTS.filter((part) => writes.some(part.isNeeded));
  // Digits for the parts: Postgres cuts the names of statements at 63 characters, and then takes two for one.
  const name = `engine:write:${parts.map((part) => PARTS.indexOf(part)).join('')}`;
  const made = STATEMENTS.get(name) ?? { name, text: statement(parts.map((part) => part.sql)) };
  STATEMENTS.set(name, made);
  return made;
}

/**
 * What a workspace has to write beside its decisions travels inside its own line of JSON, and is only unfolded once the
 * guard has let its wallet pass. Decisions, of which there are many, are a list of their own that is read once; a
 * decision goes in if its workspace is among those that passed. Neither takes a join of a batch with itself, which
 * would grow with its square.
 */
const statement = (parts: string[]) => `
with wallet as (
  update "Credit" c
  set
    version = i."nextVersion", balance = i.balance, total = i.total, "totalUsage" = i."totalUsage",
    expired = i.expired, "clawedBack" = i."clawedBack", "updatedAt" = $3
  from json_to_recordset($1) as i(
    "workspaceId" text, version int8, "nextVersion" int8, balance numeric, total numeric, "totalUsage" numeric,
    expired numeric, "clawedBack" numeric, keys text[], "grantChanges" json, "newGrants" json, used json,
    returned json, "refundedUses" text[]
  )
  where c."workspaceId" = i."workspaceId" and c.version = i.version
    and not exists (select from "Decision" d where d."idempotencyKey" = any(i.keys))
    and not exists (select from "IdempotentRequest" r where r.key = any(i.keys) and r.status is not null)
  returning c."workspaceId", i."grantChanges", i."newGrants", i.used, i.returned, i."refundedUses"
), passed as materialized (
  select jsonb_object_agg("workspaceId", true) as workspaces from wallet
), line as materialized (
  select d.*
  from passed
  cross join json_to_recordset($2) as d(
    id text, "workspaceId" text, operation "OperationType", "featureCode" text, amount numeric, code text,
    "fromAllowance" numeric, "fromCredits" numeric, "creditCost" numeric, "periodStart" timestamptz,
    "refundOf" text, plan "PlanType", "catalogVersion" text, "idempotencyKey" text, fingerprint text, reasons jsonb,
    "usageStatus" "UsageStatus", "usageAmount" numeric, description text,
    "aiType" "AIUsageType", "pageId" text, "aiDescription" text
  )
  where passed.workspaces ? d."workspaceId"
), decided as (
  insert into "Decision" (
    id, "workspaceId", operation, "featureCode", amount, code, "fromAllowance", "fromCredits", "creditCost",
    "periodStart", "refundOf", plan, "catalogVersion", "idempotencyKey", fingerprint, reasons, "createdAt"
  )
  select
    id, "workspaceId", operation, "featureCode", amount, code, coalesce("fromAllowance", 0),
    coalesce("fromCredits", 0), coalesce("creditCost", 0), "periodStart", "refundOf", plan, "catalogVersion",
    "idempotencyKey", fingerprint, reasons, $3
  from line
)${parts.map((part) => `, ${part.trim()}`).join('')}
select array_agg("workspaceId") as written from wallet`;

type Part = { isNeeded: (write: WorkspaceWrite) => boolean; sql: string };

/** What not every batch has to write. */
const PARTS: readonly Part[] = [
  {
    isNeeded: (write) => write.decisions.some((row) => row.usageStatus !== undefined),
    sql: `
creditUsage as (
  insert into "CreditUsage" (id, "workspaceId", "featureCode", amount, description, status, "createdAt", "updatedAt")
  select
    id, "workspaceId", "featureCode", "usageAmount", coalesce(description, "featureCode"), "usageStatus", $3, $3
  from line
  where "usageStatus" is not null
)`,
  },
  {
    isNeeded: (write) => write.decisions.some((row) => row.aiType !== undefined),
    sql: `
aiUsage as (
  insert into "AIUsage" (
    id, "workspaceId", type, points, "freePoints", "paidPoints", "pageId", description, "createdAt", "updatedAt"
  )
  select
    id, "workspaceId", "aiType", amount, coalesce("fromAllowance", 0), coalesce("fromCredits", 0), "pageId", "aiDescription", $3, $3
  from line
  where "aiType" is not null
)`,
  },
  {
    isNeeded: ({ wallet }) => wallet.grantChanges !== undefined,
    sql: `
grantChanges as (
  update "CreditGrant" g
  set remaining = g.remaining + d.remaining, expired = g.expired + d.expired, "updatedAt" = $3
  from wallet w
  cross join lateral json_to_recordset(w."grantChanges") as d(id text, remaining numeric, expired numeric)
  where g.id = d.id and g."workspaceId" = w."workspaceId"
)`,
  },
  {
    isNeeded: ({ wallet }) => wallet.newGrants !== undefined,
    sql: `
newGrants as (
  insert into "CreditGrant" (
    id, "workspaceId", type, amount, remaining, expired, priority, "expiresAt", description, "creditRecordId",
    "createdAt", "updatedAt"
  )
  select
    d.id, w."workspaceId", d.type, d.amount, d.remaining, d.expired, d.priority, d."expiresAt", d.description,
    d."creditRecordId", $3, $3
  from wallet w
  cross join lateral json_to_recordset(w."newGrants") as d(
    id text, type "GrantType", amount numeric, remaining numeric, expired numeric, priority int4,
    "expiresAt" timestamptz, description text, "creditRecordId" text
  )
)`,
  },
  {
    isNeeded: ({ wallet }) => wallet.used !== undefined,
    sql: `
used as (
  insert into "FeatureUsage" (id, "workspaceId", "featureCode", "periodStart", used, "createdAt", "updatedAt")
  select d.id, w."workspaceId", d."featureCode", d."periodStart", d.amount, $3, $3
  from wallet w
  cross join lateral json_to_recordset(w.used) as d(id text, "featureCode" text, "periodStart" timestamptz, amount numeric)
  on conflict ("workspaceId", "featureCode", "periodStart") do update
  set used = "FeatureUsage".used + excluded.used, "updatedAt" = excluded."updatedAt"
)`,
  },
  {
    isNeeded: ({ wallet }) => wallet.returned !== undefined,
    sql: `
returned as (
  update "FeatureUsage" u
  set used = u.used - d.amount, "updatedAt" = $3
  from wallet w
  cross join lateral json_to_recordset(w.returned) as d("featureCode" text, "periodStart" timestamptz, amount numeric)
  where u."workspaceId" = w."workspaceId" and u."featureCode" = d."featureCode" and u."periodStart" = d."periodStart"
)`,
  },
  {
    isNeeded: ({ wallet }) => wallet.refundedUses !== undefined,
    sql: `
refundedCreditUsage as (
  update "CreditUsage" u
  set status = 'REFUNDED', "updatedAt" = $3
  from wallet w
  where u."workspaceId" = w."workspaceId" and u.id = any(w."refundedUses")
), refundedAIUsage as (
  update "AIUsage" u
  set status = 'REFUNDED', "updatedAt" = $3
  from wallet w
  where u."workspaceId" = w."workspaceId" and u.id = any(w."refundedUses")
)`,
  },
];
