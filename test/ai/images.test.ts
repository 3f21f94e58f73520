import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { generateImage, wrapImageModel } from 'ai';
import OpenAI from 'openai';
import { type MeterSettings, tollgateImages } from 'tollgate/ai';
import { meterOpenAI } from 'tollgate/ai/openai';
import { isRefusal } from 'tollgate/client';
import { meterImages } from '../../sdk/ai/images.ts';
import { openWorld, type World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => world.close());

/** An image of the painter's costs 2 points, a big one 5. */
const PAINTER = 'painter';
const big = { pricedAs: () => PAINTER };

type Generate = (settings: MeterSettings, n: number, quality?: string) => Promise<unknown>;

const bySdk: Generate = (settings, n, quality) => {
  const openai = createOpenAI({ baseURL: world.provider.url, apiKey: 'sk-of-the-test' });
  const model = wrapImageModel({ model: openai.image('gpt-image-1'), middleware: tollgateImages(settings) });
  const providerOptions = quality === undefined ? {} : { openai: { quality } };
  return generateImage({
    model,
    n,
    prompt: 'A toll house.',
    size: '1024x1024',
    providerOptions,
    maxRetries: 0,
  });
};

const byClient: Generate = (settings, n, quality) => {
  const openai = new OpenAI({ baseURL: world.provider.url, apiKey: 'sk-of-the-test', maxRetries: 0 });
  return meterOpenAI(openai, settings).images.generate({
    ...{ model: 'gpt-image-1', prompt: 'A toll house.', n, size: '1024x1024' },
    ...(quality === undefined ? {} : { quality: quality as 'high' }),
  });
};

for (const [name, generate] of [
  ['the AI SDK', bySdk],
  ["OpenAI's client", byClient],
] as const) {
  describe(`images by ${name}`, () => {
    test('are charged by their number, with their size and quality', async () => {
      const workspaceId = await world.workspace();
      await generate(world.charging(workspaceId, big), 3, 'high');
      const [usage] = await world.usagesOf(workspaceId);
      assert.deepEqual([usage!.type, usage!.points], ['IMAGE_GENERATION', 6]);
      assert.deepEqual(usage!.work!.images, { count: 3, size: '1024x1024', quality: 'high' });
    });

    test('are charged as many as were made', async () => {
      const workspaceId = await world.workspace();
      world.provider.plan({ imagesMade: 2 });
      await generate(world.charging(workspaceId, big), 3);
      const [hold] = await world.endedHoldsOf(workspaceId);
      assert.deepEqual([hold!.amount, hold!.settledAmount], [6, 4]);
    });

    test('cost nothing where the provider refuses', async () => {
      const workspaceId = await world.workspace();
      world.provider.plan({ status: 400 });
      await assert.rejects(generate(world.charging(workspaceId, big), 1));
      const [hold] = await world.endedHoldsOf(workspaceId);
      assert.equal(hold!.status, 'RELEASED');
      assert.equal(await world.usedBy(workspaceId), 0);
    });

    test('that cannot be paid are refused before the provider is asked', async () => {
      const workspaceId = await world.workspace();
      await world.client.use({ workspaceId, featureCode: 'ai.points', amount: 197 });
      const calls = world.provider.calls.length;
      const asked = generate(world.charging(workspaceId, big), 2);
      await assert.rejects(asked, (error) => isRefusal(error, 'insufficient_credits'));
      assert.equal(world.provider.calls.length, calls);
    });
  });
}

test('images that take minutes are charged', async () => {
  const workspaceId = await world.workspace();
  const images = { count: 2, size: '1024x1024' };
  const make = () => world.advance(600);
  const plan = { workspaceId, pageId: 'page', model: PAINTER, images };
  await meterImages(world.charging(workspaceId), plan, make, () => 2);
  assert.equal(await world.usedBy(workspaceId), 4);
});
