import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/database.ts';
import { sampleConfig } from '../../test/fixtures/catalog.ts';
import type { AIConfig } from '../catalog/config.ts';
import { createTollgate, Refusal, type TollgateLibrary } from '../index.ts';

/** A point for a cent; writer's tokens cost a hundredth and a fiftieth of a cent. */
const AI: AIConfig = {
  pointUsd: 0.01,
  list: 'genai-prices',
  models: { writer: { input: 100, output: 200 }, painter: { images: [{ price: 0.03 }] } },
};

suite('AI work that names a model', () => {
  let database: TestDatabase;
  let tollgate: TollgateLibrary;
  let named = 0;

  const open = (ai?: AIConfig) =>
    createTollgate({
      databaseUrl: database.url,
      catalog: { ...sampleConfig(), ...(ai === undefined ? {} : { ai }) },
    });

  before(async () => {
    database = await testDatabase();
    tollgate = await open(AI);
  });
  after(async () => {
    assert.deepEqual(
      (await tollgate.audit()).checks.filter(({ ok }) => !ok),
      [],
    );
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

  const chat = (workspaceId: string, input: number, output: number, model = 'writer') =>
    ({ workspaceId, type: 'TEXT_CHAT', pageId: 'page', model, tokens: { input, output } }) as const;
  const isCode = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;
  const pointsLeft = async (id: string) => {
    const { features, credit } = await tollgate.getWorkspace(id);
    const points = features.find(({ featureCode }) => featureCode === 'ai.points')!;
    return (points as { remaining: number }).remaining + credit.balance;
  };

  test('is charged once for a key, by the price of the first time, whatever the catalog says by then', async () => {
    const id = await workspace(100);
    const key = { idempotencyKey: 'a chat' };
    const first = await tollgate.useAI(chat(id, 5000, 10_000), key);
    assert.deepEqual([first.points, first.freePoints, first.paidPoints], [250, 200, 50]);
    for (const later of [{ ...AI, markup: 9 }, { pointUsd: 1 }, undefined]) {
      const other = await open(later);
      assert.equal(
        JSON.stringify(await other.useAI(chat(id, 5000, 10_000), key)),
        JSON.stringify(first),
        'though it has another price by now, or none',
      );
      await assert.rejects(other.useAI(chat(id, 5000, 9999), key), isCode('idempotency_conflict'));
      await other.close();
    }
    assert.equal(await pointsLeft(id), 50);
  });

  test('fifty at once add up, and stop where points do', async () => {
    const id = await workspace(100);
    const asked = Array.from({ length: 50 }, () => tollgate.useAI(chat(id, 1000, 1)));
    const results = await Promise.allSettled(asked);
    const done = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.points] : []));
    // 10.02 points are 11, and 27 times 11 are 297 of 300.
    assert.deepEqual(done, Array(27).fill(11));
    assert.equal(await pointsLeft(id), 3);
  });

  test('a model that nobody knows is refused, and leaves no trace', async () => {
    const id = await workspace();
    const asked = chat(id, 1, 1, 'nobody-knows');
    await assert.rejects(tollgate.useAI(asked, { idempotencyKey: 'unknown' }), isCode('model_unknown'));
    await assert.rejects(
      tollgate.check({ workspaceId: id, featureCode: 'ai.points', model: 'gpt-4o', images: { count: 1 } }),
      isCode('model_unknown'),
    );
    const { rows } = await database.pool.query('select id from "Decision" where "workspaceId" = $1', [id]);
    assert.deepEqual(rows, []);
  });

  test('or costs what the catalog says of such models, and is marked', async () => {
    const id = await workspace();
    const lenient = await open({ ...AI, fallback: { input: 1000, output: 1000 } });
    const key = { idempotencyKey: 'unknown' };
    const used = await lenient.useAI(chat(id, 100, 100, 'nobody-knows'), key);
    assert.deepEqual([used.points, used.work!.costUsd], [20, 0.2]);
    assert.deepEqual(used.work!.price, {
      ...{ markup: 1, pointUsd: 0.01, source: 'FALLBACK' },
      tokens: { input: 1000, output: 1000 },
    });
    assert.deepEqual(await lenient.useAI(chat(id, 100, 100, 'nobody-knows'), key), used);
    await lenient.close();
  });

  test('a refusal for want of credits says how many points it would have been', async () => {
    const id = await workspace(10);
    await assert.rejects(tollgate.useAI(chat(id, 30_000, 0)), (error) => {
      assert(error instanceof Refusal);
      const { required, available, affordable } = error.details!;
      assert.deepEqual([error.code, required, available, affordable], ['insufficient_credits', 100, 10, 210]);
      return true;
    });
  });

  test('so many output tokens as a check says pass, and not one more', async () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    for (let round = 0; round < 25; round++) {
      const id = await workspace(random(3) * random(500));
      const model = ['writer', 'gpt-4o', 'claude-sonnet-4-5', 'groq:openai/gpt-oss-20b'][random(4)]!;
      const input = random(2) === 0 ? random(20) : random(30_000);
      if (random(2) === 0) await tollgate.useAI(chat(id, 1, 1 + random(9000)));
      const tokens = { input, cachedInput: 1 + random(5000) };
      const ask = { workspaceId: id, featureCode: 'ai.points', model, tokens };
      const { affordableOutputTokens, allowed } = await tollgate.check(ask);
      const use = (output: number) =>
        tollgate.useAI({ ...chat(id, input, output, model), tokens: { ...tokens, output } });
      assert.equal(affordableOutputTokens !== null, allowed);
      const most = affordableOutputTokens ?? -1;
      await assert.rejects(use(most + 1), isCode('insufficient_credits'));
      assert.equal(
        (await tollgate.check({ ...ask, tokens: { ...tokens, output: most + 1 } })).allowed,
        false,
      );
      if (most >= 0) {
        assert.equal((await tollgate.check({ ...ask, tokens: { ...tokens, output: most } })).allowed, true);
        await use(most);
      }
    }
  });

  test('so many images as a check says pass, and not one more', async () => {
    const id = await workspace(7);
    const ask = { workspaceId: id, featureCode: 'ai.points', model: 'painter', images: { count: 1 } };
    const { affordableImages } = await tollgate.check(ask);
    assert.equal(affordableImages, 69);
    const { featureCode: _, ...work } = ask;
    const use = (count: number) =>
      tollgate.useAI({ ...work, type: 'IMAGE_GENERATION', pageId: 'page', images: { count } });
    await assert.rejects(use(70), isCode('insufficient_credits'));
    assert.equal((await use(69)).points, 207);
  });
});
