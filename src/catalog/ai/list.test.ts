import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calcPrice, waitForUpdate } from '@pydantic/genai-prices';
import fc from 'fast-check';
import { genaiPrices } from './list.ts';
import { costOf, POOLS, type Pool, type Tokens } from './price.ts';

const list = genaiPrices();
const NOON = Date.parse('2026-11-24T12:00:00Z');
const providers = (await waitForUpdate())!;
const models = providers.flatMap(({ id, models }) => models.map((model) => ({ provider: id, model })));

test('what each model costs is what the package itself makes of it, but exact', () => {
  const random = fc.sample(fc.array(fc.integer({ min: 0, max: 400_000 }), { minLength: 10, maxLength: 10 }), {
    numRuns: models.length,
    seed: 4,
  });
  let compared = 0;
  for (const [index, { provider, model }] of models.entries()) {
    const name = `${provider}:${model.id}`;
    const price = list.find(name, NOON);
    if (price === undefined) continue;
    // Only pools that have a price of their own: for others we say what the package says, or refuse.
    const priced = POOLS.filter((pool) => price.tokens![pool] !== undefined);
    const tokens = Object.fromEntries(priced.map((pool, at) => [pool, random[index]![at]!])) as Tokens;
    const theirs = calcPrice(inclusive(tokens), model.id, {
      providerId: provider,
      timestamp: new Date(NOON),
    })!;
    assert.equal(price.model, theirs.model.id);
    const usd = Number(costOf(price, { model: name, tokens })) / 1e24;
    assert.ok(Math.abs(usd - theirs.total_price) < 1e-9, `${name}: ${usd}, not ${theirs.total_price}`);
    compared++;
  }
  assert.ok(compared > 1300, `only ${compared} of ${models.length} are priced`);
});

/** Pools as the package counts them, where one contains another. */
function inclusive(tokens: Tokens): Record<string, number> {
  const sum = (...pools: Pool[]) => pools.reduce((all, pool) => all + (tokens[pool] ?? 0), 0);
  return {
    input_tokens: sum('input', 'cachedInput', 'cacheWrite', 'cacheWrite1h', 'audioInput', 'imageInput'),
    cache_read_tokens: sum('cachedInput'),
    cache_write_tokens: sum('cacheWrite', 'cacheWrite1h'),
    cache_write_1h_tokens: sum('cacheWrite1h'),
    input_audio_tokens: sum('audioInput'),
    input_image_tokens: sum('imageInput'),
    cache_audio_read_tokens: 0,
    cache_image_read_tokens: 0,
    output_tokens: sum('output', 'reasoning', 'audioOutput', 'imageOutput'),
    output_reasoning_tokens: sum('reasoning'),
    output_audio_tokens: sum('audioOutput'),
    output_image_tokens: sum('imageOutput'),
  };
}

test('a price that counts for a while comes after one that always does, so that there is none to guess', () => {
  const conditional = models.flatMap(({ model }) => (Array.isArray(model.prices) ? [model.prices] : []));
  assert.ok(conditional.length > 0);
  for (const prices of conditional) assert.equal(prices[0]!.constraint, undefined);
});

for (const [name, at, provider, model, validity] of [
  ['gpt-4o', NOON, 'openai', 'gpt-4o', {}],
  ['openai:gpt-4o', NOON, 'openai', 'gpt-4o', {}],
  ['azure/gpt-4o', NOON, 'azure', 'gpt-4o', {}],
  ['google-vertex:gemini-2.5-pro', NOON, 'google', 'gemini-2.5-pro', {}],
  ['openrouter/anthropic/claude-sonnet-4.5', NOON, 'openrouter', 'anthropic/claude-sonnet-4.5', {}],
  ['o3', NOON, 'openai', 'o3', { from: '2025-06-10' }],
  ['o3', Date.parse('2025-06-09T00:00:00Z'), 'openai', 'o3', {}],
  ['deepseek-v4-pro', NOON, 'deepseek', 'deepseek-v4-pro', { from: '2026-08-17' }],
  [
    'deepseek-v4-pro',
    Date.parse('2026-11-24T02:00:00Z'),
    'deepseek',
    'deepseek-v4-pro',
    { daily: { from: '01:00:00Z', until: '04:00:00Z' } },
  ],
] as const) {
  test(`${name} at ${new Date(at).toISOString()} is ${model} of ${provider}, ${JSON.stringify(validity)}`, () => {
    const { provider: found, model: named, from, daily } = list.find(name, at)!;
    assert.deepEqual([found, named], [provider, model]);
    assert.deepEqual(JSON.parse(JSON.stringify({ from, daily })), validity);
  });
}

for (const [name, why] of [
  ['gpt-9', 'nobody knows it'],
  ['openai:claude-sonnet-4-5', 'it is of another provider'],
  ['nobody:gpt-4o', 'there is no such provider'],
  ['llama-3.3-70b-versatile', 'several serve it, so that one has to be named'],
  ['whisper-1', 'it is priced by the hour'],
  ['perplexity:sonar-deep-research', 'it counts citations'],
  ['openai:moderation', 'it costs nothing, and no price says what it is worth'],
] as const) {
  test(`${name} has no price: ${why}`, () => assert.equal(list.find(name, NOON), undefined));
}
