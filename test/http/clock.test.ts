import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../database.ts';
import { startServer, type TestServer } from '../server.ts';
import { assertRefused } from './refusals.ts';

const DAY = 86_400;

let database: TestDatabase;
let server: TestServer;
let workspaceId: string;

const start = () => startServer({ databaseUrl: database.url, env: { TOLLGATE_TEST_CLOCK: '1' } });

before(async () => {
  database = await testDatabase();
  server = await start();
});

beforeEach(async () => {
  workspaceId = await server.workspace();
});

after(async () => {
  try {
    assert.deepEqual(
      (await server.get('/v1/audit')).body.checks.filter(({ ok }: { ok: boolean }) => !ok),
      [],
    );
    assert.equal(server.errors(), '');
  } finally {
    await server.stop();
    await database.drop();
  }
});

async function advance(advanceSeconds: number): Promise<number> {
  const { status, body } = await server.post('/v1/test/clock', { advanceSeconds });
  assert.equal(status, 200);
  return Date.parse(body.now);
}

async function moveTo(time: string | number): Promise<void> {
  const { status, text } = await server.post('/v1/test/clock', { now: new Date(time).toISOString() });
  assert.equal(status, 200, text);
}

const feature = async (featureCode: string) =>
  (await server.get(`/v1/workspaces/${workspaceId}`)).body.features.find(
    (each: { featureCode: string }) => each.featureCode === featureCode,
  );

test('the clock moves forward, by seconds or to a time, and never back', async () => {
  const before = Date.parse((await server.use(workspaceId, 'on')).body.createdAt);
  const now = await advance(3600);
  assert.ok(now - before >= 3_600_000);
  assert.ok(Date.parse((await server.use(workspaceId, 'on')).body.createdAt) >= now);
  const past = new Date(before).toISOString();
  assertRefused(await server.post('/v1/test/clock', { now: past }), 'invalid_request', 'now');
  assertRefused(await server.post('/v1/test/clock', { now: past, advanceSeconds: 1 }), 'invalid_request');
});

test('an allowance starts anew when its period ends, not before, and the last use says when', async () => {
  for (const [featureCode, days] of [
    ['daily', 1],
    ['weekly', 7],
  ] as const) {
    workspaceId = await server.workspace();
    const { createdAt } = (await server.get(`/v1/workspaces/${workspaceId}`)).body;
    const { limit, resetsAt } = await feature(featureCode);
    assert.equal(Date.parse(resetsAt) - Date.parse(createdAt), days * DAY * 1000);
    assert.equal((await server.use(workspaceId, featureCode, limit)).body.remaining, 0);
    const refused = await server.use(workspaceId, featureCode, 1);
    assert.equal(refused.status, 402);
    if (featureCode === 'daily') assert.equal(refused.body.error.details.resetsAt, resetsAt);
    await moveTo(Date.parse(resetsAt) - 2_000);
    assert.equal((await server.use(workspaceId, featureCode, 1)).status, 402);
    await moveTo(resetsAt);
    const anew = await server.use(workspaceId, featureCode, 1);
    assert.deepEqual([anew.status, anew.body.used], [200, 1]);
    assert.equal(Date.parse((await feature(featureCode)).resetsAt) - Date.parse(resetsAt), days * DAY * 1000);
  }
});

test('a month begins on the day of creation, or on the last day of a month that is too short', async () => {
  await moveTo('2098-10-31T12:34:56Z');
  workspaceId = await server.workspace();
  const ends = [];
  for (let i = 0; i < 5; i++) {
    const { resetsAt } = await feature('blocked');
    ends.push(resetsAt.slice(0, 10));
    await moveTo(resetsAt);
    assert.equal((await server.use(workspaceId, 'blocked', 100)).body.remaining, 0);
  }
  assert.deepEqual(ends, ['2098-11-30', '2098-12-31', '2099-01-31', '2099-02-28', '2099-03-31']);
});

test('what is allowed for good does not start anew', async () => {
  await server.use(workspaceId, 'once', 1.5);
  await advance(400 * DAY);
  const refused = await server.use(workspaceId, 'once', 0.000001);
  assertRefused(refused, 'limit_reached');
  assert.equal(refused.body.error.details.resetsAt, null);
});

test('a refusal that was kept is given again after its period, and a new key is served', async () => {
  await server.use(workspaceId, 'daily', 3);
  const key = `of ${workspaceId}`;
  assert.equal((await server.use(workspaceId, 'daily', 1, key)).status, 402);
  await advance(DAY);
  assert.equal((await server.use(workspaceId, 'daily', 1, key)).status, 402);
  assert.equal((await server.use(workspaceId, 'daily', 1, `${key}, again`)).status, 200);
});

test('a refund gives back to the period of the use, not to the present one', async () => {
  const { body } = await server.use(workspaceId, 'daily', 3);
  await advance(DAY);
  await server.use(workspaceId, 'daily', 2);
  const refunded = await server.refund(body.id);
  assert.deepEqual([refunded.status, refunded.body.used, refunded.body.remaining], [200, 2, 1]);
  const { data } = (await server.get(`/v1/feature-usages?workspaceId=${workspaceId}`)).body;
  assert.deepEqual(data.map(({ used }: { used: number }) => used).sort(), [0, 2]);
});

test('grants are spent by priority, then by expiry, then by age', async () => {
  const soon = new Date((await advance(1)) + 10 * DAY * 1000).toISOString();
  const later = new Date(Date.parse(soon) + DAY * 1000).toISOString();
  const grants = [
    { name: 'fourth', priority: 50, expiresAt: null },
    { name: 'fifth', priority: 50, expiresAt: null },
    { name: 'third', priority: 50, expiresAt: later },
    { name: 'second', priority: 50, expiresAt: soon },
    { name: 'first', priority: 10, expiresAt: null },
    { name: 'sixth', priority: 60, expiresAt: soon },
  ];
  for (const { name, ...terms } of grants) {
    await server.grant(workspaceId, 1, { description: name, ...terms });
    await advance(1);
  }
  const spent = [];
  for (let i = 0; i < grants.length; i++) {
    const before = await remaining();
    assert.equal((await server.use(workspaceId, 'paid')).status, 200);
    const now = await remaining();
    spent.push([...now].find(([name, left]) => left !== before.get(name))![0]);
  }
  assert.deepEqual(spent, ['first', 'second', 'third', 'fourth', 'fifth', 'sixth']);
});

async function remaining(): Promise<Map<string, number>> {
  const { data } = (await server.get(`/v1/credits/grants?workspaceId=${workspaceId}`)).body;
  return new Map(
    data.map((grant: { description: string; remaining: number }) => [grant.description, grant.remaining]),
  );
}

test('credits count until the instant they expire, and nowhere from then on', async () => {
  const expiresAt = new Date((await advance(1)) + 60_000).toISOString();
  await server.grant(workspaceId, 10, { expiresAt });
  await server.grant(workspaceId, 5);
  const used = await server.use(workspaceId, 'paid', 4);
  assert.equal(used.body.credit.available, 11);
  await moveTo(Date.parse(expiresAt));
  const asked = await server.post('/v1/check', { workspaceId, featureCode: 'paid', amount: 6 });
  assert.deepEqual([asked.body.allowed, asked.body.affordable, asked.body.credit.available], [false, 5, 5]);
  const { credit } = (await server.get(`/v1/workspaces/${workspaceId}`)).body;
  assert.deepEqual([credit.balance, credit.total, credit.totalUsage], [5, 15, 4]);
  assertRefused(await server.use(workspaceId, 'paid', 6), 'insufficient_credits');
  // What is given back to credits that have expired is gone with them.
  assert.equal((await server.refund(used.body.id)).body.credit.available, 5);
  assert.equal((await server.use(workspaceId, 'paid', 5)).body.credit.available, 0);
});

test('a restart goes on with the time that it was, and so do other processes', async () => {
  const now = await advance(1000 * DAY);
  const other = await start();
  await server.stop();
  server = await start();
  for (const each of [other, server]) {
    assert.ok(Date.parse((await each.use(workspaceId, 'on')).body.createdAt) >= now);
  }
  const further = await advance(1000);
  while (Date.parse((await other.use(workspaceId, 'on')).body.createdAt) < further);
  assert.equal(await other.stop(), 0);
});

test('a start without the test clock is back in its own time', async () => {
  const plain = await startServer({ databaseUrl: database.url });
  const id = await plain.workspace();
  const { createdAt } = (await plain.use(id, 'on')).body;
  assert.ok(Math.abs(Date.parse(createdAt) - Date.now()) < DAY * 1000);
  assert.equal(await plain.stop(), 0);
});
