import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { countRows } from '../books.ts';
import type { Answer } from '../client.ts';
import { type TestDatabase, testDatabase } from '../database.ts';
import { startServer, type TestServer } from '../server.ts';
import { assertRefused } from './refusals.ts';

let database: TestDatabase;
let server: TestServer;
let workspaceId: string;

before(async () => {
  database = await testDatabase();
  server = await startServer({ databaseUrl: database.url, env: { TOLLGATE_TEST_CLOCK: '1' } });
});

beforeEach(async () => {
  workspaceId = await server.workspace('Holds');
});

after(async () => {
  try {
    const { body, status, text } = await server.get('/v1/audit');
    assert.equal(status, 200, text + server.errors());
    assert.deepEqual(
      body.checks.filter((check: { ok: boolean }) => !check.ok),
      [],
    );
    assert.equal(server.errors(), '');
  } finally {
    await server.stop();
    await database.drop();
  }
});

const hold = (featureCode: string, amount: number, more: object = {}, key?: string) =>
  server.post('/v1/holds', { workspaceId, featureCode, amount, ...more }, key);
const held = async (featureCode: string, amount: number, more: object = {}): Promise<string> => {
  const { status, body } = await hold(featureCode, amount, more);
  assert.equal(status, 201, JSON.stringify(body));
  return body.id;
};
const settle = (id: string, amount: number, key?: string) =>
  server.post(`/v1/holds/${id}/settle`, { amount }, key);
const progress = (id: string, amount: number, more: object = {}) =>
  server.post(`/v1/holds/${id}/progress`, { amount, ...more });
const release = (id: string, key?: string) => server.post(`/v1/holds/${id}/release`, {}, key);
const advance = (seconds: number) => server.post('/v1/test/clock', { advanceSeconds: seconds });
const state = async () => (await server.get(`/v1/workspaces/${workspaceId}`)).body;
const feature = async (featureCode: string) =>
  (await state()).features.find((each: { featureCode: string }) => each.featureCode === featureCode);
const credit = (balance: number, held: number) => ({ balance, held, available: balance - held });
const pick = ({ body }: Answer, ...fields: string[]) =>
  Object.fromEntries(fields.map((field) => [field, body[field]]));

describe('a hold', () => {
  test('takes allowance and credits as a use would, and leaves the balance', async () => {
    await server.grant(workspaceId, 100);
    const { status, body } = await hold('mixed', 80);
    const { id, expiresAt, createdAt, ...rest } = body;
    assert.equal(status, 201);
    assert.deepEqual(rest, {
      ...{ status: 'HELD', workspaceId, featureCode: 'mixed', amount: 80 },
      ...{ fromAllowance: 60, fromCredits: 20, creditCost: 10, settledAmount: null, progressAmount: 0 },
      ...{ onExpire: 'release', ai: null, credit: credit(100, 10) },
    });
    assert.equal(Date.parse(expiresAt) - Date.parse(createdAt), 300_000);
    assert.deepEqual((await state()).credit, { ...credit(100, 10), total: 100, totalUsage: 0, debt: 0 });
    const { used, held: kept, remaining, limit } = await feature('mixed');
    assert.deepEqual({ used, kept, remaining, limit }, { used: 0, kept: 60, remaining: 0, limit: 60 });
    const check = await server.post('/v1/check', { workspaceId, featureCode: 'mixed', amount: 181 });
    assert.deepEqual(pick(check, 'allowed', 'code', 'affordable', 'credit'), {
      ...{ allowed: false, code: 'insufficient_credits', affordable: 180, credit: credit(100, 10) },
    });
    const use = await server.use(workspaceId, 'mixed', 180);
    assert.deepEqual(pick(use, 'fromAllowance', 'creditCost', 'credit', 'used', 'remaining'), {
      ...{ fromAllowance: 0, creditCost: 90, credit: credit(10, 10), used: 0, remaining: 0 },
    });
    assertRefused(await server.use(workspaceId, 'paid', 0.000001), 'insufficient_credits');
    const settled = await settle(id, 80);
    assert.deepEqual(pick(settled, 'status', 'settledAmount', 'shortfall', 'credit'), {
      ...{ status: 'SETTLED', settledAmount: 80, shortfall: 0, credit: credit(0, 0) },
    });
  });

  for (const [name, amount, expected] of [
    ['less: the rest goes back', 65, { fromAllowance: 60, fromCredits: 5, creditCost: 2.5 }],
    ['less than the allowance', 10.5, { fromAllowance: 10.5, fromCredits: 0, creditCost: 0 }],
    ['as much', 80, { fromAllowance: 60, fromCredits: 20, creditCost: 10 }],
    ['more: the excess is charged', 100, { fromAllowance: 60, fromCredits: 40, creditCost: 20 }],
  ] as const) {
    test(`is settled with ${name}`, async () => {
      await server.grant(workspaceId, 100);
      const id = await held('mixed', 80);
      const { status, body } = await settle(id, amount);
      assert.equal(status, 200);
      const { usage, shortfall, settledAmount } = body;
      assert.deepEqual(
        { shortfall, settledAmount, hold: body.id },
        { shortfall: 0, settledAmount: amount, hold: id },
      );
      const { fromAllowance, fromCredits, creditCost } = usage;
      assert.deepEqual({ fromAllowance, fromCredits, creditCost }, expected);
      assert.deepEqual(
        { status: usage.status, amount: usage.amount, used: usage.used, credit: usage.credit },
        {
          ...{ status: 'SUCCEEDED', amount, used: expected.fromAllowance },
          credit: credit(100 - expected.creditCost, 0),
        },
      );
      assert.equal(usage.creditUsageId, expected.creditCost > 0 ? usage.id : null);
      assert.deepEqual((await state()).credit, {
        ...{ ...credit(100 - expected.creditCost, 0), total: 100, totalUsage: expected.creditCost, debt: 0 },
      });
      const refunded = await server.refund(usage.id);
      assert.deepEqual(pick(refunded, 'id', 'status', 'amount'), {
        id: usage.id,
        status: 'REFUNDED',
        amount,
      });
      assert.deepEqual((await state()).credit, { ...credit(100, 0), total: 100, totalUsage: 0, debt: 0 });
      assertRefused(await server.refund(usage.id), 'already_refunded');
    });
  }

  test('is settled with what can be paid, and the shortfall says the rest', async () => {
    await server.grant(workspaceId, 20);
    const id = await held('paid', 10);
    const { body } = await settle(id, 50);
    assert.deepEqual([body.usage.amount, body.usage.creditCost, body.shortfall], [20, 20, 30]);
    assert.deepEqual((await state()).credit, { ...credit(0, 0), total: 20, totalUsage: 20, debt: 0 });
    const blocked = await held('blocked', 40);
    await server.use(workspaceId, 'blocked', 50);
    const answer = await settle(blocked, 60);
    assert.deepEqual([answer.body.usage.amount, answer.body.shortfall], [50, 10]);
  });

  test('is settled with nothing: no usage, and all of it goes back', async () => {
    await server.grant(workspaceId, 20);
    const { body } = await settle(await held('paid', 10), 0);
    assert.deepEqual(
      [body.status, body.settledAmount, body.usage, body.shortfall, body.credit],
      ['SETTLED', 0, null, 0, credit(20, 0)],
    );
    assertRefused(
      await server.refund((await server.get(`/v1/holds/${body.id}`)).body.endedBy),
      'not_refundable',
    );
  });

  test('is released, once', async () => {
    await server.grant(workspaceId, 20);
    const id = await held('paid', 10);
    const released = await release(id);
    assert.deepEqual(pick(released, 'id', 'status', 'settledAmount', 'credit'), {
      ...{ id, status: 'RELEASED', settledAmount: null, credit: credit(20, 0) },
    });
    for (const again of [await release(id), await settle(id, 5), await progress(id, 5)]) {
      assertRefused(again, 'hold_not_open');
      assert.deepEqual(again.body.error.details, { status: 'RELEASED' });
    }
  });

  test('of AI work becomes an AIUsage', async () => {
    await server.grant(workspaceId, 20);
    const ai = { type: 'TEXT_CHAT', pageId: 'page_1' };
    const { body: taken } = await hold('ai.points', 210, { ai });
    assert.deepEqual(taken.ai, ai);
    assert.equal((await server.get(`/v1/ai-usages?workspaceId=${workspaceId}`)).body.data.length, 0);
    const { body } = await settle(taken.id, 204);
    const { id, createdAt: _createdAt, updatedAt: _updatedAt, ...usage } = body.usage;
    assert.deepEqual(usage, {
      ...{ workspaceId, ...ai, points: 204, freePoints: 200, paidPoints: 4, description: null },
      ...{ creditUsageId: id, creditCost: 2, credit: credit(18, 0) },
    });
    const rows = (await server.get(`/v1/ai-usages?workspaceId=${workspaceId}`)).body.data;
    assert.deepEqual(
      rows.map((row: Record<string, unknown>) => [row.id, row.points]),
      [[id, 204]],
    );
    const listed = (await server.get(`/v1/credit-usages?workspaceId=${workspaceId}`)).body.data;
    assert.deepEqual(
      listed.map((row: Record<string, unknown>) => [row.id, row.amount]),
      [[id, 2]],
    );
    await server.refund(id);
    assert.equal(
      (await server.get(`/v1/ai-usages?workspaceId=${workspaceId}`)).body.data[0].status,
      'REFUNDED',
    );
  });

  test('is refused as a use is, and leaves what a use leaves', async () => {
    const refused = await hold('paid', 5, {}, `hold-${workspaceId}`);
    assertRefused(refused, 'insufficient_credits');
    const { required, available, affordable, creditUsageId } = refused.body.error.details;
    assert.deepEqual({ required, available, affordable }, { required: 5, available: 0, affordable: 0 });
    const [failed] = (await server.get(`/v1/credit-usages?workspaceId=${workspaceId}`)).body.data;
    assert.deepEqual([failed.id, failed.status, failed.amount], [creditUsageId, 'FAILED', 5]);
    const again = await hold('paid', 5, {}, `hold-${workspaceId}`);
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    assert.deepEqual([again.status, again.text], [refused.status, refused.text]);
    assertRefused(await hold('extra', 1), 'feature_not_in_plan');
    assertRefused(await hold('blocked', 101), 'limit_reached');
    assertRefused(await hold('unheard.of', 1), 'feature_unknown');
    assert.equal((await server.get(`/v1/holds?workspaceId=${workspaceId}`)).body.data.length, 0);
  });

  test('is told of where it leaves nothing, or less than is asked for', async () => {
    const messageOf = async (amount: number) => (await hold('blocked', amount)).body.error.message;
    await held('blocked', 60);
    assert.match(
      await messageOf(41),
      /^41 is more than .* \(0 of 100 is used, and 60 held\): ask for up to 40;/,
    );
    await held('blocked', 40);
    assert.match(
      await messageOf(1),
      /^The allowance of blocked is used up \(0 of 100, and 100 held\): it starts/,
    );
  });
});

describe('progress', () => {
  test('never goes down, and lets the hold live longer, never shorter', async () => {
    const id = await held('mixed', 10, { ttlSeconds: 60 });
    const first = await progress(id, 4, { ttlSeconds: 600 });
    assert.deepEqual(pick(first, 'status', 'progressAmount'), { status: 'HELD', progressAmount: 4 });
    const later = await progress(id, 4, { ttlSeconds: 1 });
    assert.equal(later.body.expiresAt, first.body.expiresAt);
    const shrunk = await progress(id, 3.999999);
    assertRefused(shrunk, 'invalid_request', 'amount');
    await advance(590);
    const renewed = await progress(id, 12);
    assert.ok(Date.parse(renewed.body.expiresAt) > Date.parse(first.body.expiresAt), 'by its own lifetime');
    assert.equal((await settle(id, 11)).body.usage.amount, 11);
  });
});

describe('a hold that has expired', () => {
  test('counts nowhere from that instant, though no job has run', async () => {
    await server.grant(workspaceId, 20);
    const id = await held('paid', 15, { ttlSeconds: 10 });
    assertRefused(await server.use(workspaceId, 'paid', 6), 'insufficient_credits');
    await advance(10);
    assert.deepEqual((await state()).credit, { ...credit(20, 0), total: 20, totalUsage: 0, debt: 0 });
    const check = await server.post('/v1/check', { workspaceId, featureCode: 'paid', amount: 20 });
    assert.deepEqual(pick(check, 'allowed', 'credit'), { allowed: true, credit: credit(20, 0) });
    assert.equal((await server.get(`/v1/holds/${id}`)).body.status, 'RELEASED');
    const refused = await settle(id, 15);
    assertRefused(refused, 'hold_not_open');
    assert.deepEqual(refused.body.error.details, { status: 'RELEASED' });
  });

  test('is settled with its progress where that was asked for, at the time that it expired', async () => {
    await server.grant(workspaceId, 20);
    const { body } = await hold('paid', 15, { ttlSeconds: 10, onExpire: 'settle' });
    const { body: moved } = await progress(body.id, 6);
    await advance(3600);
    assert.deepEqual((await state()).credit, { ...credit(14, 0), total: 20, totalUsage: 6, debt: 0 });
    const [row] = (await server.get(`/v1/holds?workspaceId=${workspaceId}&status=SETTLED`)).body.data;
    assert.deepEqual(
      [row.id, row.status, row.settledAmount, row.progressAmount, row.expiresAt],
      [body.id, 'SETTLED', 6, 6, moved.expiresAt],
    );
    const [usage] = (await server.get(`/v1/credit-usages?workspaceId=${workspaceId}`)).body.data;
    assert.deepEqual([usage.id, usage.amount, usage.createdAt], [row.endedBy, 6, moved.expiresAt]);
    const { body: why } = await server.get(`/v1/decisions/${row.endedBy}`);
    assert.deepEqual([why.operation, why.createdAt, why.hold.expired], ['SETTLE', moved.expiresAt, true]);
    assert.match(why.why, /expired and was settled with its progress\. paid: 6 for 6 credits, at 1 each\.$/);
    assert.equal((await server.refund(row.endedBy)).body.status, 'REFUNDED');
  });

  for (const [list, expected] of Object.entries({
    'credits/grants': { remaining: 17, held: 0, spent: 3 },
    'credit-usages': { amount: 3, status: 'SUCCEEDED' },
    'ai-usages': { points: 206, freePoints: 200, paidPoints: 6 },
    'feature-usages': { featureCode: 'ai.points', used: 200 },
    decisions: { operation: 'SETTLE', amount: 206 },
  })) {
    test(`is in the list of ${list} from then on, whether or not anybody has asked for it`, async () => {
      await server.grant(workspaceId, 20);
      const ai = { type: 'TEXT_CHAT', pageId: 'page' };
      const id = await held('ai.points', 210, { ttlSeconds: 10, onExpire: 'settle', ai });
      await progress(id, 206);
      await advance(3600);
      const [row = {}] = (await server.get(`/v1/${list}?workspaceId=${workspaceId}`)).body.data;
      assert.deepEqual({ ...row, ...expected }, row, JSON.stringify(row));
    });
  }

  test('is answered as it ended by what finds it so', async () => {
    await server.grant(workspaceId, 20);
    const id = await held('paid', 15, { ttlSeconds: 10, onExpire: 'settle' });
    await progress(id, 6);
    await advance(11);
    const refused = await progress(id, 7);
    assertRefused(refused, 'hold_not_open');
    assert.deepEqual(refused.body.error.details, { status: 'SETTLED' });
    assert.deepEqual((await server.use(workspaceId, 'paid', 14)).body.credit, credit(0, 0));
  });

  test('gives back nothing to credits that have expired meanwhile', async () => {
    const expiresAt = new Date(Date.parse((await advance(1)).body.now) + 60_000).toISOString();
    await server.grant(workspaceId, 20, { expiresAt });
    const id = await held('paid', 15);
    await advance(61);
    // What is held does not expire; the rest has.
    assert.deepEqual((await state()).credit, { ...credit(15, 15), total: 20, totalUsage: 0, debt: 0 });
    const { body } = await settle(id, 4);
    assert.deepEqual([body.usage.creditCost, body.credit], [4, credit(0, 0)]);
    const { body: why } = await server.get(`/v1/decisions/${body.usage.id}`);
    assert.equal(why.credits.lapsed[0].amount, 11);
  });
});

describe('a repeat', () => {
  test('of each verb gets the first answer, and a changed one is refused', async () => {
    await server.grant(workspaceId, 50);
    const key = (verb: string) => `${verb}-${workspaceId}`;
    const repeated = async (ask: (amount: number) => Promise<Answer>, status: number) => {
      const first = await ask(7);
      assert.equal(first.status, status, first.text);
      const again = await ask(7);
      assert.deepEqual([again.status, again.text], [first.status, first.text]);
      assert.equal(again.headers.get('idempotency-replayed'), 'true');
      assertRefused(await ask(8), 'idempotency_conflict');
      return first.body.id as string;
    };
    const id = await repeated((amount) => hold('paid', amount, {}, key('hold')), 201);
    await repeated((amount) => server.post(`/v1/holds/${id}/progress`, { amount }, key('progress')), 200);
    await repeated((amount) => settle(id, amount, key('settle')), 200);
    assertRefused(await settle(id, 7), 'hold_not_open');
    const other = await held('paid', 3);
    const first = await release(other, key('release'));
    assert.deepEqual((await release(other, key('release'))).text, first.text);
    assert.deepEqual((await state()).credit, { ...credit(43, 0), total: 50, totalUsage: 7, debt: 0 });
  });
});

describe('at once', () => {
  test('two hundred holds on a balance for a hundred: a hundred are held', async () => {
    await server.grant(workspaceId, 100);
    const answers = await Promise.all(Array.from({ length: 200 }, () => hold('paid', 1)));
    const open = answers.filter(({ status }) => status === 201).map(({ body }) => body.id as string);
    assert.equal(open.length, 100);
    for (const refused of answers.filter(({ status }) => status !== 201))
      assertRefused(refused, 'insufficient_credits');
    assert.deepEqual((await state()).credit, { ...credit(100, 100), total: 100, totalUsage: 0, debt: 0 });
    // Each is settled twice at once, half of them with more than there is.
    const settled = await Promise.all(
      open.flatMap((id, index) => [settle(id, index % 2 === 0 ? 1 : 2), settle(id, 0.5)]),
    );
    const done = settled.filter(({ status }) => status === 200);
    assert.equal(done.length, 100);
    const used = done.reduce((sum, { body }) => sum + body.usage.amount, 0);
    assert.deepEqual((await state()).credit, {
      ...{ ...credit(100 - used, 0), total: 100, totalUsage: used, debt: 0 },
    });
  });
});

test('bad input is told, and changes nothing', async () => {
  await server.grant(workspaceId, 50);
  const id = await held('ai.points', 10, { ai: { type: 'TEXT_CHAT', pageId: 'page_1' } });
  const use = (await server.use(workspaceId, 'paid', 1)).body.id;
  const before = await countRows(database.pool);
  const stateBefore = await state();
  const base = { workspaceId, featureCode: 'ai.points', amount: 1 };
  const ai = { type: 'TEXT_CHAT', pageId: 'page_1' };
  const bad = (body: object, param: string) =>
    ['/v1/holds', { ...base, ...body }, 'invalid_request', param] as const;
  for (const [path, body, code, param] of [
    bad({ amount: 0 }, 'amount'),
    bad({ amount: -1 }, 'amount'),
    bad({ amount: 1.5 }, 'amount'),
    bad({ ttlSeconds: 0 }, 'ttlSeconds'),
    bad({ ttlSeconds: 86_401 }, 'ttlSeconds'),
    bad({ ttlSeconds: 1.5 }, 'ttlSeconds'),
    bad({ onExpire: 'keep' }, 'onExpire'),
    bad({ ai: { ...ai, type: 'VIDEO' } }, 'ai.type'),
    bad({ ai: { type: 'TEXT_CHAT' } }, 'ai.pageId'),
    bad({ ai: { ...ai, page: 'x' } }, 'ai.page'),
    bad({ featureCode: 'mixed', ai }, 'featureCode'),
    bad({ unknown: 1 }, 'unknown'),
    [`/v1/holds/${id}/settle`, { amount: -1 }, 'invalid_request', 'amount'],
    [`/v1/holds/${id}/settle`, {}, 'invalid_request', 'amount'],
    [`/v1/holds/${id}/settle`, { amount: 1.5 }, 'invalid_request', 'amount'],
    [`/v1/holds/${id}/settle`, { amount: 1e9 + 1 }, 'invalid_request', 'amount'],
    [`/v1/holds/${id}/progress`, { amount: -0.1 }, 'invalid_request', 'amount'],
    [`/v1/holds/${id}/progress`, { amount: 1, ttlSeconds: 90_000 }, 'invalid_request', 'ttlSeconds'],
    [`/v1/holds/${id}/release`, { amount: 1 }, 'invalid_request', 'amount'],
    [`/v1/holds/${use}/settle`, { amount: 1 }, 'not_found', 'id'],
    ['/v1/holds/op_none/settle', { amount: 1 }, 'not_found', 'id'],
    ['/v1/holds/op_none/progress', { amount: 1 }, 'not_found', 'id'],
    ['/v1/holds/op_none/release', {}, 'not_found', 'id'],
    [`/v1/usage/${id}/refund`, {}, 'not_refundable', undefined],
  ] as const) {
    const answer = await server.post(path, body);
    assertRefused(answer, code, param);
  }
  assertRefused(await server.get('/v1/holds/op_none'), 'not_found');
  assert.deepEqual([await countRows(database.pool), await state()], [before, stateBefore]);
});
