import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleConfig } from '../../../test/fixtures/catalog.ts';
import { ConfigError } from '../../lib/config.ts';
import { parseCatalog } from '../parse.ts';

const parse = (ai: unknown) => parseCatalog({ ...sampleConfig(), ai });

function mistakesOf(ai: unknown): string {
  try {
    parse(ai);
  } catch (error) {
    assert(error instanceof ConfigError);
    return error.message;
  }
  return 'none';
}

const USD = 'must be dollars from 0 to 1,000,000 with at most six decimals';
const TEXT = { input: 1, output: 2 };
const KEYS = [
  ...['input', 'cachedInput', 'cacheWrite', 'cacheWrite1h', 'audioInput', 'imageInput'],
  ...['output', 'reasoning', 'audioOutput', 'imageOutput', 'perThousandRequests', 'images'],
].join(', ');
const DOUBT = 'says as much as another price of the same images: add one that says both';
const SOMETHING = 'must have a price for tokens, such as { input: 1.25, output: 10 }, or for images';
const DAY = 'must be a day such as 2026-01-31, and counts from 0:00 UTC';

for (const [ai, message] of [
  [null, 'ai: must be an object with pointUsd, markup, list, models, fallback'],
  [
    {},
    'ai.pointUsd: must say how many dollars one point pays for: a number above 0, up to 1,000,000, with at most six decimals',
  ],
  [
    { pointUsd: 1, price: 2 },
    'ai.price: is unknown here; known are pointUsd, markup, list, models, fallback',
  ],
  [
    { pointUsd: 1, markup: 0 },
    'ai.markup: must be a number above 0, up to 1,000, with at most six decimals; 1.25 is a quarter more than the cost',
  ],
  [{ pointUsd: 1, list: 'litellm' }, "ai.list: must be 'genai-prices', or be left out"],
] as const) {
  test(`${JSON.stringify(ai)} is refused: ${message}`, () => assert.equal(mistakesOf(ai), message));
}

for (const [price, path, message] of [
  [{}, '', SOMETHING],
  [5, '', `must be an object with from, ${KEYS}`],
  [{ ...TEXT, tokens: 1 }, '.tokens', `is unknown here; known are from, ${KEYS}`],
  [{ output: 2 }, '.input', 'must be there: every call reads something'],
  [{ ...TEXT, input: -1 }, '.input', USD],
  [{ ...TEXT, input: 1_000_001 }, '.input', USD],
  [{ ...TEXT, input: 0.0000001 }, '.input', USD],
  [{ ...TEXT, input: '1' }, '.input', USD],
  [{ ...TEXT, input: { base: 1 } }, '.input.tiers', 'must be a list of tiers'],
  [
    { ...TEXT, input: { base: 1, tiers: [] } },
    '.input.tiers',
    'must have a tier such as { above: 200000, price: 5 }',
  ],
  [
    { ...TEXT, input: { base: 1, tiers: [5, 5].map((above) => ({ above, price: 1 })) } },
    '.input.tiers',
    'must rise: each tier is above more tokens than the one before',
  ],
  [{ ...TEXT, perThousandRequests: -1 }, '.perThousandRequests', USD],
  [[], '', 'must have a price'],
  [{ ...TEXT, from: '2026-02-30' }, '.from', DAY],
  [{ ...TEXT, from: 'May' }, '.from', DAY],
  [[TEXT, TEXT], ".'1'.from", 'must be there: only the first price may always have counted'],
  [
    [
      { ...TEXT, from: '2026-02-01' },
      { ...TEXT, from: '2026-02-01' },
    ],
    ".'1'.from",
    'must be after the one before',
  ],
  [{ images: 5 }, '.images', "must be a list such as [{ size: '1024x1024', quality: 'high', price: 0.167 }]"],
  [{ images: [{ size: 'big' }] }, ".images.'0'.price", USD],
  [
    {
      images: [
        { size: 'a', price: 1 },
        { size: 'a', price: 2 },
      ],
    },
    ".images.'1'",
    DOUBT,
  ],
  [
    {
      images: [
        { size: 'a', price: 1 },
        { quality: 'b', price: 2 },
      ],
    },
    ".images.'1'",
    DOUBT,
  ],
] as const) {
  test(`the price ${JSON.stringify(price)} is refused: ${message}`, () => {
    assert.equal(mistakesOf({ pointUsd: 1, models: { mine: price } }), `ai.models.mine${path}: ${message}`);
  });
}

test('a fallback has no day from which it counts', () => {
  const message = `ai.fallback.from: is unknown here; known are ${KEYS}`;
  assert.equal(mistakesOf({ pointUsd: 1, fallback: { ...TEXT, from: '2026-01-01' } }), message);
});

test('where two prices of images meet, one that says both decides', () => {
  const images = [
    { size: 'a', price: 1 },
    { quality: 'b', price: 2 },
    { size: 'a', quality: 'b', price: 3 },
    { price: 4 },
  ];
  assert.deepEqual(parse({ pointUsd: 1, models: { mine: { images } } }).ai!.models.get('mine'), [
    { from: null, price: { images } },
  ]);
});

test('without a markup, points are the cost; the price list is there only if it is asked for', () => {
  const { ai } = parse({ pointUsd: 0.5 });
  assert.deepEqual(ai, {
    pointUsd: 500_000n,
    markup: 1_000_000n,
    list: null,
    models: new Map(),
    fallback: null,
  });
  assert.equal(parse({ pointUsd: 0.5, list: 'genai-prices' }).ai!.list!.version, '0.1.8');
});

test('what AI work costs is part of the version, and a catalog without it has the version that it had', () => {
  const { ai, ...rest } = { ...sampleConfig(), ai: { pointUsd: 1 } };
  const versions = [
    parseCatalog(rest).version,
    parse(ai).version,
    parse({ pointUsd: 2 }).version,
    parse({ pointUsd: 1, list: 'genai-prices' }).version,
    parse({ pointUsd: 1, models: { mine: TEXT } }).version,
    parse({ pointUsd: 1, models: { mine: { ...TEXT, from: '2026-01-01' } } }).version,
  ];
  assert.equal(new Set(versions).size, versions.length);
  assert.equal(parse({ pointUsd: 1, markup: 1 }).version, versions[1]);
});
