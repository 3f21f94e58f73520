import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { testDatabase } from '../../test/database.ts';

// One row of each table that has rules; a rule is tried by breaking it in that row.
const database = await testDatabase();
after(() => database.drop());
const { pool } = database;
await pool.query(`
  insert into "Workspace" (id, name) values ('ws', ''), ('other', '');
  insert into "PaymentUser" (id, "userId", email, "paymentPlatform") values ('pu', 'u', 'a@example.com', 'STRIPE');
  insert into "Payment" (id, amount, currency, status, "paymentPlatform", "paymentId", "paymentUserId", credits)
    values ('pay', 10, 'usd', 'SUCCEEDED', 'STRIPE', 'pi', 'pu', 1000);
  insert into "Reversal" (id, "paymentId", kind, amount, currency, status) values ('re', 'pay', 'REFUND', 1, 'usd', 'PENDING');
  insert into "RefundRequest" (id, "paymentId", amount, asked) values ('rr', 'pay', 1, 1);
  insert into "AutoTopUp" ("workspaceId", "paymentUserId", threshold, pack, currency, "monthlyMax", status)
    values ('ws', 'pu', 100, 'small', 'usd', 50, 'READY');
  insert into "Checkout" (id, "workspaceId", "paymentUserId", status, amount, currency, credits)
    values ('co', 'ws', 'pu', 'OPEN', 10, 'usd', 1000);
  insert into "PaidPeriod" (id, "workspaceId", "subscriptionId", "invoiceId", plan, "startDate", "endDate")
    values ('il', 'ws', 's', 'in', 'PRO', now(), now() + interval '1 month');
  insert into "PlanCredit" ("workspaceId", "subscriptionId", month, plan, amount, "grantId")
    values ('ws', 's', now(), 'PRO', 500, 'gr');
  insert into "FeatureUsage" (id, "workspaceId", "featureCode", "periodStart", used) values ('fu', 'ws', 'f', now(), 1);
  insert into "Credit" (id, "workspaceId", balance, total, "totalUsage", expired, "clawedBack")
    values ('cr', 'ws', 4, 10, 3, 2, 1), ('other', 'other', 0, 0, 0, 0, 0);
  insert into "CreditRecord" (id, amount, type, "workspaceId", "paymentUserId") values ('rec', 0, 'PURCHASE', 'ws', 'pu');
  insert into "CreditGrant" (id, "workspaceId", type, amount, remaining, expired, "clawedBack", description)
    values ('gr', 'ws', 'PROMOTION', 10, 4, 2, 1, '');
  insert into "Hold" (id, "workspaceId", "featureCode", amount, "fromAllowance", "fromCredits", "creditCost", sources,
      "creditsPerUnit", "ttlSeconds", "expiresAt", "onExpire")
    values ('op', 'ws', 'f', 3, 1, 2, 2, '[]', 1, 60, now() + interval '1 minute', 'release');
  insert into "DebtPayment" ("debtorId", "payerId", "workspaceId", amount) values ('gr', 'gr', 'ws', 1);
  insert into "CreditUsage" (id, "workspaceId", "featureCode", amount, description, status)
    values ('cu', 'ws', 'f', 1, '', 'SUCCEEDED');
  insert into "AIUsage" (id, "workspaceId", type, points, "freePoints", "paidPoints", "pageId")
    values ('ai', 'ws', 'TEXT_CHAT', 3, 1, 2, 'p');
  insert into "Decision" (id, "workspaceId", operation, "featureCode", amount, "fromAllowance", "fromCredits", "creditCost",
      plan, "catalogVersion", "idempotencyKey", fingerprint, reasons)
    values ('op', 'ws', 'USE', 'f', 3, 1, 2, 2, 'FREE', 'v', 'key', 'print', '{}');
  insert into "Subscription" (id, "paymentPlatform", "subscriptionId", status, "workspaceId", plan, "startDate", "endDate")
    values ('sub', 'STRIPE', 's', 'ACTIVE', 'ws', 'PRO', now(), now());
  insert into "ApiKey" (id, hash) values ('key', repeat('0af', 21) || '9');
  insert into "Simulator" (journal) values ('sim');
  insert into "TestClock" default values`);

const broken: [table: string, change: string, rule: string][] = [
  ['Payment', 'amount = -0.000001', 'Payment_amounts_check'],
  ['Payment', 'credits = -1', 'Payment_amounts_check'],
  ['Payment', 'refunded = -1', 'Payment_reversed_check'],
  ['Payment', 'disputed = -1', 'Payment_reversed_check'],
  ['Payment', '"readingApplied" = 1', 'Payment_readings_check'],
  ['PaymentUser', '"readingApplied" = 1', 'PaymentUser_readings_check'],
  ['Reversal', 'amount = -1', 'Reversal_amount_check'],
  ['Reversal', `status = 'LOST'`, 'Reversal_status_check'],
  ['Reversal', `kind = 'DISPUTE'`, 'Reversal_status_check'],
  ['RefundRequest', 'amount = 0', 'RefundRequest_amount_check'],
  ['RefundRequest', 'asked = 0', 'RefundRequest_amount_check'],
  ['Checkout', 'amount = 0', 'Checkout_amounts_check'],
  ['Checkout', 'credits = 0', 'Checkout_amounts_check'],
  ['Checkout', 'credits = null', 'Checkout_wanted_check'],
  ['Checkout', `plan = 'PRO', interval = 'month'`, 'Checkout_wanted_check'],
  ['Checkout', `plan = 'PRO', credits = null`, 'Checkout_wanted_check'],
  ['Checkout', `plan = 'PRO', credits = null, interval = 'week'`, 'Checkout_wanted_check'],
  ['Checkout', '"trialDays" = 14', 'Checkout_wanted_check'],
  ['PaidPeriod', '"endDate" = "startDate"', 'PaidPeriod_dates_check'],
  ['PlanCredit', 'amount = 0', 'PlanCredit_amount_check'],
  ['Subscription', `interval = 'week'`, 'Subscription_interval_check'],
  ['Subscription', `"pendingPlan" = 'BASIC'`, 'Subscription_pending_check'],
  ['FeatureUsage', 'used = -0.000001', 'FeatureUsage_used_check'],
  ['FeatureUsage', '"periodEnd" = "periodStart"', 'FeatureUsage_periodEnd_check'],
  ['Credit', 'balance = balance + 0.000001', 'Credit_identity_check'],
  ['Credit', 'expired = expired + 1', 'Credit_identity_check'],
  ['Credit', 'balance = -1, total = 5', 'Credit_amounts_check'],
  ['Credit', 'total = -1, "totalUsage" = -8', 'Credit_amounts_check'],
  ['Credit', '"totalUsage" = -1, total = 6', 'Credit_amounts_check'],
  ['Credit', 'expired = -1, total = 7', 'Credit_amounts_check'],
  ['Credit', '"clawedBack" = -1, total = 8', 'Credit_amounts_check'],
  ['Credit', 'debt = -1', 'Credit_debt_check'],
  ['Credit', '"topUpBelow" = 0', 'Credit_topUpBelow_check'],
  ['Credit', 'held = -0.000001', 'Credit_held_check'],
  ['Credit', 'held = 4.000001', 'Credit_held_check'],
  ['Hold', 'amount = 4', 'Hold_amounts_check'],
  ['Hold', 'amount = 0, "fromAllowance" = 0, "fromCredits" = 0, "creditCost" = 0', 'Hold_amounts_check'],
  ['Hold', '"fromAllowance" = -1, "fromCredits" = 4', 'Hold_amounts_check'],
  ['Hold', '"fromAllowance" = 4, "fromCredits" = -1', 'Hold_amounts_check'],
  ['Hold', '"creditCost" = -1', 'Hold_amounts_check'],
  ['Hold', '"creditCost" = 0', 'Hold_amounts_check'],
  ['Hold', '"creditsPerUnit" = null', 'Hold_amounts_check'],
  ['Hold', '"settledAmount" = 1', 'Hold_status_check'],
  ['Hold', `status = 'SETTLED', "settledAmount" = 1`, 'Hold_status_check'],
  ['Hold', `status = 'SETTLED', "endedBy" = 'op'`, 'Hold_status_check'],
  ['Hold', `status = 'SETTLED', "endedBy" = 'op', "settledAmount" = -1`, 'Hold_status_check'],
  ['Hold', `"endedBy" = 'op'`, 'Hold_status_check'],
  ['Hold', '"progressAmount" = -1', 'Hold_status_check'],
  ['Hold', `"onExpire" = 'keep'`, 'Hold_expiry_check'],
  ['Hold', '"ttlSeconds" = 0', 'Hold_expiry_check'],
  ['Hold', '"ttlSeconds" = 86401', 'Hold_expiry_check'],
  ['Hold', '"expiresAt" = "createdAt"', 'Hold_expiry_check'],
  ['Hold', `"aiType" = 'TEXT_CHAT'`, 'Hold_ai_check'],
  ['Hold', `"pageId" = 'p'`, 'Hold_ai_check'],
  ['AutoTopUp', 'threshold = 0', 'AutoTopUp_amounts_check'],
  ['AutoTopUp', '"monthlyMax" = 0', 'AutoTopUp_amounts_check'],
  ['AutoTopUp', 'declines = -1', 'AutoTopUp_declines_check'],
  ['AutoTopUp', `status = 'STOPPED'`, 'AutoTopUp_status_check'],
  ['AutoTopUp', `why = 'lost_card'`, 'AutoTopUp_status_check'],
  ['AutoTopUp', `status = 'BACKING_OFF', why = 'declined'`, 'AutoTopUp_status_check'],
  ['AutoTopUp', '"nextTryAt" = now()', 'AutoTopUp_status_check'],
  ['CreditRecord', 'amount = -1', 'CreditRecord_amount_check'],
  ['CreditGrant', 'amount = 0, remaining = 0, expired = 0, "clawedBack" = 0', 'CreditGrant_amount_check'],
  ['CreditGrant', 'remaining = -1', 'CreditGrant_remaining_check'],
  ['CreditGrant', 'expired = -1', 'CreditGrant_remaining_check'],
  ['CreditGrant', '"clawedBack" = -1', 'CreditGrant_remaining_check'],
  ['CreditGrant', 'remaining = 7.000001', 'CreditGrant_remaining_check'],
  ['CreditGrant', 'debt = -1', 'CreditGrant_reversed_check'],
  ['CreditGrant', 'reversed = 1, debt = 2', 'CreditGrant_reversed_check'],
  ['CreditGrant', 'reversed = 10.000001', 'CreditGrant_reversed_check'],
  ['DebtPayment', 'amount = -1', 'DebtPayment_amount_check'],
  ['CreditUsage', 'amount = -1', 'CreditUsage_amount_check'],
  ['AIUsage', 'points = 4', 'AIUsage_points_check'],
  ['AIUsage', '"freePoints" = -1, "paidPoints" = 4', 'AIUsage_points_check'],
  ['AIUsage', '"freePoints" = 4, "paidPoints" = -1', 'AIUsage_points_check'],
  ['Decision', 'amount = 4', 'Decision_use_check'],
  ['Decision', 'amount = 0, "fromAllowance" = 0, "fromCredits" = 0', 'Decision_use_check'],
  ['Decision', '"featureCode" = null', 'Decision_use_check'],
  ['Decision', `operation = 'HOLD', amount = 4`, 'Decision_use_check'],
  ['Decision', `operation = 'SETTLE', amount = 4`, 'Decision_use_check'],
  ['Decision', `operation = 'GRANT', amount = -1`, 'Decision_amounts_check'],
  ['Decision', '"fromAllowance" = -1, "fromCredits" = 4', 'Decision_amounts_check'],
  ['Decision', '"fromAllowance" = 4, "fromCredits" = -1', 'Decision_amounts_check'],
  ['Decision', '"creditCost" = -1', 'Decision_amounts_check'],
  ['Decision', `operation = 'REFUND'`, 'Decision_refund_check'],
  ['Decision', `"refundOf" = 'op'`, 'Decision_refund_check'],
  ['Decision', `operation = 'REFUND', code = 'not_refundable', "refundOf" = 'op'`, 'Decision_refund_check'],
  ['Decision', 'fingerprint = null', 'Decision_key_check'],
  ['ApiKey', `hash = 'sk_plain'`, 'ApiKey_hash_check'],
  ['Simulator', 'id = 2', 'Simulator_id_check'],
  ['TestClock', 'id = 2', 'TestClock_id_check'],
];

for (const [table, change, rule] of broken) {
  test(`${table} refuses ${change}`, () =>
    assert.rejects(
      pool.query(`update "${table}" t set ${change} where to_jsonb(t) ->> 'id' is distinct from 'other'`),
      (error: { constraint?: string }) => error.constraint === rule,
    ));
}

test('every rule of the database is tried here', async () => {
  const { rows } = await pool.query<{ conname: string }>(
    `select conname from pg_constraint where contype = 'c' and connamespace = 'public'::regnamespace and convalidated`,
  );
  assert.deepEqual(new Set(broken.map(([, , rule]) => rule)), new Set(rows.map(({ conname }) => conname)));
});

test('whoever adds, changes, moves or removes a subscription, the states of its workspaces are stale', async () => {
  const versions = async () => {
    const { rows } = await pool.query<{ version: number }>(
      'select version from "Credit" order by "workspaceId" desc',
    );
    return rows.map(({ version }) => Number(version));
  };
  const [before] = await versions();
  const moved = async () => {
    const [ws, other] = await versions();
    return [ws! - before!, other];
  };
  await pool.query('delete from "Subscription"');
  assert.deepEqual(await moved(), [1, 0]);
  await pool.query(`
    insert into "Subscription" (id, "paymentPlatform", "subscriptionId", status, "workspaceId", plan, "startDate", "endDate")
    values ('sub', 'STRIPE', 's', 'ACTIVE', 'ws', 'PRO', now(), now())`);
  assert.deepEqual(await moved(), [2, 0]);
  await pool.query(`update "Subscription" set status = 'CANCELED'`);
  assert.deepEqual(await moved(), [3, 0]);
  await pool.query(`update "Subscription" set "workspaceId" = 'other'`);
  assert.deepEqual(await moved(), [4, 1]);
  await pool.query('delete from "Subscription"');
  assert.deepEqual(await moved(), [4, 2]);
});

test('no index holds a column that changes with every use, or with every report of progress', async () => {
  const { rows } = await pool.query(`
    select indexrelid::regclass::text as index, attname as column
    from pg_index join pg_attribute on attrelid = indrelid
    where (
      indrelid in ('"Credit"'::regclass, '"CreditGrant"'::regclass, '"FeatureUsage"'::regclass)
      and attname in ('balance', 'total', 'totalUsage', 'expired', 'clawedBack', 'version', 'remaining', 'used', 'updatedAt')
      or indrelid = '"Hold"'::regclass and attname in ('progressAmount', 'expiresAt', 'work', 'updatedAt')
    ) and (attnum = any(indkey) or pg_get_expr(indpred, indrelid) like '%' || attname || '%')`);
  assert.deepEqual(rows, []);
});
