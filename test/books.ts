import assert from 'node:assert/strict';
import type pg from 'pg';

/**
 * The books added up again, from the rows alone: what must hold whatever has happened. Written apart from the audit,
 * so that neither believes the other.
 */
export async function assertBooksBalance(pool: pg.Pool): Promise<void> {
  for (const [rule, query] of Object.entries(RULES)) {
    const { rows } = await pool.query(`select * from (${query}) as broken limit 3`);
    assert.deepEqual(rows, [], rule);
  }
}

/** What open holds keep of the grant g. */
const HELD = `(
  select coalesce(sum((source ->> 'amount')::numeric), 0)
  from "Hold" h, jsonb_array_elements(h.sources) source
  where h.status = 'HELD' and source ->> 'grantId' = g.id
)`;

/** Each finds the rows that break it. */
const RULES: Record<string, string> = {
  'balance = total - totalUsage - expired - clawedBack': `
    select *
    from "Credit"
    where balance <> total - "totalUsage" - expired - "clawedBack" or balance < 0 or "totalUsage" < 0`,

  'a wallet is the sum of its grants': `
    select c."workspaceId", c.balance, c.total, c.expired, g.*
    from "Credit" c
    left join lateral (
      select
        coalesce(sum(remaining), 0) as remaining, coalesce(sum(amount), 0) as amount,
        coalesce(sum(expired), 0) as "grantsExpired", coalesce(sum("clawedBack"), 0) as "grantsClawedBack",
        coalesce(sum(debt), 0) as "grantsDebt"
      from "CreditGrant"
      where "workspaceId" = c."workspaceId"
    ) g on true
    where c.balance <> g.remaining or c.total <> g.amount or c.expired <> g."grantsExpired"
      or c."clawedBack" <> g."grantsClawedBack" or c.debt <> g."grantsDebt"`,

  'no grant holds less than nothing or more than it was': `
    select *
    from "CreditGrant"
    where remaining < 0 or remaining + expired + "clawedBack" > amount`,

  'what was spent of a purchase and what is reversed of it come to no more than it gave, but for what is owed': `
    select *
    from (
      select g.*,
        (select coalesce(sum(amount), 0) from "DebtPayment" where "debtorId" = g.id) as "paidByOthers",
        (select coalesce(sum(amount), 0) from "DebtPayment" where "payerId" = g.id) as "paidForOthers",
        ${HELD} as held
      from "CreditGrant" g
    ) g
    where reversed <> "clawedBack" - "paidForOthers" + debt + "paidByOthers"
      or (debt + "paidByOthers" > 0 and remaining - held + expired > 0)`,

  'no grant has less left than is held of it': `
    select *
    from (select g.*, ${HELD} as held from "CreditGrant" g) g
    where held > remaining`,

  'held is the cost of all open holds': `
    select c."workspaceId", c.held, c.balance
    from "Credit" c
    where c.held > c.balance
      or c.held <> (
        select coalesce(sum("creditCost"), 0) from "Hold" where "workspaceId" = c."workspaceId" and status = 'HELD'
      )`,

  'a settled hold has its usage, and no other has one': `
    select h.id, h.status, h."settledAmount", d.operation, d.amount
    from "Hold" h
    left join "Decision" d on d.id = h."endedBy" and d."workspaceId" = h."workspaceId"
    where (h.status = 'HELD') <> (d.id is null)
      or (h.status = 'SETTLED') is distinct from (coalesce(d.operation::text, '') = 'SETTLE')
      or h.status = 'SETTLED' and h."settledAmount" <> d.amount`,

  'totalUsage is what succeeded and was not refunded': `
    select c."workspaceId", c."totalUsage", u.paid
    from "Credit" c
    left join lateral (
      select coalesce(sum(amount), 0) as paid
      from "CreditUsage"
      where "workspaceId" = c."workspaceId" and status = 'SUCCEEDED'
    ) u on true
    where c."totalUsage" <> u.paid`,

  'what is counted in a period is what was decided in it': `
    select *
    from (
      select
        "workspaceId", "featureCode", "periodStart",
        sum(case operation when 'REFUND' then -"fromAllowance" else "fromAllowance" end) as decided
      from "Decision"
      where code is null and "periodStart" is not null and operation <> 'HOLD'
      group by 1, 2, 3
    ) d
    full join "FeatureUsage" u using ("workspaceId", "featureCode", "periodStart")
    where coalesce(d.decided, 0) <> coalesce(u.used, 0) or u.used < 0`,

  'every paid use has its CreditUsage, and no other has one': `
    select d.id as decided, u.id as kept, u.status, r.id as refund
    from (select * from "Decision" where operation in ('USE', 'SETTLE') and code is null and "creditCost" > 0) d
    full join (select * from "CreditUsage" where status <> 'FAILED') u
      on u.id = d.id and u."workspaceId" = d."workspaceId"
    left join "Decision" r on r."refundOf" = d.id and r."workspaceId" = d."workspaceId"
    where u.id is null or d.id is null or u.amount <> d."creditCost" or (u.status = 'REFUNDED') <> (r.id is not null)`,

  'every refusal for want of credits left a failed CreditUsage': `
    select d.id as decided, u.id as kept
    from (select * from "Decision" where code = 'insufficient_credits') d
    full join (select * from "CreditUsage" where status = 'FAILED') u
      on u.id = d.id and u."workspaceId" = d."workspaceId"
    where u.id is null or d.id is null`,

  'points = freePoints + paidPoints, and each AIUsage has its decision': `
    select a.*
    from "AIUsage" a
    left join "Decision" d on d.id = a.id and d."workspaceId" = a."workspaceId"
    where a.points <> a."freePoints" + a."paidPoints" or d.amount is distinct from a.points`,

  'a use is refunded at most once, and a key decides at most once': `
    select "workspaceId", "refundOf", "idempotencyKey", count(*)
    from "Decision"
    group by grouping sets (("workspaceId", "refundOf"), ("workspaceId", "idempotencyKey"))
    having count(*) > 1 and ("refundOf" is not null or "idempotencyKey" is not null)`,
};

/** How many rows there are in all tables that requests can write to. */
export async function countRows(pool: pg.Pool): Promise<Record<string, number>> {
  const parts = TABLES.map((table) => `(select count(*)::int4 from "${table}") as "${table}"`);
  const { rows } = await pool.query(`select ${parts.join(', ')}`);
  return rows[0];
}

const TABLES = [
  ...[
    'User',
    'Workspace',
    'PaymentUser',
    'Payment',
    'Subscription',
    'FeatureUsage',
    'Credit',
    'CreditRecord',
  ],
  ...[
    'CreditGrant',
    'DebtPayment',
    'CreditUsage',
    'AIUsage',
    'Decision',
    'Hold',
    'Checkout',
    'Reversal',
    'RefundRequest',
    'StripeEvent',
    'IdempotentRequest',
  ],
];
