import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createClient,
  isJournaled,
  isRefusal,
  type JournalingClient,
  type JournalOptions,
  memoryJournal,
  type RefusedEntry,
  Unreachable,
} from 'tollgate/client';
import { openFileJournal } from 'tollgate/client/journal-file';
import { type TestDatabase, testDatabase } from '../database.ts';
import { SECRET_KEY, startServer, type TestServer } from '../server.ts';
import { type Fault, openWire, type Wire } from '../wire.ts';

// Uses that go on while a real server cannot be reached, and are booked later, each once.

let database: TestDatabase;
let server: TestServer;
let wire: Wire;

before(async () => {
  database = await testDatabase();
  server = await startServer({ databaseUrl: database.url, env: { TOLLGATE_TEST_CLOCK: '1' } });
  wire = await openWire(server.url);
});

after(async () => {
  try {
    assert.equal((await server.get('/v1/audit')).body.ok, true);
    assert.equal(server.errors(), '');
  } finally {
    await wire.stop();
    await server.stop();
    await database.drop();
  }
});

/** A client that delivers when it is asked to, so that tests say when. */
function clientOf(options: Partial<JournalOptions> = {}): JournalingClient {
  return createClient({
    ...{ url: wire.url, secretKey: SECRET_KEY, journal: memoryJournal(), whenUnreachable: 'open' },
    ...{ deliverInBackground: false, attemptsMax: 1 },
    ...options,
  });
}

/** Does something while nothing gets through to the server. */
async function away<T>(doing: () => Promise<T>): Promise<T> {
  wire.cut(true);
  try {
    return await doing();
  } finally {
    wire.cut(false);
  }
}

/** The keys of all uses that were booked in a workspace, once for each time. */
async function bookedIn(workspaceId: string): Promise<string[]> {
  const { rows } = await database.pool.query(
    `select "idempotencyKey" as key from "Decision" where "workspaceId" = $1 and operation = 'USE' and code is null`,
    [workspaceId],
  );
  return rows.map(({ key }) => key).sort();
}

describe('while Tollgate is unreachable', () => {
  test('a use is written down, and booked once when it is back', async () => {
    const tollgate = clientOf();
    const workspaceId = await server.workspace();
    const use = { workspaceId, featureCode: 'blocked', amount: 2, description: 'while away' };
    const chat = { workspaceId, type: 'TEXT_CHAT', pageId: 'page-1', points: 5 } as const;
    const keys = await away(async () => {
      assert.deepEqual(await tollgate.check(use), { status: 'ASSUMED', allowed: true, code: null });
      const answers = [
        await tollgate.use(use),
        await tollgate.use(use, { idempotencyKey: `mine-${workspaceId}` }),
        await tollgate.ai.use(chat),
      ];
      await assert.rejects(tollgate.deliver(), Unreachable);
      return answers.map((answer) => {
        assert.ok(isJournaled(answer));
        return answer.idempotencyKey;
      });
    });
    assert.equal(keys[1], `mine-${workspaceId}`);
    assert.deepEqual(await bookedIn(workspaceId), []);
    assert.deepEqual(await tollgate.deliver(), { delivered: 3, refused: 0 });
    assert.deepEqual(await tollgate.deliver(), { delivered: 0, refused: 0 });
    assert.deepEqual(await bookedIn(workspaceId), keys.sort());
    assert.ok('used' in (await tollgate.use(use)), 'it is asked again');
  });

  for (const [name, fault] of [
    ['was cut off', { lose: 'cut' }],
    ['never came', { lose: 'hang' }],
    ['was a failure of something in between', { status: 504, body: 'Gateway timeout' }],
  ] as [string, Fault][]) {
    test(`a use whose answer ${name} keeps its key`, async () => {
      const tollgate = clientOf();
      const workspaceId = await server.workspace();
      const asked: { use: { workspaceId: string; featureCode: string } } = {
        use: { workspaceId, featureCode: 'blocked' },
      };
      wire.fail(/POST \/v1\/usage$/, fault);
      const answer = await tollgate.use(asked.use, { timeoutMs: 300 });
      assert.ok(isJournaled(answer));
      assert.deepEqual(await tollgate.deliver(), { delivered: 1, refused: 0 });
      assert.deepEqual(await bookedIn(workspaceId), [answer.idempotencyKey]);
    });
  }

  test('a batch is written down, and so is what of it had no answer', async () => {
    const tollgate = clientOf();
    const workspaceId = await server.workspace();
    const items = ['a', 'b'].map((name) => ({
      ...{ workspaceId, featureCode: 'blocked', amount: 1, idempotencyKey: `${name}-${workspaceId}` },
    }));
    const { results } = await away(() => tollgate.useBatch({ items }));
    assert.ok(results.every((result) => result.ok && isJournaled(result.usage)));
    wire.fail(/batch/, {
      change: ({ results: [first] }) => ({
        results: [first, { ok: false, error: { type: 'api_error', code: 'unavailable', message: 'Later.' } }],
      }),
    });
    const { results: some } = await tollgate.useBatch({ items });
    assert.deepEqual(
      some.map((result) => result.ok && isJournaled(result.usage)),
      [false, true],
    );
    assert.deepEqual(await tollgate.deliver(), { delivered: 3, refused: 0 });
    assert.deepEqual(
      await bookedIn(workspaceId),
      items.map(({ idempotencyKey }) => idempotencyKey),
    );
  });

  test('what is closed throws, by client, by feature and by call', async () => {
    const workspaceId = await server.workspace();
    const use = { workspaceId, featureCode: 'blocked' };
    const chat = { workspaceId, type: 'TEXT_CHAT', pageId: 'page-1', points: 5 } as const;
    await away(async () => {
      const closed = clientOf({ whenUnreachable: 'closed', whenUnreachableByFeature: { blocked: 'open' } });
      assert.deepEqual(['blocked', 'paid'].map(closed.isOpen), [true, false]);
      assert.ok(isJournaled(await closed.use(use)));
      await assert.rejects(closed.use({ ...use, featureCode: 'paid' }), Unreachable);
      await assert.rejects(closed.ai.use(chat), Unreachable);
      assert.ok(isJournaled(await closed.ai.use(chat, { whenUnreachable: 'open' })));
      const items = ['blocked', 'paid'].map((featureCode) => ({
        ...{ workspaceId, featureCode, amount: 1, idempotencyKey: randomUUID() },
      }));
      await assert.rejects(closed.useBatch({ items }), Unreachable, 'one of its features is closed');
      const open = clientOf({ whenUnreachableByFeature: { 'ai.points': 'closed' } });
      await assert.rejects(open.ai.use(chat), Unreachable);
      await assert.rejects(open.check(use, { whenUnreachable: 'closed' }), Unreachable);
      await assert.rejects(open.use(use, { whenUnreachable: 'closed' }), Unreachable);
      const plain = createClient({ url: wire.url, secretKey: SECRET_KEY, attemptsMax: 1 });
      await assert.rejects(plain.use(use), Unreachable);
    });
    assert.throws(
      () => createClient({ url: wire.url, secretKey: SECRET_KEY, whenUnreachable: 'open' } as never),
      /whenUnreachable needs a journal/,
    );
  });

  test('a refusal stays a refusal', async () => {
    const tollgate = clientOf();
    const use = { workspaceId: await server.workspace(), featureCode: 'nowhere' };
    await assert.rejects(tollgate.use(use), (error) => isRefusal(error, 'feature_not_in_plan'));
    assert.deepEqual(await tollgate.deliver(), { delivered: 0, refused: 0 });
  });

  test('a journal that cannot be written allows nothing', async () => {
    const tollgate = clientOf({ journal: memoryJournal({ entriesMax: 1 }) });
    const use = { workspaceId: await server.workspace(), featureCode: 'blocked' };
    await away(async () => {
      await tollgate.use(use);
      await assert.rejects(tollgate.use(use, { idempotencyKey: 'k' }), (error) => {
        assert.ok(error instanceof Unreachable);
        assert.match(error.message, /the journal is full/i);
        assert.equal(error.idempotencyKey, 'k');
        return true;
      });
    });
    await tollgate.deliver();
  });
});

describe('what is delivered', () => {
  test('and refused is told and kept, and holds up nothing', async () => {
    const told: RefusedEntry[] = [];
    const tollgate = clientOf({ onRefused: (entry) => told.push(entry) });
    const workspaceId = await server.workspace();
    const use = { workspaceId, featureCode: 'blocked', amount: 1 };
    await away(async () => {
      await tollgate.use({ ...use, amount: 101 });
      await tollgate.use({ ...use, workspaceId: 'of-nobody' });
      await tollgate.use({ ...use, amount: -1 });
      await tollgate.ai.use({ workspaceId, type: 'TEXT_CHAT', pageId: 'p', points: 0.5 });
      await tollgate.use(use);
    });
    assert.deepEqual(await tollgate.deliver(), { delivered: 1, refused: 4 });
    const codes = ['limit_reached', 'workspace_not_found', 'invalid_request', 'invalid_request'];
    assert.deepEqual(told.map(({ error }) => error.code).sort(), codes.sort());
    assert.deepEqual(await tollgate.refusedUses(), told);
    assert.equal((await bookedIn(workspaceId)).length, 1);
  });

  test('with a key that is not known any more waits on', async () => {
    const journal = memoryJournal();
    const workspaceId = await server.workspace();
    await away(() => clientOf({ journal }).use({ workspaceId, featureCode: 'blocked' }));
    const stranger = createClient({ url: wire.url, secretKey: 'tg_sk_of_a_stranger', journal });
    await assert.rejects(stranger.deliver(), (error) => isRefusal(error, 'unauthorized'));
    assert.equal(journal.size, 1);
    assert.deepEqual(await clientOf({ journal }).deliver(), { delivered: 1, refused: 0 });
  });

  test('by two at once, over a bad line, is booked once', async () => {
    const journal = memoryJournal();
    const [one, other] = [clientOf({ journal, onUndelivered: () => {} }), clientOf({ journal })];
    const workspaceId = await server.workspace();
    const keys = await away(() =>
      Promise.all(
        Array.from({ length: 450 }, async () => {
          const answer = await one.use({ workspaceId, featureCode: 'unlimited' });
          assert.ok(isJournaled(answer));
          return answer.idempotencyKey;
        }),
      ),
    );
    wire.fail(/batch/, { lose: 'cut' }, { lose: 'cut' }, { drop: true });
    while (journal.size > 0) await Promise.allSettled([one.deliver(), other.deliver()]);
    assert.deepEqual(await bookedIn(workspaceId), keys.sort());
  });

  test('in the background goes by itself, as soon as it can', async () => {
    const undelivered: unknown[] = [];
    const tollgate = clientOf({
      deliverInBackground: true,
      onUndelivered: (error) => undelivered.push(error),
    });
    const workspaceId = await server.workspace();
    await away(async () => {
      await tollgate.use({ workspaceId, featureCode: 'blocked' });
      while (undelivered.length === 0) await sleep(20);
    });
    while ((await bookedIn(workspaceId)).length === 0) await sleep(20);
    assert.ok(undelivered[0] instanceof Unreachable);
  });
});

describe('work under a hold', () => {
  const AI = { featureCode: 'ai.points', ai: { type: 'TEXT_CHAT', pageId: 'page-1' } } as const;

  async function usedOf(workspaceId: string, featureCode: string): Promise<number> {
    return (await clientOf().workspaces.get(workspaceId)).features.find(
      (feature) => feature.featureCode === featureCode,
    )!.used;
  }

  test('goes on without one, and what it came to is booked once', async () => {
    const tollgate = clientOf();
    const workspaceId = await server.workspace();
    await away(async () => {
      for (const asked of [{ featureCode: 'blocked' }, AI]) {
        const work = await tollgate.holds.begin({ workspaceId, amount: 9, ...asked });
        assert.equal(work.hold, null);
        assert.equal((await work.progress({ amount: 2 })).status, 'ASSUMED');
        assert.ok(isJournaled(await work.settle({ amount: 4 })));
        assert.ok(isJournaled(await work.settle({ amount: 4 })), 'the same settlement');
      }
      const nothing = await tollgate.holds.begin({ workspaceId, amount: 9, ...AI });
      assert.equal((await nothing.settle({ amount: 0 })).status, 'ASSUMED');
      assert.equal((await nothing.release()).status, 'ASSUMED');
    });
    assert.deepEqual(await tollgate.deliver(), { delivered: 4, refused: 0 });
    assert.deepEqual([await usedOf(workspaceId, 'blocked'), await usedOf(workspaceId, 'ai.points')], [4, 4]);
    const { data } = await tollgate.aiUsages.list({ workspaceId }).page();
    assert.deepEqual(
      data.map(({ type, pageId, points }) => ({ type, pageId, points })),
      [{ ...AI.ai, points: 4 }],
    );
  });

  test('of a model is charged by its price, with a hold and without', async () => {
    const tollgate = clientOf();
    const workspaceId = await server.workspace();
    await tollgate.grants.create({ workspaceId, amount: 1000, type: 'PROMOTION', description: 'for tokens' });
    const tokens = { input: 1000, output: 1000 };
    const asked = { workspaceId, featureCode: 'ai.points', ai: { ...AI.ai, model: 'writer', tokens } };
    const booked = await tollgate.ai.use({ workspaceId, ...asked.ai });
    assert.ok('points' in booked && booked.points > 0);
    const held = await tollgate.holds.begin(asked);
    assert.ok(held.hold !== null);
    await away(async () => {
      await held.settle({ tokens });
      await (await tollgate.holds.begin(asked)).settle({ tokens });
    });
    assert.deepEqual(await tollgate.deliver(), { delivered: 2, refused: 0 });
    const { data } = await tollgate.aiUsages.list({ workspaceId }).page();
    assert.deepEqual(
      data.map(({ points }) => points),
      [booked.points, booked.points, booked.points],
    );
  });

  test('that was taken is settled later, once, whether or not its answer was lost', async () => {
    for (const fault of [{ drop: true }, { lose: 'cut' }] satisfies Fault[]) {
      const tollgate = clientOf();
      const workspaceId = await server.workspace();
      const work = await tollgate.holds.begin({ workspaceId, featureCode: 'blocked', amount: 9 });
      assert.equal(work.hold?.status, 'HELD');
      assert.equal((await work.progress({ amount: 3 })).status, 'HELD');
      wire.fail(/settle/, fault);
      assert.ok(isJournaled(await work.settle({ amount: 4 })));
      assert.deepEqual(await tollgate.deliver(), { delivered: 1, refused: 0 });
      const { status, settledAmount } = await tollgate.holds.get(work.hold!.id);
      assert.deepEqual([status, settledAmount, await usedOf(workspaceId, 'blocked')], ['SETTLED', 4, 4]);
    }
  });

  test('that has expired meanwhile is charged without it, once', async () => {
    const tollgate = clientOf();
    const workspaceId = await server.workspace();
    const holds = [{ featureCode: 'blocked' }, AI].map((asked) =>
      tollgate.holds.begin({ workspaceId, amount: 9, ttlSeconds: 5, ...asked }),
    );
    const works = await Promise.all(holds);
    await away(() => Promise.all(works.map((work) => work.settle({ amount: 4 }))));
    await tollgate.testClock.move({ advanceSeconds: 10 });
    wire.fail(/POST \/v1\/(ai\/)?usage$/, { lose: 'cut' });
    while ((await tollgate.deliver().catch(() => undefined)) === undefined); // a lost answer is asked for again
    assert.deepEqual([await usedOf(workspaceId, 'blocked'), await usedOf(workspaceId, 'ai.points')], [4, 4]);
    assert.equal((await tollgate.holds.get(works[0]!.hold!.id)).status, 'RELEASED');
  });

  test('that has expired with what was reported is told', async () => {
    const told: string[] = [];
    const tollgate = clientOf({ onRefused: ({ error }) => told.push(error.code) });
    const workspaceId = await server.workspace();
    const asked = {
      workspaceId,
      featureCode: 'blocked',
      amount: 9,
      ttlSeconds: 5,
      onExpire: 'settle',
    } as const;
    const work = await tollgate.holds.begin(asked);
    await work.progress({ amount: 3 });
    await away(() => work.settle({ amount: 4 }));
    await tollgate.testClock.move({ advanceSeconds: 10 });
    assert.deepEqual(await tollgate.deliver(), { delivered: 0, refused: 1 });
    assert.deepEqual([told, await usedOf(workspaceId, 'blocked')], [['hold_not_open'], 3]);
  });

  test('of a closed feature throws, before and at its end', async () => {
    const tollgate = clientOf({ whenUnreachable: 'closed' });
    const asked = { workspaceId: await server.workspace(), featureCode: 'blocked', amount: 9 };
    await assert.rejects(
      away(() => tollgate.holds.begin(asked)),
      Unreachable,
    );
    const work = await tollgate.holds.begin(asked);
    await assert.rejects(
      away(() => work.settle({ amount: 4 })),
      Unreachable,
    );
    const settled = await work.settle({ amount: 4 });
    assert.equal(settled.status, 'SETTLED');
    assert.deepEqual(await work.settle({ amount: 4 }), settled, 'the first answer again');
    const refused = tollgate.holds.begin({ ...asked, amount: 1000 }, { whenUnreachable: 'open' });
    await assert.rejects(refused, (error) => isRefusal(error, 'limit_reached'));
  });
});

test('of processes that are killed nothing that was allowed is lost, and nothing is booked twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-worker-'));
  const workspaceId = await server.workspace();
  const allowed: string[] = [];
  try {
    for (let life = 0; life < LIVES; life++) {
      wire.cut(life % 2 === 0);
      // Where it gets through, answers are lost: the server has booked what the journal has, too.
      if (life % 2 === 1)
        wire.fail(/POST \/v1\/usage/, ...Array.from({ length: 10 }, (): Fault => ({ lose: 'cut' })));
      allowed.push(...(await liveAndDie(folder, workspaceId, `life-${life}`)));
    }
    wire.cut(false);
    wire.fail(/batch/, { lose: 'cut' });
    const survivors = await Promise.all(
      [0, 1].map(async () => {
        const journal = await openFileJournal(folder);
        return { journal, tollgate: clientOf({ journal }) };
      }),
    );
    for (const { journal, tollgate } of survivors) {
      while (journal.size > 0) await tollgate.deliver().catch(() => {}); // a lost answer is asked for again
      await journal.close();
    }
    const booked = await bookedIn(workspaceId);
    assert.equal(new Set(booked).size, booked.length, 'nothing twice');
    assert.deepEqual(
      allowed.filter((key) => !booked.includes(key)),
      [],
      'nothing lost',
    );
    assert.ok(booked.length <= allowed.length + LIVES * LANES, 'and no more than was asked');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const LIVES = 4;
/** How many uses a worker has under way at once. */
const LANES = 4;
/** Enough to be in the middle of things. */
const USES_BEFORE_DEATH = 25;

/** Runs a worker until it has been allowed enough, and kills it wherever it is; resolves to what it was allowed. */
async function liveAndDie(folder: string, workspaceId: string, name: string): Promise<string[]> {
  const script = join(import.meta.dirname, 'worker.ts');
  const given = [wire.url, SECRET_KEY, workspaceId, folder, name];
  const worker = spawn(process.execPath, ['--conditions=tollgate-source', script, ...given], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  worker.stdout.on('data', (chunk) => {
    output += chunk;
    if (output.split('\n').length > USES_BEFORE_DEATH) worker.kill('SIGKILL');
  });
  await once(worker, 'close');
  return output.split('\n').slice(0, -1);
}
