import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { type RawBuilder, sql } from 'kysely';
import { testDatabase } from '../../test/database.ts';
import { makeHistory } from '../../test/history.ts';
import { audit, CHECKS, type CheckReport, checkAll } from './audit.ts';
import { printAudit } from './print.ts';
import type { Failure } from './store.ts';

const database = await testDatabase();
after(() => database.drop());
await makeHistory(database);
const now = new Date('2026-01-31T10:00:00Z');

test('after uses, refusals, refunds, grants, expiries and AI work the audit is clean', async () => {
  const report = await audit(database.db, { now });
  assert.deepEqual(
    report.checks.filter((check) => !check.ok),
    [],
  );
  assert.equal(report.ok, true);
  assert.equal(report.checkedAt, '2026-01-31T10:00:00.000Z');
  for (const { name, checked } of report.checks) assert(checked > 0, `${name} had rows to look at`);
});

test('an empty database is clean', async () => {
  const empty = await testDatabase();
  const { ok, checks } = await audit(empty.db, { now }).finally(() => empty.drop());
  assert.equal(ok, true);
  assert(checks.every(({ checked }) => checked === 0));
});

test('every check has its own name, and one row below that breaks it', () => {
  const names = CHECKS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual([...new Set(CORRUPTIONS.map(([name]) => name))].sort(), names.sort());
});

type Corruption = [
  check: string,
  /** Spoils one row and returns what the failure has to name. */
  spoil: RawBuilder<Record<string, unknown>>,
  /** Checks that have to see it, too. */
  others?: string[],
];

const IDENTITY = 'a balance is the total less what was used, expired or clawed back';
const BALANCE = 'a balance is what the grants have left';
const TOTAL = 'a total is the sum of all grants';
const USAGE =
  'the usage of a wallet is what was used less what refunds gave back, and its version moved with each';
const LOSSES = 'what expired or was clawed back is the same in a wallet and its grants';
const GRANT = 'a grant is what is left, spent, expired and clawed back of it, as decisions say';
const GRANTED = 'every grant was decided, and is as it was decided';
const DEBT = 'the debt of a wallet is what its grants owe';
const REVERSED = 'what is reversed of a purchase is taken back from it, owed, or paid by later ones';
const OWED = 'of a reversed purchase, what was spent beyond what it still gives is owed, and no more';
const REVERSAL = 'a purchase is reversed and owes as decisions say';
const DEBT_PAID = 'what a purchase paid for earlier ones is as decisions say';
const PRICE = 'what is used or held is covered by allowance and credits, at the price that was decided on';
const HELD = 'what a wallet says is held is what its open holds keep';
const KEPT = 'no grant has less left than open holds keep of it';
const HOLD = 'a hold is as it was decided, and its cost is that of the grants that it names';
const ENDED =
  'a hold that is not open was ended once, by the decision that it names, and an open one by none';
const THERE = 'every hold that was reported on or ended is there';
const LIFE = 'no hold lives longer than a day after anybody was heard of';
const REFUSAL = 'a refusal takes nothing';
const LIMIT = 'no use and no hold has taken more than the allowance';
const SOURCES =
  'credits that were taken, given back or expired are those of the grants that a decision names';
const REFUND = 'a use is refunded at most once, and all of it';
const KEY = 'an idempotency key has decided one thing in a workspace';
const CATALOG = 'the catalog that a decision was made with is kept';
const PERIOD = 'the allowance that was used in a period is what uses took and refunds gave back';
const CREDIT_USAGE =
  'every use that credits paid for, or could not, has its CreditUsage, and no other has one';
const POINTS = 'AI points are free points and paid points';
const AI_USAGE = 'every use for AI has its AIUsage, with the points that were decided';
const WORK = "the points of a model's work are what its price makes of its cost, rounded up";
const PAID_POINTS = 'every paid AI point has its CreditUsage';
const PAYMENT = 'every succeeded payment for credits has one purchase and one grant of as many';
const PURCHASE = 'every purchase with a payment belongs to a succeeded one, of the same payer and workspace';
const PURCHASE_GRANT = 'every purchase has one grant of its credits, and every bought grant its purchase';
const MONEY = 'what is refunded and disputed of a payment is what its reversals come to';
const PROPORTION = 'as much of a purchase is reversed as of its payment, and no more than all';
const PLAN_GRANT = 'credits that came with a plan are noted once, with their grant';
const PLAN_PAID = 'what came with a plan was paid for, in a period that the month lies in';
const PERIOD_PAID = 'what is paid for has a payment that succeeded, of the same workspace, or cost nothing';
const PLAN_PROPORTION = 'as much of the credits of a plan is reversed as of its payment';
const TOP_UP = 'a top-up that is complete has one payment, which succeeded, of its money and credits';
const ASKS = 'uses ask for a top-up while one is ready, and only then';
const ZERO = 'nothing is below zero';
const WORKSPACE = 'every row belongs to a workspace that is there';

/** One row that satisfies a condition. */
const one = (table: string, condition: string) =>
  sql.raw(
    `(id, "workspaceId") = (select id, "workspaceId" from "${table}" where ${condition} order by id limit 1)`,
  );
const PAID_USE = `operation = 'USE' and code is null and "creditCost" > 0
  and not exists (select from "Decision" r where r."refundOf" = "Decision".id)`;

const OPEN_HOLD = one('Hold', `status = 'HELD'`);
const SETTLED_HOLD = one('Hold', `status = 'SETTLED'`);

const CORRUPTIONS: Corruption[] = [
  [HELD, sql`update "Credit" set held = held + 1 where "workspaceId" = 'ws_f' returning "workspaceId"`],
  [
    KEPT,
    sql`
      update "Hold" set sources = jsonb_set(sources, '{0,amount}', '100.5'), "creditCost" = 100.5
      where ${OPEN_HOLD} returning sources #>> '{0,grantId}' as "grantId"`,
    [HELD, HOLD, OWED],
  ],
  [HOLD, sql`update "Hold" set amount = amount + 1 where ${OPEN_HOLD} returning id`],
  [HOLD, sql`update "Hold" set sources = '[]' where ${SETTLED_HOLD} and "creditCost" > 0 returning id`],
  [ENDED, sql`update "Hold" set "settledAmount" = "settledAmount" + 1 where ${SETTLED_HOLD} returning id`],
  [
    ENDED,
    sql`update "Hold" set status = 'RELEASED', "settledAmount" = null where ${SETTLED_HOLD} returning id, "endedBy"`,
  ],
  [
    ENDED,
    sql`
      insert into "Decision" (id, "workspaceId", operation, "featureCode", amount, plan, "catalogVersion", reasons)
      select 'op_again', "workspaceId", 'SETTLE', "featureCode", 0, plan, "catalogVersion", reasons - 'sources'
      from "Decision"
      where ${one('Decision', `operation = 'RELEASE'`)}
      returning reasons #>> '{hold,id}' as id`,
    [USAGE],
  ],
  [
    THERE,
    sql`
      update "Decision" set reasons = jsonb_set(reasons, '{hold,id}', '"op_nowhere"')
      where ${one('Decision', `operation = 'PROGRESS'`)} returning id`,
  ],
  [
    LIFE,
    sql`update "Hold" set "expiresAt" = "updatedAt" + interval '25 hours' where ${OPEN_HOLD} returning id`,
  ],
  [
    IDENTITY,
    sql`update "Credit" set "totalUsage" = "totalUsage" + 0.000001 where "workspaceId" = 'ws_a' returning "workspaceId"`,
    [USAGE],
  ],
  [
    BALANCE,
    sql`update "Credit" set balance = balance + 1, total = total + 1 where "workspaceId" = 'ws_a' returning "workspaceId"`,
    [TOTAL],
  ],
  [
    TOTAL,
    sql`update "Credit" set total = total + 1, expired = expired + 1 where "workspaceId" = 'ws_a' returning "workspaceId"`,
    [LOSSES],
  ],
  [
    TOTAL,
    sql`delete from "Credit" where "workspaceId" = 'ws_a' returning "workspaceId"`,
    [BALANCE, USAGE, LOSSES, DEBT],
  ],
  [
    USAGE,
    sql`update "Credit" set "totalUsage" = "totalUsage" - 1, total = total - 1 where "workspaceId" = 'ws_c' returning "workspaceId"`,
    [TOTAL],
  ],
  [
    LOSSES,
    sql`update "Credit" set "clawedBack" = 0.1, expired = expired - 0.1 where "workspaceId" = 'ws_c' returning "workspaceId"`,
  ],
  [
    GRANT,
    sql`update "CreditGrant" set remaining = remaining - 1, "clawedBack" = 2 where ${one('CreditGrant', 'remaining > 1')} returning id`,
    [BALANCE, LOSSES, REVERSED],
  ],
  [
    GRANT,
    sql`
      update "Decision" set reasons = jsonb_set(reasons, '{clawedBack,0,amount}', '31')
      where ${one('Decision', `operation = 'CLAW_BACK'`)} returning reasons #>> '{reversal,grantId}' as id`,
  ],
  [DEBT, sql`update "Credit" set debt = debt + 1 where "workspaceId" = 'ws_d' returning "workspaceId"`],
  [
    REVERSED,
    sql`update "CreditGrant" set reversed = reversed - 1 where "creditRecordId" = 'rec_back' returning id`,
    [REVERSAL, PROPORTION],
  ],
  [
    OWED,
    sql`
      update "CreditGrant" set remaining = remaining + 1, "clawedBack" = "clawedBack" - 1, debt = debt + 1
      where "creditRecordId" = 'rec_next' returning id`,
    [BALANCE, LOSSES, GRANT, DEBT, REVERSAL],
  ],
  [
    REVERSAL,
    sql`
      update "Decision" set reasons = jsonb_set(reasons, '{reversal,before}', '1')
      where ${one('Decision', `operation = 'CLAW_BACK'`)} returning reasons #>> '{reversal,grantId}' as id`,
  ],
  [
    REVERSAL,
    sql`
      update "Decision" set reasons = jsonb_set(reasons, '{debts,0,amount}', '69')
      where ${one('Decision', `operation = 'CLAW_BACK'`)} returning reasons #>> '{reversal,grantId}' as id`,
  ],
  [
    DEBT_PAID,
    sql`update "DebtPayment" set amount = amount + 1 returning "debtorId", "payerId"`,
    [REVERSED, OWED],
  ],
  [
    GRANT,
    sql`
      update "Decision" set reasons = jsonb_set(reasons, '{sources,0,grantId}', '"op_elsewhere"')
      where ${one('Decision', PAID_USE)} returning 'op_elsewhere' as id`,
  ],
  [
    GRANTED,
    sql`update "CreditGrant" set priority = priority + 1 where ${one('CreditGrant', 'true')} returning id`,
  ],
  [USAGE, sql`update "Credit" set version = 3 where "workspaceId" = 'ws_a' returning "workspaceId"`],
  [
    PRICE,
    sql`
      update "Decision" set reasons = jsonb_set(reasons, '{creditsPerUnit}', '0.4')
      where ${one('Decision', PAID_USE)} returning id, "workspaceId"`,
  ],
  [
    PRICE,
    sql`
      update "Decision" set amount = amount + 1
      where ${one(
        'Decision',
        `operation = 'USE' and code is null and reasons -> 'ai' is null and "creditCost" = 0
        and not exists (select from "Decision" r where r."refundOf" = "Decision".id)`,
      )} returning id`,
  ],
  [
    REFUSAL,
    sql`update "Decision" set "fromCredits" = 1 where ${one('Decision', 'code is not null')} returning id, code`,
  ],
  [
    LIMIT,
    sql`
      update "Decision" set reasons = jsonb_set(reasons, '{allowance,limit}', '1')
      where ${one('Decision', `operation = 'USE' and code is null and "fromAllowance" > 1 and "periodStart" is not null`)}
      returning id, "featureCode"`,
  ],
  [
    SOURCES,
    sql`
      update "Decision" set reasons = jsonb_set(reasons, '{sources,0,amount}', '7777')
      where ${one('Decision', PAID_USE)} returning id`,
    [GRANT],
  ],
  [
    REFUND,
    sql`update "Decision" set amount = amount + 1 where ${one('Decision', `operation = 'REFUND'`)} returning id, "refundOf"`,
  ],
  [
    REFUND,
    sql`
      insert into "Decision" (id, "workspaceId", operation, amount, "refundOf", plan, "catalogVersion", reasons)
      select 'op_again', "workspaceId", 'REFUND', amount, "refundOf", plan, "catalogVersion", '{}'
      from "Decision"
      where operation = 'REFUND' and "creditCost" = 0
      returning id`,
    [USAGE],
  ],
  [
    KEY,
    sql`update "Decision" set "idempotencyKey" = 'key 1' where "idempotencyKey" = 'key 2' returning "idempotencyKey"`,
  ],
  [
    CATALOG,
    sql`
      update "Decision" set "catalogVersion" = 'cat_lost' where ${one('Decision', 'true')}
      returning "catalogVersion", id as "firstId"`,
  ],
  [PERIOD, sql`update "FeatureUsage" set used = used + 1 where ${one('FeatureUsage', 'true')} returning id`],
  [
    PERIOD,
    sql`delete from "FeatureUsage" where ${one('FeatureUsage', 'true')} returning "featureCode", "workspaceId"`,
  ],
  [
    PERIOD,
    sql`
      insert into "FeatureUsage" (id, "workspaceId", "featureCode", "periodStart", used)
      values ('op_00000000000000000000000000', 'ws_a', 'api.calls', now(), 0) returning id`,
  ],
  [
    CREDIT_USAGE,
    sql`update "CreditUsage" set amount = amount + 1 where ${one('CreditUsage', `status = 'FAILED'`)} returning id`,
  ],
  [
    CREDIT_USAGE,
    sql`
      delete from "CreditUsage" where ${one('CreditUsage', `status = 'SUCCEEDED' and "featureCode" = 'api.calls'`)}
      returning id, "workspaceId"`,
  ],
  [
    CREDIT_USAGE,
    sql`
      update "CreditUsage" set status = 'SUCCEEDED'
      where ${one('CreditUsage', `status = 'REFUNDED' and "featureCode" = 'api.calls'`)} returning id`,
  ],
  [
    CREDIT_USAGE,
    sql`
      insert into "CreditUsage" (id, "workspaceId", "featureCode", amount, description, status, "createdAt")
      values ('by hand', 'ws_a', 'api.calls', 1, '', 'SUCCEEDED', now() + interval '2 days') returning id`,
  ],
  [
    POINTS,
    sql`update "AIUsage" set points = points + 1 where ${one('AIUsage', 'true')} returning id`,
    [AI_USAGE],
  ],
  [
    AI_USAGE,
    sql`update "AIUsage" set "pageId" = 'another' where ${one('AIUsage', 'true')} returning id, "workspaceId"`,
  ],
  [AI_USAGE, sql`delete from "AIUsage" where ${one('AIUsage', '"paidPoints" = 0')} returning id`],
  [
    WORK,
    sql`
      update "Decision" set reasons = jsonb_set(reasons, '{ai,work,costUsd}', '0.101')
      where ${one('Decision', `operation = 'USE' and reasons -> 'ai' ? 'work'`)} returning id`,
  ],
  [
    WORK,
    sql`
      update "Decision" set reasons = jsonb_set(reasons, '{ai,work,price,markup}', '0.5')
      where ${one('Decision', `operation = 'SETTLE' and reasons -> 'ai' ? 'work'`)} returning id`,
  ],
  [
    PAID_POINTS,
    sql`delete from "CreditUsage" where ${one('CreditUsage', `"featureCode" = 'ai.points'`)} returning id`,
    [CREDIT_USAGE],
  ],
  [PAYMENT, sql`update "Payment" set status = 'SUCCEEDED' where id = 'pay_open' returning id`],
  [PAYMENT, sql`update "Payment" set credits = 99 where id = 'pay' returning id`],
  [
    PURCHASE,
    sql`update "Payment" set status = 'FAILED' where id = 'pay' returning 'rec' as id, id as "paymentId"`,
  ],
  [PURCHASE, sql`update "CreditRecord" set "paymentUserId" = 'somebody' where id = 'rec' returning id`],
  [PURCHASE_GRANT, sql`update "CreditRecord" set amount = 101 where id = 'rec' returning id`, [PAYMENT]],
  [MONEY, sql`update "Payment" set refunded = 3 where id = 'pay_open' returning id`],
  [MONEY, sql`update "Reversal" set status = 'WON' where id = 'dp_back' returning "paymentId" as id`],
  [PROPORTION, sql`update "Payment" set disputed = disputed - 1 where id = 'pay_back' returning id`, [MONEY]],
  [
    TOP_UP,
    sql`update "Checkout" set status = 'OPEN' where id = 'co' returning id, 'pay_next' as "paymentId"`,
  ],
  [TOP_UP, sql`update "Checkout" set credits = 51 where id = 'co' returning id`],
  [ASKS, sql`update "Credit" set "topUpBelow" = 2 where "workspaceId" = 'ws_b' returning "workspaceId"`],
  [ASKS, sql`update "Credit" set "topUpBelow" = 2 where "workspaceId" = 'ws_a' returning "workspaceId"`],
  [ASKS, sql`update "AutoTopUp" set threshold = 2 returning "workspaceId"`],
  [
    ZERO,
    sql`update "Payment" set amount = -0.000001 where id = 'pay_open' returning id, 'Payment' as "table"`,
  ],
  [
    WORKSPACE,
    sql`update "Payment" set "workspaceId" = 'nowhere' where id = 'pay_open' returning id, 'Payment' as "table"`,
  ],
  [
    WORKSPACE,
    sql`
      update "Decision" set "workspaceId" = 'nowhere' where ${one('Decision', `code = 'feature_not_in_plan'`)}
      returning id, 'Decision' as "table"`,
    [USAGE],
  ],
  [PLAN_GRANT, sql`update "PlanCredit" set amount = amount * 2 returning "grantId" as id`, [PLAN_PROPORTION]],
  [PLAN_GRANT, sql`delete from "PlanCredit" returning "grantId" as id`],
  [
    PLAN_GRANT,
    sql`insert into "PlanCredit" select "workspaceId", "subscriptionId", month, 'BASIC', amount, "grantId", "paymentId"
      from "PlanCredit" returning "grantId" as id`,
  ],
  [PLAN_PAID, sql`update "PlanCredit" set plan = 'ENTERPRISE' returning "grantId" as id`],
  [
    PLAN_PAID,
    sql`update "PaidPeriod" set "endDate" = "startDate" - interval '1 day' returning (select "grantId" from "PlanCredit") as id`,
  ],
  [PERIOD_PAID, sql`update "Payment" set status = 'FAILED' where id = 'pay_plan' returning 'il' as id`],
  [
    PLAN_PROPORTION,
    sql`update "Payment" set amount = 40 where id = 'pay_plan' returning (select "grantId" from "PlanCredit") as id`,
  ],
];

for (const [name, spoil, others = []] of CORRUPTIONS) {
  test(`"${name}" is seen when it is broken: ${title(spoil)}`, async () => {
    const { named, reports } = await spoiled(spoil);
    const broken = reports.filter((check) => !check.ok);
    assert.deepEqual(broken.map((check) => check.name).sort(), [name, ...others].sort());
    assertNames(broken.find((check) => check.name === name)!.failures, named);
  });
}

for (const [month, paidFrom, isIn] of [
  ['2026-03-15', '2026-04-14', true],
  ['2026-03-15', '2026-04-15', false],
  ['2026-01-29', '2026-02-27', true],
  ['2026-01-29', '2026-02-28', false],
  // Counted from the 31st.
  ['2026-01-31', '2026-02-27', true],
  ['2026-01-31', '2026-02-28', false],
  ['2026-02-28', '2026-03-30', true],
  ['2026-02-28', '2026-03-31', false],
  ['2026-04-30', '2026-05-30', true],
  ['2026-04-30', '2026-05-31', false],
] as const) {
  test(`of a month from ${month}, ${paidFrom} is ${isIn ? 'a day' : 'no day'}`, async () => {
    const { reports } = await spoiled(sql`
      with moved as (update "PaidPeriod" set "startDate" = ${`${paidFrom}T12:00Z`}, "endDate" = '2027-01-01')
      update "PlanCredit" set month = ${`${month}T12:00Z`} returning month`);
    assert.equal(reports.find(({ name }) => name === PLAN_PAID)!.ok, isIn);
  });
}

test('a broken audit prints the rows, a clean one a line for each invariant', async () => {
  const clean = await audit(database.db, { now });
  const lines = printAudit(clean).split('\n');
  assert.equal(lines.length, CHECKS.length + 3);
  assert.match(lines[1]!, /^ok +6 {2}a balance is the total less/);
  assert.equal(lines.at(-1), `Audit of 2026-01-31T10:00:00.000Z: all ${CHECKS.length} invariants hold.`);

  const { reports } = await spoiled(sql`update "FeatureUsage" set used = used + 1 returning id`);
  const text = printAudit({ ok: false, checkedAt: now.toISOString(), checks: reports });
  assert.match(text, /\nNO +\d+ {2}the allowance that was used in a period/);
  assert.match(text, /\n +\{"id":"op_/);
  assert.match(text, /: 1 of \d+ invariants are broken\.$/);
});

/** Two refunds of one use are both named; everything else is one row. */
function assertNames(failures: Failure[], named: Record<string, unknown>): void {
  const isNamed = (failure: Failure) =>
    Object.entries(named).every(([name, value]) => failure[name] === value);
  assert(
    failures.length <= 2 && failures.some(isNamed),
    `${JSON.stringify(failures)} names ${JSON.stringify(named)}`,
  );
}

/** What the audit finds after one row was spoiled, with all that protects rows taken away; then it is undone. */
async function spoiled(
  spoil: RawBuilder<Record<string, unknown>>,
): Promise<{ named: Record<string, unknown>; reports: CheckReport[] }> {
  const transaction = await database.db.startTransaction().execute();
  try {
    await sql`
      do $$
      declare
        rule record;
      begin
        for rule in
          select conrelid::regclass as "table", conname as name from pg_constraint
          where connamespace = 'public'::regnamespace and contype in ('c', 'f')
        loop
          execute format('alter table %s drop constraint %I', rule."table", rule.name);
        end loop;
        for rule in
          select indexrelid::regclass as name from pg_index
          where indisunique and not indisprimary and indrelid in ('"Decision"'::regclass, '"CreditGrant"'::regclass)
        loop
          execute format('drop index %s', rule.name);
        end loop;
      end
      $$`.execute(transaction);
    const { rows } = await spoil.execute(transaction);
    assert(rows.length > 0, 'there was a row to spoil');
    return { named: rows[0]!, reports: await checkAll(transaction) };
  } finally {
    await transaction.rollback().execute();
  }
}

function title(spoil: RawBuilder<unknown>): string {
  return spoil
    .compile(database.db)
    .sql.trim()
    .split(/\s*\n\s*/)[0]!
    .slice(0, 90);
}
