import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { aiRoutes } from '../src/ai/routes.ts';
import { auditRoutes } from '../src/audit/routes.ts';
import { catalogRoutes } from '../src/catalog/routes.ts';
import { creditRoutes } from '../src/credits/routes.ts';
import { decisionRoutes } from '../src/decisions/routes.ts';
import { entitlementRoutes } from '../src/entitlements/routes.ts';
import { holdRoutes } from '../src/holds/routes.ts';
import { createServer } from '../src/http/server.ts';
import { paymentListRoutes } from '../src/payments/lists.ts';
import { subscriptionRoutes } from '../src/subscriptions/routes.ts';
import { testDatabase } from './database.ts';
import { makeHistory, openServices } from './history.ts';

const database = await testDatabase();
await makeHistory(database);
await database.pool.query(`insert into "User" (id) values ('u'), ('u_other')`);
const services = await openServices(database);
const endpoints = [
  ...[...paymentListRoutes(services), ...subscriptionRoutes(services), ...entitlementRoutes(services)],
  ...[...creditRoutes(services), ...aiRoutes(services), ...decisionRoutes(services), ...holdRoutes(services)],
  ...[...catalogRoutes(services), ...auditRoutes(services)],
];
const defects: unknown[] = [];
const server = createServer({
  keys: { accepts: () => true },
  db: database.db,
  locks: database.pool,
  endpoints,
  report: (_message, error) => defects.push(error),
});
after(async () => {
  await server.close();
  await services.close();
  await database.drop();
  assert.deepEqual(defects, []);
});

type Body = {
  data: Record<string, unknown>[];
  hasMore: boolean;
  nextCursor: string | null;
  error: { code: string; param: string };
  [other: string]: unknown;
};
type Answer = { status: number; body: Body };

async function get(path: string): Promise<Answer> {
  const response = await server.inject({ url: path, headers: { authorization: 'Bearer key' } });
  return { status: response.statusCode, body: response.json() };
}

const ROWS = {
  '/v1/users': 'id createdAt',
  '/v1/payment-users': 'id userId email paymentPlatform customerId createdAt updatedAt',
  '/v1/payments':
    'id amount currency status paymentPlatform paymentId paymentUserId createdAt updatedAt refunded disputed',
  '/v1/reversals': 'id paymentId workspaceId kind amount currency status createdAt updatedAt',
  '/v1/subscriptions':
    'id paymentPlatform subscriptionId status workspaceId plan startDate endDate createdAt updatedAt',
  '/v1/feature-usages': 'id workspaceId featureCode used createdAt updatedAt periodStart periodEnd',
  '/v1/credit-records': 'id amount type workspaceId paymentUserId paymentId description createdAt updatedAt',
  '/v1/credit-usages': 'id workspaceId featureCode amount description status createdAt updatedAt',
  '/v1/ai-usages':
    'id workspaceId type points freePoints paidPoints pageId description createdAt updatedAt creditCost',
  '/v1/credits/grants': 'id workspaceId type amount remaining priority expiresAt description createdAt',
  '/v1/holds':
    'id workspaceId featureCode amount fromAllowance fromCredits creditCost status settledAmount progressAmount expiresAt onExpire ai endedBy createdAt updatedAt',
  '/v1/decisions': 'id workspaceId operation featureCode amount code plan catalogVersion createdAt',
};

for (const [path, fields] of Object.entries(ROWS)) {
  test(`${path} answers the fields of the model, as its schema says and nothing else`, async () => {
    const { status, body } = await get(`${path}?limit=100`);
    assert.equal(status, 200);
    assert(body.data.length > 0);
    for (const field of fields.split(' ')) assert(field in body.data[0]!, field);
    const { answers } = endpoints.find((each) => each.method === 'GET' && each.path === path)!;
    assert.deepEqual(answers[200]!.parse(body), body);
  });

  test(`${path} in pages of one is the same list, newest first, and ends`, async () => {
    const whole = (await get(`${path}?limit=100`)).body.data;
    const seen: unknown[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body }: Answer = await get(`${path}?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...body.data);
      assert.equal(body.hasMore, body.nextCursor !== null);
      cursor = body.nextCursor;
    }
    assert.deepEqual(seen, whole);
    if (path === '/v1/decisions') return;
    const times = whole.map(({ createdAt }) => createdAt as string);
    assert.deepEqual(times, [...times].sort().reverse());
  });

  test(`${path} is chosen by workspace and time`, async () => {
    const { data } = (await get(`${path}?limit=100`)).body;
    const of = (query: string) => get(`${path}?limit=100&${query}`).then(({ body }) => body.data);
    assert.deepEqual(await of('workspaceId=nobody'), []);
    if ('workspaceId' in data[0]!) {
      const { workspaceId } = data[0];
      assert.deepEqual(
        await of(`workspaceId=${workspaceId}`),
        data.filter((row) => row.workspaceId === workspaceId),
      );
    } else assert.equal((await of('workspaceId=ws_a')).length, 1);
    const at = data[Math.floor(data.length / 2)]!.createdAt as string;
    assert.deepEqual(
      await of(`createdAfter=${at}`),
      data.filter((row) => (row.createdAt as string) >= at),
    );
    assert.deepEqual(
      await of(`createdBefore=${at}`),
      data.filter((row) => (row.createdAt as string) < at),
    );
  });
}

for (const [query, param] of [
  ['limit=0', 'limit'],
  ['limit=101', 'limit'],
  ['limit=1.5', 'limit'],
  ['limit=1e1', 'limit'],
  ['limit=0x10', 'limit'],
  ['limit=%2010', 'limit'],
  ['limit=', 'limit'],
  ['limit=5&limit=6', 'limit'],
  ['limit[]=5', 'limit[]'],
  ['cursor=', 'cursor'],
  ['cursor=bm90aGluZw', 'cursor'],
  ['cursor=MTAg', 'cursor'],
  ['cursor=OTk5OTk5OTk5OTk5OTk5OTkgeA', 'cursor'],
  ['cursor=MSB4%3D%3D', 'cursor'],
  ['cursor=MSAA', 'cursor'],
  ['workspaceId=', 'workspaceId'],
  ['workspaceId=a%00b', 'workspaceId'],
  ['createdAfter=yesterday', 'createdAfter'],
  ['createdBefore=2026-01-31', 'createdBefore'],
  ['createdBefore=2026-13-31T00:00:00Z', 'createdBefore'],
  ['status=DONE', 'status'],
  ['status=FAILED&status=FAILED', 'status'],
  ['featureCode=%00', 'featureCode'],
  ['page=2', 'page'],
  ['__proto__=1', '__proto__'],
  ['constructor=1', 'constructor'],
] as const) {
  test(`?${query} is refused, naming ${param}`, async () => {
    const { status, body } = await get(`/v1/credit-usages?${query}`);
    assert.deepEqual([status, body.error.param], [400, param]);
  });
}

test('the oldest and the newest time that can be written are only times', async () => {
  for (const time of ['0000-01-01T00:00:00Z', '0001-01-01T00:00:00%2B14:00', '9999-12-31T23:59:59.999Z']) {
    assert.equal((await get(`/v1/payments?createdAfter=${time}`)).status, 200);
  }
});

test('each list is chosen by what its rows are', async () => {
  for (const [query, count] of [
    ['/v1/payments?status=PENDING', 1],
    ['/v1/payments?currency=eur', 0],
    ['/v1/payments?paymentUserId=pu', 5],
    ['/v1/reversals?kind=DISPUTE', 1],
    ['/v1/reversals?paymentId=pay_back&kind=REFUND', 2],
    ['/v1/reversals?status=FAILED', 1],
    ['/v1/payment-users?email=a@example.com', 1],
    ['/v1/subscriptions?plan=PRO&status=ACTIVE', 2],
    ['/v1/subscriptions?plan=BASIC', 0],
    ['/v1/feature-usages?featureCode=ai.points&workspaceId=ws_a', 2],
    ['/v1/credits/grants?type=PURCHASE', 3],
    ['/v1/credit-records?type=PURCHASE', 3],
    ['/v1/credit-usages?status=REFUNDED', 3],
    ['/v1/ai-usages?type=IMAGE_GENERATION', 0],
    ['/v1/ai-usages?status=REFUNDED', 1],
    ['/v1/decisions?operation=EXPIRE', 2],
    ['/v1/decisions?operation=SETTLE&featureCode=ai.points', 3],
    ['/v1/holds?status=HELD', 1],
    ['/v1/holds?status=RELEASED&workspaceId=ws_f', 2],
    ['/v1/holds?featureCode=api.calls', 0],
    ['/v1/decisions?operation=CLAW_BACK', 5],
    ['/v1/decisions?code=limit_reached&allowed=false', 1],
    ['/v1/decisions?code=limit_reached&allowed=true', 0],
    ['/v1/decisions?plan=PRO&operation=REFUND&featureCode=api.calls', 1],
  ] as const) {
    assert.equal((await get(query)).body.data.length, count, query);
  }
});

test('rows that are inserted between two pages move nothing', async () => {
  const path = '/v1/payments?workspaceId=ws_a&limit=1';
  const first = (await get(path)).body;
  await database.pool.query(`
    insert into "Payment" (id, amount, currency, status, "paymentPlatform", "paymentId", "paymentUserId", "workspaceId")
    values ('pay_new', 1, 'usd', 'PENDING', 'STRIPE', 'cs_new', 'pu', 'ws_a')`);
  const second = (await get(`${path}&cursor=${first.nextCursor}`)).body;
  assert.deepEqual(
    [...first.data, ...second.data].map(({ id }) => id),
    ['pay_open', 'pay'],
  );
  assert.equal(second.nextCursor, null);
  await database.pool.query(`delete from "Payment" where id = 'pay_new'`);
});

test('an expired grant has nothing left, whether or not that was booked', async () => {
  await database.pool.query(`
    update "CreditGrant" set "expiresAt" = now() - interval '1 second' where type = 'PURCHASE'`);
  const { body } = await get('/v1/credits/grants?type=PURCHASE&workspaceId=ws_a');
  const { amount, remaining, spent, expired } = body.data[0] as Record<string, number>;
  assert.equal(remaining, 0);
  assert.equal(Number((spent! + expired!).toFixed(6)), amount);
  assert(expired! > 0 && spent! > 0);
});

test('what is held of an expired grant is still there, and no more of it', async () => {
  const { body } = await get('/v1/credits/grants?workspaceId=ws_f&limit=1');
  const grantId = body.data[0]!.id;
  const expire = `update "CreditGrant" set "expiresAt" = $1 where id = $2`;
  await database.pool.query(expire, [new Date(Date.now() - 1000), grantId]);
  const [grant] = (await get('/v1/credits/grants?workspaceId=ws_f&limit=1')).body.data;
  assert.deepEqual([grant!.remaining, grant!.held, grant!.expired], [12, 12, 88]);
  await database.pool.query(expire, [null, grantId]);
});

test('the catalog is answered as it serves, by version, and not at all if it never served', async () => {
  const { body: serving } = await get('/v1/catalog');
  assert.equal(serving.version, services.catalog.version);
  const { answers } = endpoints.find(({ path }) => path === '/v1/catalog')!;
  assert.deepEqual(answers[200]!.parse(serving), serving);
  await database.pool.query(`insert into "CatalogVersion" (version, content) values ('cat_old', $1)`, [
    JSON.stringify({ ...serving, version: 'cat_old' }),
  ]);
  assert.deepEqual((await get('/v1/catalog?version=cat_old')).body, { ...serving, version: 'cat_old' });
  assert.deepEqual((await get(`/v1/catalog?version=${serving.version}`)).body, serving);
  const { status, body } = await get('/v1/catalog?version=cat_never');
  assert.deepEqual([status, body.error.param], [404, 'version']);
});

test('audits that are asked for at once are answered, each with what was there when it was asked for', async () => {
  const answers = await Promise.all(Array.from({ length: 30 }, () => get('/v1/audit')));
  const { answers: schemas } = endpoints.find(({ path }) => path === '/v1/audit')!;
  for (const { status, body } of answers) {
    assert.equal(status, 200);
    assert.deepEqual(schemas[200]!.parse(body), body);
  }
  assert.equal(new Set(answers.map(({ body }) => body.checkedAt)).size, 2);
});
