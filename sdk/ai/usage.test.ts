import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ProviderUsage, usageOf } from './usage.ts';

type Side<S extends 'inputTokens' | 'outputTokens'> = Partial<ProviderUsage[S]>;

function of(read: Side<'inputTokens'>, written: Side<'outputTokens'>, raw?: object) {
  const none = { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined };
  return usageOf({
    inputTokens: { ...none, ...read },
    outputTokens: { total: undefined, text: undefined, reasoning: undefined, ...written },
    ...(raw === undefined ? {} : { raw: raw as NonNullable<ProviderUsage['raw']> }),
  });
}

for (const [what, read, pools] of [
  ['all of it is plain', { total: 100, noCache: 100 }, { input: 100 }],
  ['a part was cached', { total: 100, noCache: 30, cacheRead: 70 }, { input: 30, cachedInput: 70 }],
  [
    'only the total and the cached part are said',
    { total: 100, cacheRead: 70 },
    { input: 30, cachedInput: 70 },
  ],
  [
    'a part was cached, and another written to the cache',
    { total: 100, noCache: 10, cacheRead: 70, cacheWrite: 20 },
    { input: 10, cachedInput: 70, cacheWrite: 20 },
  ],
  [
    'what was written to the cache is in two figures',
    { total: 100, noCache: 30, cacheRead: 70, cacheWrite: 20 },
    { input: 10, cachedInput: 70, cacheWrite: 20 },
  ],
  ['more was cached than read', { total: 100, cacheRead: 120 }, { input: 0, cachedInput: 120 }],
  ['there is no total', { noCache: 30, cacheRead: 70 }, { input: 30, cachedInput: 70 }],
  ['nothing is said', {}, undefined],
] as const) {
  test(`read: ${what}`, () => assert.deepEqual(of(read, {}).read, pools));
}

for (const [what, written, pools] of [
  ['all of it is text', { total: 50, text: 50 }, { output: 50 }],
  ['most of it is reasoning', { total: 50, text: 10, reasoning: 40 }, { output: 10, reasoning: 40 }],
  ['only total and reasoning are said', { total: 50, reasoning: 40 }, { output: 10, reasoning: 40 }],
  ['text contains reasoning', { total: 50, text: 50, reasoning: 40 }, { output: 10, reasoning: 40 }],
  ['nothing is said', {}, undefined],
] as const) {
  test(`written: ${what}`, () => assert.deepEqual(of({}, written).written, pools));
}

test('what was written to a cache for an hour is a pool of its own', () => {
  const raw = { cache_creation: { ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 15 } };
  const read = { total: 100, noCache: 80, cacheRead: 0, cacheWrite: 20 };
  assert.deepEqual(of(read, {}, raw).read, { input: 80, cacheWrite: 5, cacheWrite1h: 15 });
  assert.deepEqual(of(read, {}, { cache_creation: null }).read, { input: 80, cacheWrite: 20 });
});
