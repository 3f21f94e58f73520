import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  createClient,
  ForeignAnswer,
  isRefusal,
  Refusal,
  TimedOut,
  TollgateError,
  Unreachable,
} from 'tollgate/client';
import { type TestDatabase, testDatabase } from '../database.ts';
import { SECRET_KEY, startServer, type TestServer } from '../server.ts';
import { type Fault, openWire, type Wire } from '../wire.ts';

// A real server, and a line to it on which things go wrong.

let database: TestDatabase;
let server: TestServer;
let wire: Wire;
let tollgate: Client;

before(async () => {
  database = await testDatabase();
  server = await startServer({ databaseUrl: database.url, env: { TOLLGATE_TEST_CLOCK: '1' } });
  wire = await openWire(server.url);
  tollgate = createClient({ url: wire.url, secretKey: SECRET_KEY });
});

after(async () => {
  try {
    assert.equal((await tollgate.audit()).ok, true);
    assert.equal(server.errors(), '');
  } finally {
    await wire.stop();
    await server.stop();
    await database.drop();
  }
});

/** A new workspace with 100 uses of `blocked`. */
async function workspace(): Promise<string> {
  const { id } = await tollgate.workspaces.put({ id: `ws-${randomUUID()}`, name: 'For a test' });
  return id;
}

async function usedOf(workspaceId: string): Promise<number> {
  return (await tollgate.check({ workspaceId, featureCode: 'blocked' })).used;
}

/** The calls that were made while something was done. */
async function callsOf(doing: () => Promise<unknown>): Promise<number> {
  const before = wire.calls.length;
  await doing();
  return wire.calls.length - before;
}

describe('verbs', () => {
  test('ask, use and give back', async () => {
    const workspaceId = await workspace();
    const use = { workspaceId, featureCode: 'blocked', amount: 3 };
    assert.equal((await tollgate.check(use)).allowed, true);
    const usage = await tollgate.use(use);
    assert.deepEqual([usage.status, usage.used, usage.remaining], ['SUCCEEDED', 3, 97]);
    assert.equal((await tollgate.refundUse({ id: usage.id, reason: 'a test' })).status, 'REFUNDED');
    const { results } = await tollgate.useBatch({
      items: [
        { ...use, idempotencyKey: randomUUID() },
        { ...use, amount: 1000, idempotencyKey: randomUUID() },
      ],
    });
    assert.equal(results[0]!.ok && results[0]!.usage.used, 3);
    assert.equal(!results[1]!.ok && results[1]!.error.code, 'limit_reached');
    const chat = { workspaceId, type: 'TEXT_CHAT', pageId: 'page-1', points: 5 } as const;
    assert.equal((await tollgate.ai.use(chat)).freePoints, 5);
  });

  test('reach what is named in a path, in the query and in the body', async () => {
    const workspaceId = await workspace();
    await tollgate.grants.create({ workspaceId, amount: 5, type: 'PROMOTION', description: 'hello' });
    const state = await tollgate.workspaces.get(workspaceId);
    assert.deepEqual([state.plan, state.credit.balance], ['FREE', 5]);
    const user = { userId: 'ada', email: 'ada@example.com' };
    const urls = { successUrl: 'https://host.test/ok', cancelUrl: 'https://host.test/no' };
    const bought = await tollgate.checkout.credits({ workspaceId, user, pack: 'small', ...urls });
    assert.match(bought.url, /^http/);
    const asked = { workspaceId, user, plan: 'PRO', interval: 'month', ...urls } as const;
    assert.match((await tollgate.checkout.subscription(asked)).url, /^http/);
    const portal = await tollgate.portal.create({ workspaceId, user, returnUrl: urls.cancelUrl });
    assert.match(portal.url, /^http/);
    assert.ok((await tollgate.catalog.get()).features);
    const [grant] = (await tollgate.grants.list({ workspaceId, limit: 1 }).page()).data;
    const [decision] = (await tollgate.decisions.list({ workspaceId }).page()).data;
    assert.equal(grant?.remaining, 5);
    assert.equal((await tollgate.decisions.get(decision!.id)).workspaceId, workspaceId);
    await assert.rejects(tollgate.subscriptions.resume({ workspaceId }), isCode('no_subscription'));
    await assert.rejects(tollgate.autoTopUps.delete(workspaceId), isCode('not_found'));
  });

  test('go through all pages of a list, each when it is needed', async () => {
    const workspaceId = await workspace();
    const items = Array.from({ length: 5 }, (_, index) => ({
      ...{ workspaceId, featureCode: 'blocked', amount: index + 1, idempotencyKey: randomUUID() },
    }));
    await tollgate.useBatch({ items });
    const decisions = tollgate.decisions.list({ workspaceId, limit: 2 });
    const amounts: number[] = [];
    const calls = await callsOf(async () => {
      for await (const { amount } of decisions) amounts.push(amount);
    });
    assert.deepEqual(amounts.sort(), [1, 2, 3, 4, 5]);
    assert.equal(calls, 3);
    const stopped = await callsOf(async () => {
      for await (const _ of decisions) break;
    });
    assert.equal(stopped, 1, 'what is not read is not asked for');
    const first = await decisions.page();
    const rest = tollgate.decisions.list({ workspaceId, cursor: first.nextCursor! });
    assert.equal((await rest.page()).data.length, 3);
  });
});

function isCode(code: string): (error: unknown) => boolean {
  return (error) => isRefusal(error) && error.code === code;
}

describe('a refusal', () => {
  test('has its code, status, details and requestId, and is told apart by its code', async () => {
    const workspaceId = await workspace();
    const use = { workspaceId, featureCode: 'paid', amount: 3 };
    await tollgate.grants.create({ workspaceId, amount: 2, type: 'ADJUSTMENT', description: 'two' });
    const error = await tollgate.use(use).catch((error: unknown) => error);
    assert.ok(isRefusal(error));
    assert.ok(error.code === 'insufficient_credits');
    // Its details are typed from here on.
    assert.deepEqual([error.details.required, error.details.available, error.details.affordable], [3, 2, 2]);
    assert.equal(error.status, 402);
    assert.match(error.requestId, /^req_/);
    assert.match(error.message, /ask for up to 2/);
    assert.ok(error instanceof Refusal && error instanceof TollgateError);
    assert.equal(isRefusal(error, 'limit_reached'), false);
    const limit = await tollgate
      .use({ ...use, featureCode: 'blocked', amount: 101 })
      .catch((error: unknown) => error);
    assert.ok(isRefusal(limit, 'limit_reached', 'insufficient_credits'));
    assert.equal(limit.details.affordable, 100);
    const missing = await tollgate.use({ ...use, featureCode: 'extra' }).catch((error: unknown) => error);
    assert.ok(isRefusal(missing, 'feature_not_in_plan'));
    assert.deepEqual(missing.details.plansWithFeature, ['PRO', 'ENTERPRISE']);
  });

  test('is not tried again', async () => {
    const workspaceId = await workspace();
    const calls = await callsOf(() =>
      assert.rejects(tollgate.use({ workspaceId, featureCode: 'nowhere' }), isCode('feature_not_in_plan')),
    );
    assert.equal(calls, 1);
  });

  test('of a key that is not known says so', async () => {
    const stranger = createClient({ url: wire.url, secretKey: 'tg_sk_of_a_stranger' });
    await assert.rejects(stranger.audit(), isCode('unauthorized'));
  });
});

describe('on a bad line', () => {
  /** A slow machine may make attempts of its own fail. */
  const PATIENT = { timeoutMs: 1000, deadlineMs: 60_000, attemptsMax: 20 };
  const LOST = { status: 502, body: '<html>Bad gateway</html>' };
  for (const [name, faults] of [
    ['an answer that was cut off', [{ lose: 'cut' }]],
    ['two answers that never came', [{ lose: 'hang' }, { lose: 'hang' }]],
    ['a connection that ended before it arrived', [{ drop: true }]],
    ['a proxy that fails', [LOST, LOST]],
    ['one thing after the other', [{ drop: true }, { lose: 'cut' }, LOST]],
    [
      'too much at once',
      [{ status: 429, headers: { 'retry-after': '0' }, body: refusalBody('rate_limited') }],
    ],
    ['a database that was away', [{ status: 503, body: refusalBody('unavailable') }]],
  ] as [string, Fault[]][]) {
    test(`${name}: it is used once, and answered`, async () => {
      const workspaceId = await workspace();
      wire.fail(/POST \/v1\/usage$/, ...faults);
      const calls = await callsOf(async () => {
        const use = { workspaceId, featureCode: 'blocked', amount: 3 };
        const usage = await tollgate.use(use, PATIENT);
        assert.equal(usage.used, 3);
      });
      assert.ok(calls > faults.length, 'it met each fault');
      assert.equal(await usedOf(workspaceId), 3);
    });
  }

  test('what was asked for in Retry-After is waited for, unless it is longer than anybody waits', async () => {
    const workspaceId = await workspace();
    const use = { workspaceId, featureCode: 'blocked' };
    const busy = (seconds: string) => ({
      ...{ status: 429, headers: { 'retry-after': seconds }, body: refusalBody('rate_limited') },
    });
    wire.fail(/POST \/v1\/usage$/, busy('1'));
    const start = performance.now();
    await tollgate.use(use);
    assert.ok(performance.now() - start >= 1000);
    wire.fail(/POST \/v1\/usage$/, busy('3600'));
    await assert.rejects(tollgate.use(use), isCode('rate_limited'));
  });

  test('who cannot be reached is told apart from who does not answer in time', async () => {
    const use = { workspaceId: await workspace(), featureCode: 'blocked' };
    wire.cut(true);
    try {
      const calls = await callsOf(() =>
        assert.rejects(tollgate.use(use, { idempotencyKey: 'mine' }), (error) => {
          assert.ok(error instanceof Unreachable && !(error instanceof TimedOut));
          assert.equal(error.idempotencyKey, 'mine');
          return true;
        }),
      );
      assert.equal(calls, 4);
    } finally {
      wire.cut(false);
    }
    wire.fail(/POST \/v1\/usage$/, { lose: 'hang' });
    await assert.rejects(tollgate.use(use, { timeoutMs: 50, attemptsMax: 1 }), TimedOut);
  });

  test('nothing takes longer than its deadline', async () => {
    const use = { workspaceId: await workspace(), featureCode: 'blocked' };
    const hang = Array.from({ length: 50 }, (): Fault => ({ lose: 'hang' }));
    wire.fail(/POST \/v1\/usage\/batch/, ...hang);
    const calls = await callsOf(() =>
      assert.rejects(
        tollgate.useBatch(
          { items: [{ ...use, amount: 1, idempotencyKey: 'k' }] },
          { timeoutMs: 300, deadlineMs: 500, attemptsMax: 50 },
        ),
        TimedOut,
      ),
    );
    assert.ok(calls >= 1 && calls <= 3, `${calls} calls`);
  });

  test('a call that is given up ends with the reason, also between two attempts', async () => {
    const use = { workspaceId: await workspace(), featureCode: 'blocked' };
    const giveUp = new AbortController();
    wire.fail(/POST \/v1\/usage$/, {
      status: 429,
      headers: { 'retry-after': '3600' },
      body: refusalBody('rate_limited'),
    });
    const asked = wire.calls.length;
    const call = tollgate.use(use, { signal: giveUp.signal, deadlineMs: 2 ** 31 - 1 });
    const ended = assert.rejects(call, /enough/);
    while (wire.calls.length === asked) await sleep(10);
    giveUp.abort(new Error('enough'));
    await ended;
    await assert.rejects(tollgate.use(use, { signal: giveUp.signal }), /enough/);
  });

  test('what is not Tollgate is not taken for it', async () => {
    wire.fail(
      /audit/,
      { status: 404, body: '<html>No such page</html>' },
      { status: 302, body: '', headers: { location: 'https://elsewhere.test/' } },
    );
    await assert.rejects(tollgate.audit(), ForeignAnswer);
    wire.fail(
      /usage/,
      { status: 200, body: '{"id":"chatcmpl-1"}' },
      { status: 200, body: '<html>Hello</html>' },
    );
    const use = { workspaceId: 'acme', featureCode: 'blocked' };
    for (let time = 0; time < 2; time++)
      await assert.rejects(
        tollgate.use(use),
        (error) => error instanceof ForeignAnswer && error.status === 200,
      );
    await assert.rejects(tollgate.audit(), (error) => error instanceof ForeignAnswer && error.status === 302);
  });
});

function refusalBody(code: string): string {
  const error = { type: 'api_error', code, message: 'Not now.', requestId: 'req_of_the_wire' };
  return JSON.stringify({ error });
}

describe('what cannot be sent is not sent', () => {
  test('a key, an id or a limit that would be changed on the way', async () => {
    const use = { workspaceId: 'acme', featureCode: 'blocked' };
    const calls = await callsOf(async () => {
      for (const idempotencyKey of ['', ' k', 'k ', 'ключ', 'a\nb', 'k'.repeat(256)]) {
        await assert.rejects(tollgate.use(use, { idempotencyKey }), /1 to 255 characters/);
      }
      for (const id of ['', '.', '..']) await assert.rejects(tollgate.workspaces.get(id), /cannot be asked/);
      for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
        await assert.rejects(tollgate.use(use, { timeoutMs }), /timeoutMs must be/);
      }
      await assert.rejects(tollgate.use({ ...use, amount: 1n as never }), TypeError);
    });
    assert.equal(calls, 0);
  });

  test('a client that could reach nobody is not made', () => {
    const secretKey = SECRET_KEY;
    assert.throws(
      () => createClient({ url: 'tollgate', secretKey }),
      /url is where Tollgate is, .* not tollgate\./,
    );
    assert.throws(() => createClient({ url: undefined as never, secretKey }), /url is where Tollgate is/);
    assert.throws(() => createClient({ url: wire.url, secretKey: undefined as never }), /secretKey must be/);
    assert.throws(() => createClient({ url: 'ftp://tollgate', secretKey }), TypeError);
    assert.throws(() => createClient({ url: 'http://me:pass@tollgate', secretKey }), TypeError);
    assert.throws(() => createClient({ url: wire.url, secretKey: 'two\nlines' }), TypeError);
    assert.throws(() => createClient({ url: wire.url, secretKey, deadlineMs: 0 }), /deadlineMs/);
  });
});
