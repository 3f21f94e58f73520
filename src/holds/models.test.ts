import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/database.ts';
import { sampleConfig } from '../../test/fixtures/catalog.ts';
import type { AIConfig } from '../catalog/config.ts';
import { createTollgate, Refusal, type TollgateLibrary } from '../index.ts';

/** A point for a cent; writer's tokens cost a hundredth and a fiftieth of a cent, and long prompts twice as much. */
const AI: AIConfig = {
  pointUsd: 0.01,
  models: {
    writer: { input: { base: 100, tiers: [{ above: 5000, price: 200 }] }, output: 200 },
    painter: { images: [{ price: 0.03 }, { size: 'big', price: 0.05 }] },
  },
};

/** The same models ten times as dear. */
const DEAR: AIConfig = { ...AI, markup: 10 };

suite('a hold that names a model', () => {
  let database: TestDatabase;
  let tollgate: TollgateLibrary;
  let dear: TollgateLibrary;
  let named = 0;

  const open = (ai: AIConfig) =>
    createTollgate({ databaseUrl: database.url, catalog: { ...sampleConfig(), ai } });
  before(async () => {
    database = await testDatabase();
    tollgate = await open(AI);
    dear = await open(DEAR);
  });
  after(async () => {
    assert.deepEqual(
      (await tollgate.audit()).checks.filter(({ ok }) => !ok),
      [],
    );
    await dear.close();
    await tollgate.close();
    await database.drop();
  });

  /** A workspace with its 200 free points, and so many credits, each of which pays for one more. */
  async function workspace(credits = 0): Promise<string> {
    const id = `ws_${++named}`;
    await tollgate.putWorkspace({ id, name: id });
    const gift = { type: 'PROMOTION', description: 'a gift' } as const;
    if (credits > 0) await tollgate.grantCredits({ workspaceId: id, amount: credits, ...gift });
    return id;
  }

  const FOR = { type: 'TEXT_CHAT', pageId: 'page', model: 'writer' } as const;
  const hold = (workspaceId: string, input: number, output: number, key?: string) =>
    tollgate.hold(
      { workspaceId, featureCode: 'ai.points', ai: { ...FOR, tokens: { input, output } } },
      { idempotencyKey: key ?? null },
    );
  const pointsLeft = async (id: string) => {
    const { features, credit } = await tollgate.getWorkspace(id);
    const points = features.find(({ featureCode }) => featureCode === 'ai.points')!;
    return (points as { remaining: number }).remaining + credit.available;
  };
  const refused = (asked: Promise<unknown>, code: string, param?: string) =>
    assert.rejects(asked, (error) => {
      assert(error instanceof Refusal, String(error));
      assert.deepEqual([error.code, error.param], [code, param], error.message);
      return true;
    });

  test('holds what its work comes to, and is reported on and settled at the price of then', async () => {
    const id = await workspace(100);
    const held = await hold(id, 1000, 10_000);
    const price = {
      ...{ source: 'CATALOG', model: 'writer', markup: 1, pointUsd: 0.01 },
      tokens: { input: { base: 100, tiers: [{ above: 5000, price: 200 }] }, output: 200 },
    };
    assert.deepEqual([held.amount, held.fromAllowance, held.creditCost], [210, 200, 10]);
    assert.deepEqual(held.ai, {
      ...{ type: 'TEXT_CHAT', pageId: 'page' },
      work: { model: 'writer', tokens: { input: 1000, output: 10_000 }, costUsd: 2.1, price },
    });

    // The catalog is another one by now, in a process that has never seen this hold.
    const tokens = { input: 1000, output: 2500 };
    const reported = await dear.progress({ id: held.id, tokens });
    assert.equal(reported.progressAmount, 60);
    assert.deepEqual(reported.ai!.work, { model: 'writer', tokens, costUsd: 0.6, price });
    await refused(
      tollgate.progress({ id: held.id, tokens: { input: 1000, output: 2000 } }),
      'invalid_request',
      'tokens',
    );
    assert.deepEqual((await tollgate.getHold(held.id)).ai, reported.ai);

    const settled = await dear.settle({ id: held.id, tokens: { input: 1000, output: 3001 } });
    assert.deepEqual([settled.status, settled.settledAmount, settled.shortfall], ['SETTLED', 71, 0]);
    assert(settled.usage !== null && 'points' in settled.usage);
    assert.deepEqual([settled.usage.points, settled.usage.work!.costUsd], [71, 0.7002]);
    assert.deepEqual(settled.usage.work!.price, price);
    assert.equal(await pointsLeft(id), 229);
  });

  test('a long prompt costs the tier of its own, though it was thought to be short', async () => {
    const id = await workspace(1000);
    const { id: holdId, amount } = await hold(id, 5000, 0);
    assert.equal(amount, 50);
    const settled = await tollgate.settle({ id: holdId, tokens: { input: 5001, output: 0 } });
    assert.deepEqual([settled.settledAmount, await pointsLeft(id)], [101, 1099]);
  });

  test('each verb gives its first answer again, to the byte', async () => {
    const id = await workspace();
    const twice = async <T extends { id: string }>(ask: () => Promise<T>): Promise<T> => {
      const first = await ask();
      assert.equal(JSON.stringify(await ask()), JSON.stringify(first));
      return first;
    };
    const held = await twice(() => hold(id, 100, 100, 'hold'));
    const report = { id: held.id, tokens: { input: 100, output: 10 } };
    await twice(() => tollgate.progress(report, { idempotencyKey: 'progress' }));
    await twice(() => tollgate.settle(report, { idempotencyKey: 'settle' }));
    await refused(
      tollgate.settle({ ...report, tokens: { input: 1, output: 1 } }, { idempotencyKey: 'settle' }),
      'idempotency_conflict',
    );
    await refused(tollgate.settle(report), 'hold_not_open');
    assert.equal(await pointsLeft(id), 198);
  });

  test('what broke off before it began costs nothing, and what cannot be paid is the shortfall', async () => {
    const id = await workspace();
    const nothing = await hold(id, 100, 100);
    const settled = await tollgate.settle({ id: nothing.id, tokens: { input: 0, output: 0 } });
    assert.deepEqual([settled.settledAmount, settled.usage], [0, null]);
    const long = await hold(id, 100, 5000);
    const over = await tollgate.settle({ id: long.id, tokens: { input: 100, output: 15_000 } });
    assert.deepEqual([over.settledAmount, over.shortfall, await pointsLeft(id)], [200, 101, 0]);
    assert(over.usage !== null && 'work' in over.usage);
    assert.equal(over.usage.work!.costUsd, 3.01, 'it is what the provider takes all the same');
  });

  test('a plain amount is possible, and nobody knows then what it cost', async () => {
    const id = await workspace();
    const held = await hold(id, 100, 100);
    assert.equal((await tollgate.progress({ id: held.id, amount: 2 })).ai!.work!.costUsd, null);
    const { settledAmount, usage } = await tollgate.settle({ id: held.id, amount: 2 });
    assert(usage !== null && 'work' in usage);
    const { tokens, costUsd, price } = usage.work!;
    assert.deepEqual([settledAmount, tokens, costUsd, price.source], [2, undefined, null, 'CATALOG']);
  });

  test('images are held and settled as they are', async () => {
    const id = await workspace();
    const ai = { type: 'IMAGE_GENERATION', pageId: 'page', model: 'painter' } as const;
    const held = await tollgate.hold({
      workspaceId: id,
      featureCode: 'ai.points',
      ai: { ...ai, images: { count: 4 } },
    });
    assert.equal(held.amount, 12);
    // The price that is kept has all sizes.
    const { settledAmount } = await tollgate.settle({ id: held.id, images: { count: 3, size: 'big' } });
    assert.deepEqual([settledAmount, await pointsLeft(id)], [15, 185]);
  });

  test('what is wrong or contradicts itself is named, and nothing changes', async () => {
    const id = await workspace();
    const tokens = { input: 10, output: 10 };
    const held = await hold(id, 100, 100);
    const images = { count: 1 };
    const plain = await tollgate.hold({ workspaceId: id, featureCode: 'ai.points', amount: 5 });
    for (const verb of [tollgate.progress, tollgate.settle]) {
      const wrong = (report: object, param: string) =>
        refused(verb({ id: held.id, ...report }), 'invalid_request', param);
      await wrong({}, 'amount');
      await wrong({ amount: 1, tokens }, 'amount');
      await wrong({ tokens, images }, 'images');
      await wrong({ images }, 'images');
      await wrong({ tokens: { input: 1 } }, 'tokens.output');
      await wrong({ tokens: { ...tokens, output: -1 } }, 'tokens.output');
      await wrong({ tokens: { ...tokens, output: 1.5 } }, 'tokens.output');
      await wrong({ tokens: { ...tokens, audioInput: 1 } }, 'tokens.audioInput');
      await wrong({ tokens, model: 'writer' }, 'model');
      await refused(verb({ id: plain.id, tokens }), 'invalid_request', 'tokens');
    }
    const asked = { workspaceId: id, featureCode: 'ai.points' };
    const wrong = (more: object, param: string) =>
      refused(tollgate.hold({ ...asked, ...more }), 'invalid_request', param);
    await wrong({}, 'amount');
    await wrong({ ai: { type: 'TEXT_CHAT', pageId: 'page' } }, 'amount');
    await wrong({ amount: 1, ai: { ...FOR, tokens } }, 'amount');
    await wrong({ ai: { ...FOR } }, 'ai.tokens');
    await wrong({ ai: { ...FOR, tokens, images } }, 'ai.images');
    await wrong({ ai: { ...FOR, tokens: { input: 0, output: 0 } } }, 'ai.tokens');
    await wrong({ ai: { ...FOR, model: undefined, tokens } }, 'ai.model');
    await wrong({ ai: { ...FOR, tokens }, featureCode: 'api.calls' }, 'featureCode');
    await refused(
      tollgate.hold({ ...asked, ai: { ...FOR, model: 'nobody', tokens } }),
      'model_unknown',
      'ai.model',
    );
    await wrong({ ai: { ...FOR, tokens: { ...tokens, audioInput: 1 } } }, 'ai.tokens.audioInput');
    assert.equal(await pointsLeft(id), 192);
    const { rows } = await database.pool.query(
      `select count(*)::int as decided from "Decision" where "workspaceId" = $1`,
      [id],
    );
    assert.deepEqual(rows, [{ decided: 2 }]);
  });
});
