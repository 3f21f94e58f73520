import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Answer } from '../client.ts';
import { type TestDatabase, testDatabase } from '../database.ts';
import { startServer, type TestServer } from '../server.ts';
import { assertRefused } from './refusals.ts';

let database: TestDatabase;
let server: TestServer;
let workspaceId: string;

before(async () => {
  database = await testDatabase();
  server = await startServer({ databaseUrl: database.url });
});

beforeEach(async () => {
  workspaceId = await server.workspace('Contract');
});

after(async () => {
  try {
    assert.equal((await server.get('/v1/audit')).body.ok, true);
    assert.equal(server.errors(), '');
  } finally {
    await server.stop();
    await database.drop();
  }
});

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const credit = (balance: number) => ({ balance, held: 0, available: balance });
const feature = async (featureCode: string) => {
  const { body } = await server.get(`/v1/workspaces/${workspaceId}`);
  return body.features.find((each: { featureCode: string }) => each.featureCode === featureCode);
};
const state = async () => (await server.get(`/v1/workspaces/${workspaceId}`)).body;

/** An answer without what is new each time, which has to look right. */
function settled({ status, body }: Answer): unknown {
  const { id, createdAt, ...rest } = body;
  assert.equal(typeof id, 'string');
  assert.match(createdAt, TIME);
  return { status, ...rest };
}

describe('workspaces', () => {
  test('are created with 201 and renamed with 200, under the id of the host', async () => {
    const id = 'AZaz09_-.:';
    const created = await server.call('PUT', `/v1/workspaces/${id}`, { name: 'Åcme 公司 🙂' });
    assert.deepEqual(settled(created), { status: 201, name: 'Åcme 公司 🙂' });
    assert.equal(created.body.id, id);
    const renamed = await server.call('PUT', `/v1/workspaces/${id}`, { name: 'Other' });
    assert.equal(renamed.status, 200);
    assert.deepEqual(renamed.body, { ...created.body, name: 'Other' });
    assert.equal((await server.get(`/v1/workspaces/${encodeURIComponent(id)}`)).body.name, 'Other');
  });

  test('show plan, wallet and every feature', async () => {
    const { createdAt, features, ...rest } = await state();
    assert.match(createdAt, TIME);
    assert.deepEqual(rest, {
      ...{ id: workspaceId, name: 'Contract', plan: 'FREE', subscription: null },
      credit: { ...credit(0), total: 0, totalUsage: 0, debt: 0 },
    });
    assert.deepEqual(features.map((each: { featureCode: string }) => each.featureCode).sort(), [
      ...['ai.points', 'blocked', 'daily', 'extra', 'mixed', 'nowhere', 'odd', 'off', 'on', 'once', 'paid'],
      ...['unlimited', 'weekly'],
    ]);
    const metered = { type: 'metered', used: 0, held: 0 };
    const { resetsAt, ...mixed } = await feature('mixed');
    assert.ok(Date.parse(resetsAt) > Date.now());
    assert.deepEqual(mixed, {
      ...{
        featureCode: 'mixed',
        ...metered,
        limit: 60,
        remaining: 60,
        overage: 'credits',
        creditsPerUnit: 0.5,
      },
    });
    const { limit, remaining, resetsAt: never } = await feature('once');
    assert.deepEqual([limit, remaining, never], [1.5, 1.5, null]);
    const unlimited = await feature('unlimited');
    assert.deepEqual([unlimited.limit, unlimited.remaining], [null, null]);
    assert.deepEqual([(await feature('on')).enabled, (await feature('off')).enabled], [true, false]);
    assert.equal((await feature('on')).type, 'switch');
    assert.equal((await feature('extra')).limit, 0, 'of a plan that lacks it');
  });

  test('that are unknown are refused and never created in passing', async () => {
    const ask = { workspaceId: 'unknown', featureCode: 'blocked' };
    const grant = { workspaceId: 'unknown', amount: 1, type: 'PROMOTION', description: 'd' };
    const work = { workspaceId: 'unknown', type: 'TEXT_CHAT', pageId: 'p', points: 1 };
    for (const answer of [
      await server.get('/v1/workspaces/unknown'),
      await server.post('/v1/check', ask),
      await server.post('/v1/usage', ask, 'unknown workspace'),
      await server.post('/v1/ai/usage', work),
      await server.post('/v1/credits/grants', grant),
    ]) {
      assertRefused(answer, 'workspace_not_found');
    }
    assertRefused(await server.get('/v1/workspaces/unknown'), 'workspace_not_found');
  });
});

describe('asking and using', () => {
  test('allowance first, then credits', async () => {
    await server.grant(workspaceId, 10);
    const first = await server.use(workspaceId, 'mixed', 59.5);
    assert.match(first.body.id, /^op_\w{26}$/);
    const usage = { status: 'SUCCEEDED', workspaceId, featureCode: 'mixed' };
    assert.deepEqual(settled(first), {
      ...{ ...usage, amount: 59.5, fromAllowance: 59.5, fromCredits: 0, creditCost: 0, creditUsageId: null },
      ...{ used: 59.5, remaining: 0.5, credit: credit(10) },
    });
    const second = await server.post('/v1/usage', {
      ...{ workspaceId, featureCode: 'mixed', amount: 1.25, description: 'why' },
    });
    const { creditUsageId } = second.body;
    assert.deepEqual(settled(second), {
      ...{ ...usage, amount: 1.25, fromAllowance: 0.5, fromCredits: 0.75, creditCost: 0.375, creditUsageId },
      ...{ used: 60, remaining: 0, credit: credit(9.625) },
    });
    const { data } = (await server.get(`/v1/credit-usages?workspaceId=${workspaceId}`)).body;
    assert.equal(data.length, 1);
    const { id, amount, status, description, featureCode } = data[0];
    assert.deepEqual(
      [id, amount, status, description, featureCode],
      [creditUsageId, 0.375, 'SUCCEEDED', 'why', 'mixed'],
    );
  });

  test('the amount is 1 if it is not said', async () => {
    const { body } = await server.post('/v1/usage', { workspaceId, featureCode: 'blocked' });
    assert.deepEqual([body.amount, body.used, body.remaining], [1, 1, 99]);
    assert.equal((await server.post('/v1/check', { workspaceId, featureCode: 'blocked' })).body.amount, 1);
  });

  test('amounts from the smallest to the largest are exact', async () => {
    for (const amount of [0.000001, 0.1, 0.2, 123456.654321, 999_999_999.999999, 1_000_000_000]) {
      const { status, body } = await server.use(workspaceId, 'unlimited', amount);
      assert.deepEqual([status, body.amount, body.remaining], [200, amount, null]);
    }
    assert.equal((await feature('unlimited')).used, 2_000_123_456.954321);
  });

  test('a price that does not divide is rounded up to the next millionth', async () => {
    await server.grant(workspaceId, 1);
    assert.equal((await server.use(workspaceId, 'odd', 0.000001)).body.creditCost, 0.000001);
    assert.equal((await server.use(workspaceId, 'odd', 1)).body.creditCost, 0.333333);
    assert.equal((await server.use(workspaceId, 'odd', 0.5)).body.creditCost, 0.166667);
  });

  test('a switch is allowed as often as one likes, and counts nothing', async () => {
    const { body } = await server.use(workspaceId, 'on', 5);
    assert.deepEqual([body.fromAllowance, body.creditCost, body.used, body.remaining], [5, 0, 0, null]);
  });

  test('a check gives the answer that the same use gets next, and changes nothing', async () => {
    await server.grant(workspaceId, 3);
    const before = await state();
    for (const [featureCode, amount] of [
      ...([
        ['mixed', 1],
        ['mixed', 60],
        ['mixed', 66],
        ['mixed', 66.000001],
        ['blocked', 100],
        ['blocked', 101],
      ] as const),
      ...([
        ['paid', 3],
        ['paid', 3.000001],
        ['on', 1],
        ['off', 1],
        ['extra', 1],
        ['unlimited', 1e9],
      ] as const),
    ]) {
      const id = await server.workspace();
      await server.grant(id, 3);
      const asked = await server.post('/v1/check', { workspaceId: id, featureCode, amount });
      assert.equal(asked.status, 200);
      const used = await server.use(id, featureCode, amount);
      assert.equal(asked.body.allowed, used.status === 200);
      assert.equal(asked.body.code, used.body.error?.code ?? null);
      if (asked.body.allowed) {
        for (const field of ['featureCode', 'amount', 'fromAllowance', 'fromCredits', 'creditCost']) {
          assert.equal(asked.body[field], used.body[field], `${featureCode} ${amount}: ${field}`);
        }
      } else if (used.status === 402) assert.equal(asked.body.affordable, used.body.error.details.affordable);
    }
    assert.deepEqual(
      Object.keys((await server.post('/v1/check', { workspaceId, featureCode: 'mixed' })).body).sort(),
      [
        ...[
          'affordable',
          'allowed',
          'amount',
          'code',
          'credit',
          'creditCost',
          'featureCode',
          'fromAllowance',
        ],
        ...['fromCredits', 'limit', 'plan', 'remaining', 'resetsAt', 'used'],
      ],
    );
    assert.deepEqual(await state(), before);
  });

  test('what is affordable passes, and a millionth more does not', async () => {
    await server.grant(workspaceId, 7);
    for (const featureCode of ['blocked', 'mixed', 'paid', 'odd', 'weekly', 'once']) {
      const { affordable } = (await server.post('/v1/check', { workspaceId, featureCode, amount: 1e9 })).body;
      const allowed = async (amount: number) =>
        (await server.post('/v1/check', { workspaceId, featureCode, amount })).body.allowed;
      assert.equal(await allowed(affordable), true, featureCode);
      assert.equal(await allowed(Math.round(affordable * 1e6 + 1) / 1e6), false, featureCode);
    }
  });

  test('refusals say what a client acts on, and take nothing', async () => {
    await server.use(workspaceId, 'blocked', 99);
    const limited = await server.use(workspaceId, 'blocked', 2);
    assertRefused(limited, 'limit_reached');
    assert.equal(limited.body.error.details.affordable, 1);
    assert.equal(limited.body.error.details.resetsAt, (await feature('blocked')).resetsAt);
    assert.equal((await server.use(workspaceId, 'once', 2)).body.error.details.resetsAt, null);

    await server.grant(workspaceId, 0.5);
    const unpaid = await server.use(workspaceId, 'mixed', 100);
    assertRefused(unpaid, 'insufficient_credits');
    const { creditUsageId, ...details } = unpaid.body.error.details;
    assert.deepEqual(details, { required: 20, available: 0.5, affordable: 61 });
    const { data } = (await server.get(`/v1/credit-usages?workspaceId=${workspaceId}&status=FAILED`)).body;
    assert.deepEqual([data[0].id, data[0].status, data[0].amount], [creditUsageId, 'FAILED', 20]);

    const lacking = await server.use(workspaceId, 'extra');
    assertRefused(lacking, 'feature_not_in_plan');
    assert.deepEqual(lacking.body.error.details.plansWithFeature, ['PRO', 'ENTERPRISE']);
    assert.deepEqual((await server.use(workspaceId, 'nowhere')).body.error.details.plansWithFeature, []);
    assertRefused(await server.use(workspaceId, 'no.such.feature'), 'feature_unknown', 'featureCode');
    assertRefused(
      await server.post('/v1/check', { workspaceId, featureCode: 'constructor' }),
      'feature_unknown',
      'featureCode',
    );
    assert.deepEqual((await state()).credit, { ...credit(0.5), total: 0.5, totalUsage: 0, debt: 0 });
    assert.equal((await feature('mixed')).used, 0);
  });
});

describe('batches', () => {
  const item = (amount: number, idempotencyKey: string, more = {}) => ({
    ...{ workspaceId, featureCode: 'blocked', amount, idempotencyKey: `${workspaceId} ${idempotencyKey}` },
    ...more,
  });

  test('answer in the order sent, and a refusal touches no other item', async () => {
    const { status, body } = await server.post('/v1/usage/batch', {
      items: [
        item(60, 'a'),
        item(60, 'b'),
        item(1, 'c', { workspaceId: 'unknown' }),
        item(1, 'd', { featureCode: 'none' }),
        item(40, 'e', { description: 'last' }),
      ],
    });
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body), ['results']);
    const { results } = body;
    assert.deepEqual(
      results.map((result: Answer['body']) => result.usage?.used ?? result.error.code),
      [60, 'limit_reached', 'workspace_not_found', 'feature_unknown', 100],
    );
    assert.equal(results[1].error.details.affordable, 40);
    assert.deepEqual(Object.keys(results[0]).sort(), ['ok', 'usage']);
    assert.deepEqual(Object.keys(results[1]).sort(), ['error', 'ok']);
  });

  test('items keep their keys, within a batch, in the next one, and for single uses', async () => {
    const first = await server.post('/v1/usage/batch', { items: [item(1, 'k'), item(1, 'k'), item(2, 'k')] });
    const [one, same, other] = first.body.results;
    assert.deepEqual(same, one);
    assert.equal(other.error.code, 'idempotency_conflict');
    const next = await server.post('/v1/usage/batch', { items: [item(1, 'k'), item(1, 'l')] });
    assert.deepEqual(next.body.results[0], one);
    assert.equal(next.body.results[1].usage.used, 2);
    const single = await server.use(workspaceId, 'blocked', 1, `${workspaceId} k`);
    assert.deepEqual(single.body, one.usage);
    assert.equal(single.headers.get('idempotency-replayed'), 'true');
  });
});

describe('refunds', () => {
  test('give allowance and credits back to where they came from, once', async () => {
    await server.grant(workspaceId, 10, { priority: 1 });
    await server.grant(workspaceId, 10, { priority: 2 });
    const before = await state();
    const used = await server.use(workspaceId, 'mixed', 85);
    assert.equal(used.body.creditCost, 12.5);
    const { status, body } = await server.post(`/v1/usage/${used.body.id}/refund`, { reason: 'it failed' });
    assert.equal(status, 200);
    assert.deepEqual(
      { ...body, createdAt: '' },
      { ...used.body, status: 'REFUNDED', used: 0, remaining: 60, credit: credit(20), createdAt: '' },
    );
    assert.deepEqual(await state(), before);
    const { data } = (await server.get(`/v1/credits/grants?workspaceId=${workspaceId}`)).body;
    assert.deepEqual(
      data.map((grant: Answer['body']) => grant.remaining),
      [10, 10],
    );
    const usages = (await server.get(`/v1/credit-usages?workspaceId=${workspaceId}`)).body.data;
    assert.deepEqual(
      usages.map((usage: Answer['body']) => usage.status),
      ['REFUNDED'],
    );
    assertRefused(await server.refund(used.body.id), 'already_refunded');
  });

  test('are refused for what is no successful use', async () => {
    assertRefused(await server.refund('op_unknown'), 'not_found');
    const grant = await server.grant(workspaceId, 1);
    assertRefused(await server.refund(grant.body.id), 'not_refundable');
    const failed = await server.use(workspaceId, 'paid', 5);
    assertRefused(await server.refund(failed.body.error.details.creditUsageId), 'not_refundable');
  });

  test('need no body at all', async () => {
    const { body } = await server.use(workspaceId, 'blocked');
    assert.equal((await server.call('POST', `/v1/usage/${body.id}/refund`)).body.status, 'REFUNDED');
  });
});

test('AI points: free points first, the rest from credits at the price of the catalog', async () => {
  await server.grant(workspaceId, 10);
  const work = { workspaceId, type: 'IMAGE_GENERATION', pageId: 'page 1', points: 150 };
  const free = await server.post('/v1/ai/usage', work);
  const { updatedAt, ...rest } = settled(free) as Record<string, unknown>;
  assert.equal(updatedAt, free.body.createdAt);
  assert.deepEqual(rest, {
    ...{ status: 200, ...work, freePoints: 150, paidPoints: 0, description: null },
    ...{ creditUsageId: null, creditCost: 0, credit: credit(10) },
  });
  const { body } = await server.post('/v1/ai/usage', { ...work, points: 60, description: 'a cat' });
  assert.deepEqual(
    [body.freePoints, body.paidPoints, body.creditCost, body.credit.balance, body.description],
    [50, 10, 5, 5, 'a cat'],
  );
  assert.equal(typeof body.creditUsageId, 'string');
  assert.equal((await feature('ai.points')).used, 200);
  assertRefused(await server.post('/v1/ai/usage', { ...work, points: 11 }), 'insufficient_credits');
  assertRefused(await server.use(workspaceId, 'ai.points', 1.5), 'invalid_request', 'amount');
  assert.equal((await server.refund(body.id)).body.credit.balance, 10);
  const { data } = (await server.get(`/v1/ai-usages?workspaceId=${workspaceId}`)).body;
  assert.deepEqual(
    data.map((each: Answer['body']) => each.points),
    [60, 150],
    'what was refused left none',
  );
});

test('AI work that names a model is charged by its price, which is kept', async () => {
  const id = await server.workspace();
  const asked = { workspaceId: id, type: 'TEXT_CHAT', pageId: 'page 1', model: 'writer' };
  const tokens = { input: 1500, cachedInput: 2000, output: 1000, reasoning: 500 };
  const ask = {
    workspaceId: id,
    featureCode: 'ai.points',
    model: 'writer',
    tokens: { ...tokens, output: 0 },
  };
  const check = (await server.post('/v1/check', ask)).body;
  // 1.5 + 0.2 + 1 points of input and reasoning; 200 are free, and 2 more output tokens are a point and a half.
  assert.deepEqual([check.allowed, check.amount, check.affordable], [true, 3, 200]);
  assert.equal(check.affordableOutputTokens, 98_650);

  const used = await server.post('/v1/ai/usage', { ...asked, tokens });
  assert.deepEqual([used.status, used.body.points, used.body.freePoints], [200, 5, 5], used.text);
  const work = {
    ...{ model: 'writer', tokens, costUsd: 0.047 },
    price: {
      ...{ source: 'CATALOG', model: 'writer', markup: 1, pointUsd: 0.01 },
      tokens: { input: 10, cachedInput: 1, output: 20 },
    },
  };
  assert.deepEqual(used.body.work, work);
  const decision = (await server.get(`/v1/decisions/${used.body.id}`)).body;
  assert.deepEqual([decision.amount, decision.ai], [5, { type: 'TEXT_CHAT', pageId: 'page 1', work }]);
  const [row] = (await server.get(`/v1/ai-usages?workspaceId=${id}`)).body.data;
  assert.deepEqual([row.points, row.work], [5, work]);

  const images = { ...asked, type: 'IMAGE_GENERATION', model: 'painter', images: { count: 3, size: 'big' } };
  const painted = await server.post('/v1/ai/usage', images);
  assert.deepEqual([painted.body.points, painted.body.work.costUsd], [15, 0.15]);
  const { workspaceId: _, type: __, pageId: ___, ...about } = images;
  const left = await server.post('/v1/check', { workspaceId: id, featureCode: 'ai.points', ...about });
  assert.deepEqual([left.body.allowed, left.body.amount, left.body.affordableImages], [true, 15, 36]);
  assert.equal((await server.refund(used.body.id)).body.status, 'REFUNDED');
});

test('grants say what they are, and cannot expire in the past', async () => {
  const expiresAt = new Date(Date.now() + 60_000).toISOString();
  const grant = await server.grant(workspaceId, 0.5, { type: 'ADJUSTMENT', expiresAt });
  assert.deepEqual(settled(grant), {
    ...{ status: 201, workspaceId, type: 'ADJUSTMENT', amount: 0.5, remaining: 0.5, priority: 50, expiresAt },
    description: 'for a test',
  });
  assert.equal((await server.grant(workspaceId, 1)).body.expiresAt, null);
  assertRefused(
    await server.grant(workspaceId, 1, { expiresAt: '2020-01-01T00:00:00Z' }),
    'invalid_request',
    'expiresAt',
  );
});

test('operations are open to all; everything else under /v1 needs the key', async () => {
  for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs']) {
    const answer = await fetch(server.url + path);
    assert.equal(answer.status, 200, path);
    assert.match(answer.headers.get('request-id') ?? '', /^req_/);
    await answer.text();
  }
  const document = (await server.get('/openapi.json')).body;
  assert.match(document.openapi, /^3\.1/);
  assert.match((await server.get('/metrics')).text, /^# HELP /m);
  assertRefused(await server.post('/v1/test/clock', { advanceSeconds: 1 }), 'forbidden');
});
