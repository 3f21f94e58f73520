import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { testDatabase } from '../../test/database.ts';
import { makeHistory } from '../../test/history.ts';
import { Refusal } from '../lib/errors.ts';
import { explainDecision, explainedDecisionSchema } from './decisions.ts';

const database = await testDatabase();
after(() => database.drop());
await makeHistory(database);

async function find(condition: string): Promise<string[]> {
  const { rows } = await database.pool.query<{ id: string }>(
    `select id from "Decision" where ${condition} order by id`,
  );
  return rows.map(({ id }) => id);
}

for (const [condition, why] of [
  [`operation = 'USE' and "featureCode" = 'sso' and code is null`, /^The plan PRO includes sso\.$/],
  [`amount = 150`, /^ai\.points: 150 from the allowance of FREE, of which 150 of 200 is used now\.$/],
  [
    `operation = 'USE' and amount = 80`,
    /^ai\.points: 50 from the allowance of FREE, of which 200 of 200 is used now; 30 for 30 credits, at 1 each\.$/,
  ],
  [
    `"idempotencyKey" = 'key 1'`,
    /^api\.calls: 1 for 0\.5 credits, at 0\.5 each; nothing is left of the allowance of FREE\.$/,
  ],
  [
    `code = 'limit_reached'`,
    /^100 is more than is left of the allowance of api\.calls \(6 of 10 is used\): ask for up to 4; it does not start anew\.$/,
  ],
  [`code = 'feature_not_in_plan'`, /^The plan FREE does not include sso: change to PRO or ENTERPRISE\.$/],
  [`code = 'insufficient_credits' and amount = 1000`, /^This takes 500 credits and [\d.]+ are available/],
  [
    `operation = 'REFUND' and amount = 80`,
    /^The use op_\w+ of ai\.points was given back: 50 to the allowance; 30 credits to the grants that paid\.$/,
  ],
  [
    `operation = 'REFUND' and amount = 1`,
    /^The use op_\w+ of api\.calls was given back: 0\.2 credits to the grants that paid; 0\.3 credits to grants that had expired by then, and so are gone\.$/,
  ],
  [`operation = 'EXPIRE' and "workspaceId" = 'ws_c'`, /^0\.5 credits had expired and left the balance\.$/],
  [
    `operation = 'CLAW_BACK' and amount = 100`,
    /^Of the purchase rec_back, 100 credits are taken back in all, after 0, because its payment was reversed; 68 credits of that had been spent, and are owed\.$/,
  ],
  [
    `operation = 'CLAW_BACK' and amount = 70`,
    /^Of the purchase rec_back, 70 credits are taken back in all, after 100, because its payment was reversed; 18 credits are owed no more\.$/,
  ],
  [
    `operation = 'REFUND' and amount = 120`,
    /^The use op_\w+ of api\.calls was given back: 60 credits to the grants that paid; 48 credits of them were taken at once for a reversed purchase\.$/,
  ],
  [
    `operation = 'GRANT' and amount = 50 and "workspaceId" = 'ws_d'`,
    /^50 credits were bought: they do not expire; 50 credits of them paid what reversed purchases owed\.$/,
  ],
  [`operation = 'GRANT' and amount = 100`, /^100 credits were bought: they do not expire\.$/],
  [
    `operation = 'GRANT' and amount = 50 and "workspaceId" = 'ws_c'`,
    /^50 credits were given: they expire at 20\S+Z\.$/,
  ],
] as const) {
  test(`a decision says why: ${why.source.slice(0, 80)}`, async () => {
    const [id] = await find(condition);
    const explained = await explainDecision(database.db, id!);
    assert.match(explained.why, why);
    assert.deepEqual(explainedDecisionSchema.parse(explained), explained);
  });
}

test('a use names its allowance, the grants that paid, the price, and the refund that gave it back', async () => {
  const [id] = await find(`"idempotencyKey" = 'key 1'`);
  const [refund] = await find(`"refundOf" = '${id}'`);
  const [gift, bought] = await find(
    `operation = 'GRANT' and "workspaceId" = 'ws_a' and amount in (0.3, 100)`,
  ).then(([a, b]) => [b, a]);
  const explained = await explainDecision(database.db, id!);
  const { limit, used, remaining } = explained.allowance!;
  assert.deepEqual([limit, used, remaining], [0, 0, 0]);
  assert.equal(explained.credits.creditsPerUnit, 0.5);
  assert.equal(explained.credits.balance, 99.8);
  assert.deepEqual(
    explained.credits.sources.map(({ grantId, amount, type, description }) => [
      grantId,
      amount,
      type,
      description,
    ]),
    [
      [gift, 0.3, 'PROMOTION', 'a gift'],
      [bought, 0.2, 'PURCHASE', 'bought'],
    ],
  );
  assert.equal(explained.refundedBy, refund);
  assert.equal(explained.idempotencyKey, 'key 1');
  assert.equal(explained.refusal, null);
});

test('a refusal names its code, what to do, and the numbers', async () => {
  const [id] = await find(`code = 'insufficient_credits' and amount = 1000`);
  const { refusal, credits, allowed } = await explainDecision(database.db, id!);
  assert.equal(allowed, false);
  assert.equal(refusal?.code, 'insufficient_credits');
  assert.deepEqual(Object.keys(refusal.details).sort(), [
    'affordable',
    'available',
    'creditUsageId',
    'required',
  ]);
  assert.deepEqual(credits.sources, []);
});

test('an opening keeps the old figures to the last digit', async () => {
  await database.pool.query(`
    insert into "Decision" (id, "workspaceId", operation, amount, "creditCost", plan, "catalogVersion", reasons)
    values ('op_00opening_credit_1', 'ws_a', 'OPENING', 0.3, 0.1, 'FREE', 'none',
      '{"balance": "0.20000000000000001", "total": "0.30000000000000004", "totalUsage": "0.1"}')`);
  const { opening, why, credits } = await explainDecision(database.db, 'op_00opening_credit_1');
  assert.deepEqual(opening, {
    balance: '0.20000000000000001',
    total: '0.30000000000000004',
    totalUsage: '0.1',
  });
  assert.equal(credits.balance, 0.2);
  assert.equal(
    why,
    'The wallet is older than Tollgate: it came with 0.2 credits to spend, and 0.1 spent before.',
  );
});

test('a decision that is not there is not found', async () => {
  await assert.rejects(explainDecision(database.db, 'op_none'), (error) => {
    assert(error instanceof Refusal);
    assert.deepEqual([error.code, error.param], ['not_found', 'id']);
    return true;
  });
});
