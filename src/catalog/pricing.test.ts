import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleConfig } from '../../test/fixtures/catalog.ts';
import { Refusal } from '../lib/errors.ts';
import { parseCatalog } from './parse.ts';
import { priceOfAmount, priceOfPack } from './pricing.ts';

const catalog = parseCatalog(sampleConfig());
const packsOnly = parseCatalog({
  ...sampleConfig(),
  credits: { expireAfterDays: null, packs: sampleConfig().credits.packs },
});

test('a pack has its price in each currency, and without one in the default currency', () => {
  const credits = 1_000_000_000n;
  const usd = { amount: 10_000_000n, currency: 'usd', credits };
  assert.deepEqual(priceOfPack(catalog, 'small'), usd);
  assert.deepEqual(priceOfPack(catalog, 'small', 'USD'), usd);
  assert.deepEqual(priceOfPack(catalog, 'small', 'jpy'), {
    amount: 1_500_000_000n,
    currency: 'jpy',
    credits,
  });
});

for (const [amount, currency, credits] of [
  [5_000_000n, undefined, 500_000_000n],
  [500_000_000n, 'usd', 50_000_000_000n],
  [12_340_000n, 'usd', 1_234_000_000n],
  [751_000_000n, 'JPY', 488_150_000n],
] as const) {
  test(`${amount} micro-units in ${currency ?? 'the default currency'} buy ${credits} of credits`, () => {
    const price = priceOfAmount(catalog, amount, currency);
    assert.deepEqual(price, { amount, currency: currency?.toLowerCase() ?? 'usd', credits });
  });
}

test('a fraction of a micro-credit is rounded up for the buyer', () => {
  const config = sampleConfig();
  config.credits.custom!.usd!.creditsPerUnit = 0.000001;
  assert.equal(priceOfAmount(parseCatalog(config), 5_010_000n, 'usd').credits, 6n);
});

for (const [what, act, param, message] of [
  ['an unknown pack', () => priceOfPack(catalog, 'huge'), 'pack', 'There is no pack "huge"; packs: small.'],
  [
    'a pack in another currency',
    () => priceOfPack(catalog, 'small', 'eur'),
    'currency',
    'The pack "small" is not sold in "eur"; currencies: usd, jpy.',
  ],
  [
    'an amount in another currency',
    () => priceOfAmount(catalog, 5_000_000n, 'eur'),
    'currency',
    'An amount of your choice is not sold in "eur"; currencies: usd, jpy.',
  ],
  [
    'an amount below the limits',
    () => priceOfAmount(catalog, 4_990_000n),
    'amount',
    'amount must be from 5 to 500 in usd.',
  ],
  [
    'an amount above the limits',
    () => priceOfAmount(catalog, 75_001_000_000n, 'jpy'),
    'amount',
    'amount must be from 750 to 75000 in jpy.',
  ],
  [
    'a fraction of a cent',
    () => priceOfAmount(catalog, 5_001_000n),
    'amount',
    'amount must have at most 2 decimals in usd.',
  ],
  [
    'a fraction of a yen',
    () => priceOfAmount(catalog, 800_500_000n, 'jpy'),
    'amount',
    'amount must have no decimals in jpy.',
  ],
  [
    'an amount where only packs are sold',
    () => priceOfAmount(packsOnly, 5_000_000n),
    'amount',
    'This catalog sells credits in packs only; packs: small.',
  ],
] as const) {
  test(`${what} is refused, and the message says what is possible`, () => {
    assert.throws(act, (error) => {
      assert(error instanceof Refusal);
      assert.deepEqual([error.code, error.param, error.message], ['invalid_request', param, message]);
      return true;
    });
  });
}
