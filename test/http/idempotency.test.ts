import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../database.ts';
import { startServer, type TestServer } from '../server.ts';
import { assertRefused } from './refusals.ts';

let database: TestDatabase;
let server: TestServer;

before(async () => {
  database = await testDatabase();
  server = await startServer({ databaseUrl: database.url });
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

let keys = 0;
const newKey = () => `key ${keys++}`;

test('without a key each request stands alone', async () => {
  const id = await server.workspace();
  const first = await server.use(id, 'blocked');
  const second = await server.use(id, 'blocked');
  assert.notEqual(first.body.id, second.body.id);
  assert.equal(second.body.used, 2);
  assert.equal(first.headers.has('idempotency-replayed'), false);
});

test('a repeat gets the first answer again, also when much has happened since, and after a restart', async () => {
  const id = await server.workspace();
  const key = newKey();
  const first = await server.use(id, 'blocked', 3, key);
  assert.equal(first.headers.has('idempotency-replayed'), false);
  await server.use(id, 'blocked', 10);
  const refund = await server.refund(first.body.id, newKey());
  assert.equal(refund.body.used, 10);
  const again = await server.use(id, 'blocked', 3, key);
  assert.equal(again.text, first.text);
  assert.equal(again.headers.get('idempotency-replayed'), 'true');
  assert.notEqual(again.headers.get('request-id'), first.headers.get('request-id'));

  await server.stop();
  server = await startServer({ databaseUrl: database.url });
  assert.equal((await server.use(id, 'blocked', 3, key)).text, first.text);
});

test('the order of fields, and a default that is written out, make no other request', async () => {
  const id = await server.workspace();
  const key = newKey();
  const first = await server.post('/v1/usage', { workspaceId: id, featureCode: 'blocked' }, key);
  const again = await server.post('/v1/usage', { amount: 1.0, featureCode: 'blocked', workspaceId: id }, key);
  assert.equal(again.text, first.text);
});

test('refusals of 402 and 403 are kept and given again, even when the use would pass now', async () => {
  const id = await server.workspace();
  const [unpaid, lacking, limited] = [newKey(), newKey(), newKey()];
  const asks = [
    () => server.use(id, 'paid', 5, unpaid),
    () => server.use(id, 'extra', 1, lacking),
    () => server.use(id, 'blocked', 101, limited),
  ];
  const firsts = await Promise.all(asks.map((ask) => ask()));
  assert.deepEqual(
    firsts.map(({ body }) => body.error.code),
    ['insufficient_credits', 'feature_not_in_plan', 'limit_reached'],
  );
  await server.grant(id, 100);
  const before = await database.pool.query('select count(*) from "Decision"');
  for (const [i, ask] of asks.entries()) {
    const again = await ask();
    assert.equal(again.status, firsts[i]!.status);
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    // The body names the request that it answered first; the header is of this one.
    assert.deepEqual(again.body, firsts[i]!.body);
    assert.notEqual(again.headers.get('request-id'), again.body.error.requestId);
  }
  assert.deepEqual((await database.pool.query('select count(*) from "Decision"')).rows, before.rows);
  assert.equal((await server.use(id, 'paid', 5, newKey())).status, 200);
});

test('400, 401 and 404 are not kept: the key is free for the right request', async () => {
  const id = await server.workspace();
  const key = newKey();
  const unknown = `later-${id}`;
  assertRefused(await server.use(id, 'blocked', 0, key), 'invalid_request');
  assertRefused(await server.use(id, 'nothing', 1, key), 'feature_unknown');
  assertRefused(await server.use(unknown, 'blocked', 1, key), 'workspace_not_found');
  assertRefused(
    await server.call('POST', '/v1/usage', {}, { authorization: 'Bearer wrong', 'idempotency-key': key }),
    'unauthorized',
  );
  assertRefused(await server.refund('op_unknown', key), 'not_found');
  assertRefused(await server.post('/v1/usage/batch', { items: [] }, key), 'invalid_request');
  const { status, headers } = await server.use(id, 'blocked', 1, key);
  assert.deepEqual([status, headers.has('idempotency-replayed')], [200, false]);
});

test('a key that was used for anything else is a conflict, and nothing is done', async () => {
  const [id, other] = [await server.workspace(), await server.workspace()];
  const used = await server.use(id, 'mixed');
  const use = { workspaceId: id, featureCode: 'mixed', amount: 1 };
  const item = { ...use, idempotencyKey: 'x' };
  const grant = { workspaceId: id, amount: 1, type: 'PROMOTION', description: 'd' };
  const requests: [path: string, body: unknown][] = [
    ['/v1/usage', use],
    ['/v1/usage', { ...use, amount: 2 }],
    ['/v1/usage', { ...use, featureCode: 'blocked' }],
    ['/v1/usage', { ...use, description: 'd' }],
    ['/v1/usage', { ...use, workspaceId: other }],
    ['/v1/ai/usage', { workspaceId: id, type: 'TEXT_CHAT', pageId: 'p', points: 1 }],
    ['/v1/credits/grants', grant],
    ['/v1/credits/grants', { ...grant, workspaceId: other }],
    [`/v1/usage/${used.body.id}/refund`, {}],
    ['/v1/usage/batch', { items: [item] }],
    ['/v1/usage/batch', { items: [{ ...item, idempotencyKey: 'y' }] }],
  ];
  const wrong: string[] = [];
  for (const [firstPath, firstBody] of requests) {
    const key = newKey();
    const first = await server.post(firstPath, firstBody, key);
    assert.ok(first.status < 300, first.text);
    for (const [path, body] of requests) {
      if (body === firstBody) continue;
      const answer = await server.post(path, body, key);
      if (answer.body.error?.code !== 'idempotency_conflict' || answer.status !== 409) {
        wrong.push(`${firstPath} ${JSON.stringify(firstBody)}, then ${path}: ${answer.status}`);
      }
    }
    const again = await server.post(firstPath, firstBody, key);
    assert.equal(again.text, first.text, 'the first one is still answered');
    if (firstPath.endsWith('/refund'))
      requests[8]![0] = `/v1/usage/${(await server.use(id, 'mixed')).body.id}/refund`;
  }
  assert.deepEqual(wrong, []);
});

test('a batch may have the key of its item', async () => {
  const id = await server.workspace();
  const key = newKey();
  const items = [{ workspaceId: id, featureCode: 'blocked', amount: 1, idempotencyKey: key }];
  const first = await server.post('/v1/usage/batch', { items }, key);
  assert.equal(first.body.results[0].ok, true);
  assert.equal((await server.post('/v1/usage/batch', { items }, key)).text, first.text);
  assert.deepEqual((await server.use(id, 'blocked', 1, key)).body, first.body.results[0].usage);
});

test('a key may have 255 characters, of any kind that a header carries', async () => {
  const id = await server.workspace();
  for (const key of ['k'.repeat(255), '"quoted", and more', '%00', "'; --", 'clé', '__proto__']) {
    const first = await server.use(id, 'blocked', 1, key);
    assert.equal(first.status, 200);
    assert.equal((await server.use(id, 'blocked', 1, key)).text, first.text);
  }
});

test('a check takes a key without minding it', async () => {
  const id = await server.workspace();
  const key = newKey();
  await server.post('/v1/check', { workspaceId: id, featureCode: 'blocked' }, key);
  assert.equal((await server.use(id, 'blocked', 1, key)).status, 200);
});

test('repeats of a request that takes long keep no other key waiting', async () => {
  const [held, free] = [await server.workspace(), await server.workspace()];
  const batch = (workspaceId: string, key: string) => {
    const item = { workspaceId, featureCode: 'blocked', amount: 1, idempotencyKey: `${key} item` };
    return server.post('/v1/usage/batch', { items: [item] }, key);
  };
  const key = newKey();
  const host = await database.pool.connect();
  await host.query('begin');
  await host.query('select from "Credit" where "workspaceId" = $1 for update', [held]);
  const repeats = Promise.all(Array.from({ length: 30 }, () => batch(held, key)));
  for (let i = 0; i < 5; i++) assert.equal((await batch(free, newKey())).status, 200);
  await host.query('rollback');
  host.release();
  const answers = await repeats;
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
  assert.equal(answers.filter(({ headers }) => headers.has('idempotency-replayed')).length, 29);
});
