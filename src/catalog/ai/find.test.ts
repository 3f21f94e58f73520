import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleConfig } from '../../../test/fixtures/catalog.ts';
import { Refusal } from '../../lib/errors.ts';
import type { AIConfig } from '../config.ts';
import { parseCatalog } from '../parse.ts';
import { findPrice, quoteWork } from './find.ts';

const AI: AIConfig = {
  pointUsd: 0.01,
  markup: 2,
  list: 'genai-prices',
  models: {
    writer: { input: 10, output: 20 },
    later: [
      { from: '2026-01-01', input: 10, output: 20 },
      { from: '2026-07-01', input: 5, output: 10 },
    ],
    'gpt-4o': { from: '2026-07-01', input: 1, output: 1 },
    painter: { images: [{ size: 'big', price: 0.1 }] },
  },
};
const FALLBACK = { input: 100, output: 200 };

const pricingOf = (ai: AIConfig) => parseCatalog({ ...sampleConfig(), ai }).ai;
const strict = pricingOf(AI);
const lenient = pricingOf({ ...AI, fallback: FALLBACK });
const TOKENS = { tokens: { input: 1 } };
const IMAGES = { images: { count: 1, size: 'big' } };

for (const [model, at, work, expected] of [
  ['writer', '2020-01-01T00:00:00Z', TOKENS, { source: 'CATALOG', input: 10 }],
  ['later', '2026-06-30T23:59:59.999Z', TOKENS, { source: 'CATALOG', from: '2026-01-01', input: 10 }],
  ['later', '2026-07-01T00:00:00Z', TOKENS, { source: 'CATALOG', from: '2026-07-01', input: 5 }],
  ['gpt-4o', '2026-06-30T00:00:00Z', TOKENS, { source: 'GENAI_PRICES', input: 2.5 }],
  ['gpt-4o', '2026-07-01T00:00:00Z', TOKENS, { source: 'CATALOG', from: '2026-07-01', input: 1 }],
  ['gpt-4o-mini', '2026-07-01T00:00:00Z', TOKENS, { source: 'GENAI_PRICES', input: 0.15 }],
  ['nobody-knows', '2026-07-01T00:00:00Z', TOKENS, { source: 'FALLBACK', input: 100 }],
  ['later', '2025-12-31T00:00:00Z', TOKENS, { source: 'FALLBACK', input: 100 }],
] as const) {
  test(`${model} at ${at} is priced by ${JSON.stringify(expected)}`, () => {
    const price = findPrice(lenient, { model, ...work }, Date.parse(at));
    const { source, from, tokens } = price;
    assert.deepEqual(JSON.parse(JSON.stringify({ source, from, input: tokens!.input })), expected);
    assert.deepEqual([price.markup, price.pointUsd], [2, 0.01]);
  });
}

for (const [pricing, model, work, kind] of [
  [strict, 'nobody-knows', TOKENS, 'tokens'],
  [strict, 'painter', TOKENS, 'tokens'],
  [strict, 'writer', IMAGES, 'images'],
  [strict, 'gpt-image-1', IMAGES, 'images'],
  [lenient, 'nobody-knows', IMAGES, 'images'],
  [null, 'gpt-4o', TOKENS, 'tokens'],
] as const) {
  test(`${pricing === null ? 'without prices, ' : ''}${model} is refused for ${kind}, never free`, () => {
    assert.throws(
      () => findPrice(pricing, { model, ...work }, Date.parse('2026-11-24')),
      (error) => {
        assert(error instanceof Refusal);
        assert.deepEqual([error.code, error.status, error.param], ['model_unknown', 404, 'model']);
        assert.deepEqual(error.details, { model, kind });
        return true;
      },
    );
  });
}

test('a quote has all that its points are made of', () => {
  assert.deepEqual(quoteWork(strict, { model: 'writer', tokens: { input: 1000, output: 2000 } }, 0), {
    points: 10_000_000n,
    costUsd: 0.05,
    price: {
      source: 'CATALOG',
      model: 'writer',
      tokens: { input: 10, output: 20 },
      markup: 2,
      pointUsd: 0.01,
    },
  });
  const { price } = quoteWork(
    strict,
    { model: 'azure:gpt-4o', tokens: { input: 1 } },
    Date.parse('2026-11-24'),
  );
  assert.deepEqual(price, {
    source: 'GENAI_PRICES',
    version: '0.1.8',
    provider: 'azure',
    model: 'gpt-4o',
    tokens: { input: 2.5, cachedInput: 1.25, output: 10 },
    markup: 2,
    pointUsd: 0.01,
  });
});
