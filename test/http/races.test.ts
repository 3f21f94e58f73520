import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertBooksBalance } from '../books.ts';
import type { Answer } from '../client.ts';
import { type TestDatabase, testDatabase } from '../database.ts';
import { startServer, type TestServer } from '../server.ts';

const USES = 500;
const AVAILABLE = 100;

/** The last one prepares, so that the others have seen nothing yet. */
let database: TestDatabase;
let preparer: TestServer;
let servers: TestServer[];

before(async () => {
  database = await testDatabase();
  const start = () => startServer({ databaseUrl: database.url });
  servers = await Promise.all([start(), start(), start()]);
  preparer = servers.at(-1)!;
});

after(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await database.drop();
  for (const server of servers) assert.equal(server.errors(), '', 'nothing went wrong inside');
});

/** Asks at once, over one server or over all of them in turn. */
function atOnce<T>(count: number, processes: number, ask: (server: TestServer, i: number) => Promise<T>) {
  return Promise.all(Array.from({ length: count }, (_, i) => ask(servers[i % processes]!, i)));
}

function byStatus(answers: readonly Answer[], status: number): Answer[] {
  return answers.filter((answer) => answer.status === status);
}

/** By our own sums, and by the audit. */
async function assertClean(): Promise<void> {
  await assertBooksBalance(database.pool);
  const { body } = await preparer.get('/v1/audit');
  assert.deepEqual(
    body.checks.filter(({ ok }: { ok: boolean }) => !ok),
    [],
  );
  assert.equal(body.ok, true);
}

type Race = {
  name: string;
  featureCode: string;
  /** Makes 100 available. */
  prepare(workspaceId: string): Promise<void>;
  code: string;
  details: Record<string, unknown>;
  fromAllowance: number;
  fromCredits: number;
  creditCost: number;
};

const grantAll = async (workspaceId: string, amounts: number[]): Promise<void> => {
  for (const amount of amounts) assert.equal((await preparer.grant(workspaceId, amount)).status, 201);
};

const RACES: Race[] = [
  {
    name: 'of an allowance',
    featureCode: 'blocked',
    prepare: async () => {},
    code: 'limit_reached',
    details: { limit: AVAILABLE, used: AVAILABLE, remaining: 0, affordable: 0 },
    fromAllowance: AVAILABLE,
    fromCredits: 0,
    creditCost: 0,
  },
  {
    name: 'of credits',
    featureCode: 'paid',
    prepare: (id) => grantAll(id, [50, 30.5, 19.5]),
    code: 'insufficient_credits',
    details: { required: 1, available: 0, affordable: 0 },
    fromAllowance: 0,
    fromCredits: AVAILABLE,
    creditCost: AVAILABLE,
  },
  {
    name: 'of 60 in the allowance and 40 from credits',
    featureCode: 'mixed',
    prepare: (id) => grantAll(id, [12.25, 7.75]),
    code: 'insufficient_credits',
    details: { required: 0.5, available: 0, affordable: 0 },
    fromAllowance: 60,
    fromCredits: 40,
    creditCost: 20,
  },
];

describe('500 uses at once of 100 available', () => {
  for (const processes of [1, 3]) {
    for (const isWarm of [false, true]) {
      for (const race of RACES) {
        const where = processes === 1 ? 'one process' : `${processes} processes`;
        test(`${race.name}: 100 succeed, on ${where}, ${isWarm ? 'warm' : 'at first use'}`, async () => {
          const workspaceId = await preparer.workspace();
          await race.prepare(workspaceId);
          if (isWarm) {
            const query = { workspaceId, featureCode: race.featureCode };
            await atOnce(processes, processes, (server) => server.post('/v1/check', query));
          }
          const answers = await atOnce(USES, processes, (server) =>
            server.use(workspaceId, race.featureCode),
          );
          assertExactly(race, answers);
          const seen = await preparer.get(`/v1/workspaces/${workspaceId}`);
          assert.equal(seen.body.credit.available, 0);
          assert.equal(seen.body.credit.totalUsage, race.creditCost);
          await assertClean();
        });
      }
    }
  }
});

function assertExactly(race: Race, answers: readonly Answer[]): void {
  const passed = byStatus(answers, 200);
  const refused = byStatus(answers, 402);
  assert.deepEqual([passed.length, refused.length], [AVAILABLE, USES - AVAILABLE]);
  assert.equal(new Set(passed.map(({ body }) => body.id)).size, AVAILABLE);
  const sum = (field: 'fromAllowance' | 'fromCredits' | 'creditCost') =>
    passed.reduce((total, { body }) => total + body[field], 0);
  assert.equal(sum('fromAllowance'), race.fromAllowance);
  assert.equal(sum('fromCredits'), race.fromCredits);
  assert.equal(sum('creditCost'), race.creditCost);
  for (const { body } of refused) {
    assert.equal(body.error.code, race.code);
    const { resetsAt, creditUsageId, ...details } = body.error.details;
    assert.deepEqual(details, race.details);
    if (race.code === 'limit_reached') assert.ok(Date.parse(resetsAt) > Date.now());
    else assert.match(creditUsageId, /^op_/);
  }
  if (race.code === 'insufficient_credits') {
    assert.equal(new Set(refused.map(({ body }) => body.error.details.creditUsageId)).size, refused.length);
  }
}

test('a workspace that a host wrote itself, without a wallet, is first used by many at once', async () => {
  const id = 'written-by-the-host';
  await database.pool.query(`insert into "Workspace" (id, name) values ($1, 'Host')`, [id]);
  const answers = await atOnce(USES, 3, (server) => server.use(id, 'blocked'));
  assert.equal(byStatus(answers, 200).length, AVAILABLE);
  assert.equal(byStatus(answers, 402).length, USES - AVAILABLE);
  await assertClean();
});

test('a workspace is created by one of many who put it at once', async () => {
  const answers = await atOnce(50, 3, (server) =>
    server.call('PUT', '/v1/workspaces/put-by-many', { name: 'x' }),
  );
  assert.equal(byStatus(answers, 201).length, 1);
  assert.equal(byStatus(answers, 200).length, 49);
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
});

describe('the same key 50 times at once has one effect and one answer', () => {
  const requests: [name: string, path: string, (workspaceId: string) => unknown, status: number][] = [
    ['a use', '/v1/usage', (workspaceId) => ({ workspaceId, featureCode: 'mixed', amount: 61 }), 200],
    [
      'a refused use',
      '/v1/usage',
      (workspaceId) => ({ workspaceId, featureCode: 'blocked', amount: 101 }),
      402,
    ],
    [
      'an unpaid use',
      '/v1/usage',
      (workspaceId) => ({ workspaceId, featureCode: 'paid', amount: 1000.5 }),
      402,
    ],
    ['a use that the plan lacks', '/v1/usage', (workspaceId) => ({ workspaceId, featureCode: 'extra' }), 403],
    [
      'AI points',
      '/v1/ai/usage',
      (workspaceId) => ({ workspaceId, type: 'TEXT_CHAT', pageId: 'p', points: 202, description: '聊天' }),
      200,
    ],
    [
      'a grant',
      '/v1/credits/grants',
      (workspaceId) => ({ workspaceId, amount: 5, type: 'ADJUSTMENT', description: 'sorry' }),
      201,
    ],
    [
      'a batch',
      '/v1/usage/batch',
      (workspaceId) => ({
        items: [1, 2, 300].map((amount) => ({
          ...{ workspaceId, featureCode: 'blocked', amount },
          idempotencyKey: `item ${amount} of ${workspaceId}`,
        })),
      }),
      200,
    ],
  ];
  for (const processes of [1, 3]) {
    for (const [name, path, bodyOf, status] of requests) {
      test(`${name}, on ${processes === 1 ? 'one process' : `${processes} processes`}`, async () => {
        const workspaceId = await preparer.workspace();
        await grantAll(workspaceId, [10]);
        const before = await decisions(workspaceId);
        const body = bodyOf(workspaceId);
        const answers = await atOnce(50, processes, (server) =>
          server.post(path, body, `key of ${workspaceId}`),
        );
        assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [status]);
        const firsts = answers.filter(({ headers }) => !headers.has('idempotency-replayed'));
        assert.equal(firsts.length, 1, 'one ran');
        const replayed = answers.filter(({ headers }) => headers.get('idempotency-replayed') === 'true');
        assert.equal(replayed.length, 49, 'the others got its answer');
        for (const { text } of replayed)
          assert.equal(withoutRequestId(text), withoutRequestId(firsts[0]!.text));
        assert.equal((await decisions(workspaceId)) - before, name === 'a batch' ? 3 : 1);
        await assertClean();
      });
    }
  }
});

/** What differs between an answer and its repeats: a refusal names the request that it answers. */
function withoutRequestId(text: string): string {
  return text.replace(/"requestId":"req_\w+"/, '"requestId":""');
}

async function decisions(workspaceId: string): Promise<number> {
  const { rows } = await database.pool.query(
    'select count(*)::int4 as count from "Decision" where "workspaceId" = $1',
    [workspaceId],
  );
  return rows[0].count;
}

test('of 50 refunds of one use at once one succeeds, and its 49 others are already_refunded', async () => {
  for (const processes of [1, 3]) {
    const workspaceId = await preparer.workspace();
    await grantAll(workspaceId, [3, 4]);
    const use = await preparer.use(workspaceId, 'mixed', 70);
    const answers = await atOnce(50, processes, (server, i) =>
      server.refund(use.body.id, i % 2 === 0 ? `refund ${i} of ${use.body.id}` : undefined),
    );
    assert.equal(byStatus(answers, 200).length, 1);
    const codes = byStatus(answers, 409).map(({ body }) => body.error.code);
    assert.deepEqual(codes, Array(49).fill('already_refunded'));
    const { body } = await preparer.get(`/v1/workspaces/${workspaceId}`);
    assert.equal(body.credit.balance, 7);
    assert.equal(body.credit.totalUsage, 0);
    await assertClean();
  }
});

test('grants, uses, batches and refunds of one workspace at once add up exactly', async () => {
  const workspaceId = await preparer.workspace();
  await grantAll(workspaceId, [40]);
  const early = await Promise.all(Array.from({ length: 20 }, () => preparer.use(workspaceId, 'paid', 1.5)));
  const kinds = [
    (server: TestServer) => server.use(workspaceId, 'paid', 0.3),
    (server: TestServer) => server.grant(workspaceId, 0.7),
    (server: TestServer, i: number) => server.refund(early[Math.floor(i / 5) % early.length]!.body.id),
    (server: TestServer) => server.use(workspaceId, 'mixed', 2.000001),
    (server: TestServer, i: number) =>
      server.post('/v1/usage/batch', {
        items: [0, 1, 2].map((n) => ({
          ...{ workspaceId, featureCode: 'odd', amount: 1 },
          idempotencyKey: `mixed ${i} ${n} ${workspaceId}`,
        })),
      }),
  ];
  const answers = await atOnce(USES, 3, (server, i) => kinds[i % kinds.length]!(server, i));
  const spent = (asked: readonly Answer[]) => {
    const uses = asked.flatMap(({ status, body }) =>
      status !== 200
        ? []
        : (body.results?.flatMap((result: { usage?: unknown }) => result.usage ?? []) ?? [body]),
    );
    return uses
      .filter(({ status }) => status === 'SUCCEEDED')
      .reduce((sum, { creditCost }) => sum + Math.round(creditCost * 1e6), 0);
  };
  const refunds = answers.filter(({ body }) => body.status === 'REFUNDED');
  assert.equal(refunds.length, early.length);
  const granted = 40 + byStatus(answers, 201).length * 0.7;
  const { body } = await preparer.get(`/v1/workspaces/${workspaceId}`);
  assert.equal(byStatus(answers, 201).length, 100);
  assert.equal(body.credit.total, granted);
  const left = Math.round(granted * 1e6) - spent(early) - spent(answers) + early.length * 1_500_000;
  assert.equal(body.credit.balance, left / 1e6);
  await assertClean();
});

test('batches and single uses race for the same allowance, and for the same keys', async () => {
  const workspaceId = await preparer.workspace();
  const key = (i: number) => `raced ${i % 150} ${workspaceId}`;
  const item = (i: number) => ({ workspaceId, featureCode: 'blocked', amount: 1, idempotencyKey: key(i) });
  const batch = (from: number) => ({ items: Array.from({ length: 50 }, (_, i) => item(from + i)) });
  const answers = await atOnce(156, 3, (server, i) =>
    i < 150 ? server.use(workspaceId, 'blocked', 1, key(i)) : server.post('/v1/usage/batch', batch(i * 25)),
  );
  const results = answers.slice(150).flatMap(({ body }) => body.results);
  const used = [
    ...byStatus(answers.slice(0, 150), 200).map(({ body }) => body.id),
    ...results.flatMap((result) => (result.ok ? [result.usage.id] : [])),
  ];
  assert.equal(results.length, 300);
  assert.equal(new Set(used).size, AVAILABLE);
  for (const { ok, error } of results) assert.equal(ok ? 'limit_reached' : error.code, 'limit_reached');
  assert.equal(await decisions(workspaceId), 150, 'one for each key');
  await assertClean();
});

test('a key used at once for two workspaces on one process serves one of them', async () => {
  const ids = await Promise.all([preparer.workspace(), preparer.workspace()]);
  const answers = await atOnce(50, 1, (server, i) => server.use(ids[i % 2]!, 'blocked', 1, `of ${ids[0]}`));
  assert.equal(byStatus(answers, 200).length, 25);
  assert.equal(byStatus(answers, 409).length, 25);
  assert.equal((await decisions(ids[0]!)) + (await decisions(ids[1]!)), 1);
});

describe("a host's open transaction holds a workspace", () => {
  async function whileHeld(workspaceIds: string[], work: () => Promise<void>): Promise<void> {
    const host = await database.pool.connect();
    try {
      await host.query('begin');
      await host.query('select from "Credit" where "workspaceId" = any($1) for update', [workspaceIds]);
      await work();
      await host.query('commit');
    } finally {
      host.release();
    }
  }

  test('others are served meanwhile, and what waits for it is served afterwards', async () => {
    const held = await preparer.workspace();
    const others = await Promise.all(Array.from({ length: 40 }, () => preparer.workspace()));
    await atOnce(10, 3, (server) => server.use(held, 'blocked'));
    let waiting: Promise<Answer[]> | undefined;
    let answered = 0;
    await whileHeld([held], async () => {
      waiting = atOnce(150, 3, async (server) => {
        const answer = await server.use(held, 'blocked');
        answered++;
        return answer;
      });
      for (let round = 0; round < 5; round++) {
        const served = await atOnce(120, 3, (server, i) => server.use(others[i % 40]!, 'mixed'));
        assert.equal(byStatus(served, 200).length, 120);
      }
      assert.equal(answered, 0, 'all this time the workspace was held');
    });
    const answers = await waiting!;
    assert.equal(byStatus(answers, 200).length, 90);
    assert.equal(byStatus(answers, 402).length, 60);
    await assertClean();
  });

  test('once 20,000 operations wait, more are turned away with Retry-After, and none is lost', async () => {
    const held = await Promise.all(Array.from({ length: 5 }, () => preparer.workspace()));
    const other = await preparer.workspace();
    const [server] = servers as [TestServer];
    const item = (workspaceId: string, key: string) => ({
      ...{ workspaceId, featureCode: 'unlimited', amount: 1 },
      idempotencyKey: `${workspaceId} ${key}`,
    });
    for (const id of held) await server.use(id, 'unlimited');
    let batches: Promise<Answer[]> | undefined;
    await whileHeld(held, async () => {
      // Five thousand more than may wait, and of no workspace more than one may have waiting.
      batches = atOnce(25, 1, (_, n) =>
        server.post('/v1/usage/batch', {
          items: Array.from({ length: 1000 }, (_, i) => item(held[n % 5]!, `${n} ${i}`)),
        }),
      );
      await untilFull(server);
      const full = await server.use(other, 'unlimited');
      assert.equal(full.status, 429);
      assert.equal(full.body.error.code, 'rate_limited');
      assert.match(full.headers.get('retry-after') ?? '', /^[1-9]\d*$/);
    });
    const results = (await batches!).flatMap(({ body }) => body.results);
    const taken = results.filter(({ ok }) => ok).length;
    const codes = new Set(results.flatMap(({ ok, error }) => (ok ? [] : [error.code])));
    assert.deepEqual([...codes], ['rate_limited']);
    assert.equal(taken, 20_000);
    const after = await Promise.all(held.map((id) => preparer.use(id, 'unlimited')));
    assert.equal(
      after.reduce((sum, { body }) => sum + body.used, 0),
      taken + 2 * held.length,
    );
    await assertClean();
  });
});

async function untilFull(server: TestServer): Promise<void> {
  while (!/^tollgate_engine_backlog 20000$/m.test((await server.get('/metrics')).text)) await sleep(20);
}
