import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AMOUNT_MAX, MICROS_PER_UNIT, type Micros } from '../../lib/amounts.ts';
import { Refusal } from '../../lib/errors.ts';
import {
  type AIPrice,
  affordableImages,
  affordableOutput,
  IMAGES_MAX,
  type ModelPrice,
  type ModelWork,
  POOLS,
  priceWork,
  TOKENS_MAX,
} from './price.ts';

/** One point for a cent, without a markup. */
function priced(price: ModelPrice, more: Partial<AIPrice> = {}): AIPrice {
  return { source: 'CATALOG', markup: 1, pointUsd: 0.01, ...price, ...more };
}

const points = (price: AIPrice, work: Omit<ModelWork, 'model'>) =>
  Number(priceWork(price, { model: 'm', ...work }).points / MICROS_PER_UNIT);

const TEXT = priced({ tokens: { input: 10, output: 20 } });
const TIERED = priced({
  tokens: {
    input: {
      base: 10,
      tiers: [
        { above: 1000, price: 20 },
        { above: 5000, price: 30 },
      ],
    },
    cachedInput: 1,
    output: { base: 20, tiers: [{ above: 1000, price: 40 }] },
  },
});
const IMAGES = priced({
  images: [
    { price: 0.05 },
    { size: 'big', price: 0.1 },
    { quality: 'low', price: 0.02 },
    { size: 'big', quality: 'low', price: 0.07 },
  ],
});

for (const [why, price, work, expected] of [
  ['a cent is a point', TEXT, { tokens: { input: 1000 } }, 1],
  ['a token more is the next point', TEXT, { tokens: { input: 1001 } }, 2],
  ['one token is a point', TEXT, { tokens: { output: 1 } }, 1],
  ['nothing done is no point', TEXT, { tokens: { input: 0, output: 0 } }, 0],
  [
    'what costs the provider nothing is a point',
    priced({ tokens: { input: 0 } }),
    { tokens: { input: 9 } },
    1,
  ],
  ['the markup comes before rounding', { ...TEXT, markup: 1.5 }, { tokens: { input: 2000 } }, 3],
  ['a markup below one is a discount', { ...TEXT, markup: 0.5 }, { tokens: { input: 2000 } }, 1],
  ['a point may be worth less', { ...TEXT, pointUsd: 0.000001 }, { tokens: { input: 1 } }, 10],
  ['cached input costs what input does where nothing is said', TEXT, { tokens: { cachedInput: 2000 } }, 2],
  ['so does what is written to a cache', TEXT, { tokens: { cacheWrite: 2000 } }, 2],
  ['reasoning costs what output does where nothing is said', TEXT, { tokens: { reasoning: 1000 } }, 2],
  [
    'each token is counted once',
    TEXT,
    { tokens: { input: 1000, cachedInput: 1000, output: 500, reasoning: 500 } },
    4,
  ],
  ['up to a tier, all costs the base', TIERED, { tokens: { input: 1000, output: 500 } }, 2],
  ['above it, all of it costs the tier', TIERED, { tokens: { input: 1001, output: 500 } }, 5],
  ['the last tier that it is above counts', TIERED, { tokens: { input: 6000 } }, 18],
  [
    'what comes from a cache counts for the tier',
    TIERED,
    { tokens: { input: 900, cachedInput: 200, output: 50 } },
    3,
  ],
  ['what is written does not', TIERED, { tokens: { input: 1000, output: 5000 } }, 11],
  [
    'each request costs its fee beside its tokens',
    priced({ tokens: { input: 10 }, perThousandRequests: 25 }),
    { tokens: { input: 1000 } },
    4,
  ],
  ['images of any kind', IMAGES, { images: { count: 2 } }, 10],
  ['images of another size', IMAGES, { images: { count: 1, size: 'small', quality: 'high' } }, 5],
  ['images of this size', IMAGES, { images: { count: 1, size: 'big', quality: 'high' } }, 10],
  ['images of this quality', IMAGES, { images: { count: 1, size: 'small', quality: 'low' } }, 2],
  ['images of this size and quality', IMAGES, { images: { count: 3, size: 'big', quality: 'low' } }, 21],
  // As a float, 0.1 × 3 is more than 0.3.
  [
    'three tenths are three tenths',
    priced({ images: [{ price: 0.1 }] }, { pointUsd: 0.3 }),
    { images: { count: 3 } },
    1,
  ],
  [
    'prices may have any decimals',
    priced({ tokens: { input: 0.08333333333333334 } }),
    { tokens: { input: 120_000 } },
    2,
  ],
  ['and be very small', priced({ tokens: { input: 1e-7 } }), { tokens: { input: 1_000_000_000 } }, 1],
] as const) {
  test(`${why}: ${expected}`, () => assert.equal(points(price, work), expected));
}

for (const [work, param, message] of [
  [{ tokens: { input: 1, audioInput: 1 } }, 'tokens.audioInput', 'says nothing of such tokens'],
  [{ tokens: { cacheWrite1h: 1 } }, 'tokens.cacheWrite1h', 'says nothing of such tokens'],
  [{ images: { count: 1, size: 'x' } }, 'images', 'is for big in any quality'],
] as const) {
  test(`${JSON.stringify(work)} is refused, naming ${param}`, () => {
    const price = priced({ ...TEXT, images: [{ size: 'big', price: 1 }] });
    assert.throws(
      () => priceWork(price, { model: 'm', ...work }),
      (error) => {
        assert(error instanceof Refusal);
        assert.deepEqual([error.code, error.param], ['invalid_request', param]);
        assert.match(error.message, new RegExp(message));
        return true;
      },
    );
  });
}

test('a price of tokens alone says nothing of images', () => {
  const ask = () => priceWork(TEXT, { model: 'm', images: { count: 1 } });
  assert.throws(ask, { param: 'images', message: 'images: the price of "m" says nothing of images.' });
});

test('more points than can be charged at once are refused', () => {
  const work = { model: 'm', tokens: { input: TOKENS_MAX } };
  assert.equal(points(priced({ tokens: { input: 10_000 } }), work), 1_000_000_000);
  assert.throws(() => priceWork(priced({ tokens: { input: 10_001 } }), work), /at most 1000000000 can be/);
  const terms = { pointUsd: 0.000001, markup: 999.999999 };
  const dear = priced({ tokens: { input: 1_000_000 }, perThousandRequests: 1_000_000 }, terms);
  assert.throws(() => points(dear, { tokens: { input: 1 } }), /is 1000999998999 points in all/);
});

/** Work that is more than can be charged at once is beyond every budget. */
function pointsOrTooMany(price: AIPrice, work: ModelWork): Micros {
  try {
    return priceWork(price, work).points;
  } catch (error) {
    if (error instanceof Refusal && error.message.includes('can be charged at once')) return AMOUNT_MAX + 1n;
    throw error;
  }
}

const anyUsd = fc.integer({ min: 0, max: 200_000_000 }).map((micros) => micros / 1e6);
const anyPrice = fc.record({
  pointUsd: fc.integer({ min: 1, max: 1_000_000 }).map((micros) => micros / 1e6),
  markup: fc.integer({ min: 1, max: 5_000_000 }).map((micros) => micros / 1e6),
  perThousandRequests: anyUsd,
  tokens: fc.record({ input: anyUsd, cachedInput: anyUsd, output: anyUsd, reasoning: anyUsd }),
});
const anyCount = fc.oneof(fc.nat(20), fc.nat(1_000_000));

test('so many output tokens can be had, and not one more', () => {
  fc.assert(
    fc.property(
      anyPrice,
      anyCount,
      anyCount,
      anyCount,
      fc.nat(100_000),
      (price, input, cached, reasoning, most) => {
        const tokens = { input, cachedInput: cached, reasoning };
        const budget = BigInt(most) * MICROS_PER_UNIT;
        const cost = (output: number) =>
          pointsOrTooMany(priced(price), { model: 'm', tokens: { ...tokens, output } });
        const affordable = affordableOutput(priced(price), { model: 'm', tokens }, budget);
        if (affordable === null) return assert.ok(cost(1) > budget);
        if (affordable > 0 || input + cached + reasoning > 0) assert.ok(cost(affordable) <= budget);
        if (affordable < TOKENS_MAX) assert.ok(cost(affordable + 1) > budget);
      },
    ),
    { numRuns: 2000 },
  );
});

test('of a model that only reads no output can be had, and nothing if what it reads cannot be paid', () => {
  const price = priced({ tokens: { input: 10 } });
  const work = { model: 'm', tokens: { input: 5000 } };
  assert.equal(affordableOutput(price, work, 5n * MICROS_PER_UNIT), 0);
  assert.equal(affordableOutput(price, work, 4n * MICROS_PER_UNIT), null);
});

test('so many images can be had, and not one more', () => {
  fc.assert(
    fc.property(anyPrice, anyUsd, fc.nat(100_000), (terms, price, most) => {
      const imagePrice = priced({ images: [{ price }] }, terms);
      const budget = BigInt(most) * MICROS_PER_UNIT;
      const cost = (count: number) => pointsOrTooMany(imagePrice, { model: 'm', images: { count } });
      const affordable = affordableImages(imagePrice, { model: 'm', images: { count: 1 } }, budget);
      if (affordable > 0) assert.ok(cost(affordable) <= budget);
      if (affordable < IMAGES_MAX) assert.ok(cost(affordable + 1) > budget);
    }),
  );
});

test('more tokens never cost less, whichever they are', () => {
  fc.assert(
    fc.property(
      anyPrice,
      fc.constantFrom('input', 'cachedInput', 'output', 'reasoning'),
      anyCount,
      (price, pool, count) => {
        const cost = (more: number) => points(priced(price), { tokens: { input: 5, [pool]: count + more } });
        assert.ok(cost(1) >= cost(0));
      },
    ),
  );
});

test('there is a pool for every kind of token that usage reports, and none contains another', () => {
  assert.equal(new Set(POOLS).size, POOLS.length);
  const price = priced({ tokens: Object.fromEntries(POOLS.map((pool) => [pool, 1000])) });
  assert.equal(points(price, { tokens: Object.fromEntries(POOLS.map((pool) => [pool, 10])) }), POOLS.length);
});
