import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleConfig } from '../../../test/fixtures/catalog.ts';
import { parseCatalog } from '../../catalog/parse.ts';
import { difference } from './difference.ts';
import type { Found, FoundPrice, FoundProduct } from './types.ts';
import { type WantedPrice, wantedOf } from './wanted.ts';
import { lineOf } from './words.ts';

test('a catalog asks for a product and prices of each plan and pack that has a price, in amounts of Stripe', () => {
  const { products, prices } = wantedOf(parseCatalog(sampleConfig()));
  assert.deepEqual(products, [
    { id: 'tollgate_plan_BASIC', name: 'Basic' },
    { id: 'tollgate_plan_PRO', name: 'Pro' },
    { id: 'tollgate_pack_small', name: '1,000 credits' },
  ]);
  assert.deepEqual(
    prices.map(({ key, product, currency, amount, every }) =>
      [key, product, currency, amount, every].join(' '),
    ),
    [
      'tollgate_BASIC_month_usd tollgate_plan_BASIC usd 1000 month',
      'tollgate_BASIC_month_jpy tollgate_plan_BASIC jpy 1500 month',
      'tollgate_PRO_month_usd tollgate_plan_PRO usd 2000 month',
      'tollgate_PRO_month_jpy tollgate_plan_PRO jpy 3000 month',
      'tollgate_PRO_year_usd tollgate_plan_PRO usd 19999 year',
      'tollgate_PRO_year_jpy tollgate_plan_PRO jpy 30000 year',
      'tollgate_pack_small_usd tollgate_pack_small usd 1000 once',
      'tollgate_pack_small_jpy tollgate_pack_small jpy 1500 once',
    ],
  );
});

for (const [currency, price, amount] of [
  ['isk', 500, 50_000],
  ['ugx', 5000, 500_000],
  ['huf', 1000.45, 100_045],
  ['twd', 100.45, 10_045],
  ['kwd', 5.12, 5120],
  ['krw', 5000, 5000],
] as const) {
  test(`${price} ${currency} is asked for as ${amount}`, () => {
    const config = sampleConfig();
    config.currency = currency;
    config.credits = { expireAfterDays: null, packs: {} };
    config.plans = {
      FREE: config.plans.FREE,
      PRO: { ...config.plans.PRO!, price: { month: { [currency]: price } } },
    };
    const [only, ...others] = wantedOf(parseCatalog(config)).prices;
    assert.deepEqual([only?.key, only?.amount, others], [`tollgate_PRO_month_${currency}`, amount, []]);
  });
}

// One plan with one price in the catalog, and whatever Stripe has.

const PRODUCT = 'tollgate_plan_PRO';
const KEY = 'tollgate_PRO_month_usd';
const terms = { product: PRODUCT, currency: 'usd', amount: 2000, every: 'month' } as const;
const wanted = {
  products: [{ id: PRODUCT, name: 'Pro' }],
  prices: [{ key: KEY, ...terms } satisfies WantedPrice],
};
const product = (more: Partial<FoundProduct> = {}): FoundProduct => ({
  id: PRODUCT,
  name: 'Pro',
  active: true,
  defaultPrice: null,
  ...more,
});
const price = (more: Partial<FoundPrice> = {}): FoundPrice => ({
  id: 'price_1',
  key: KEY,
  lookupKey: KEY,
  active: true,
  ...terms,
  ...more,
});
const cheaper = (more: Partial<FoundPrice> = {}) => price({ id: 'price_0', amount: 1800, ...more });
const found = (products: FoundProduct[], ...prices: FoundPrice[]): Found => ({ products, prices });

const IS_20 = 'is 18 usd per month in Stripe, 20 usd per month in the catalog';
const CREATE = 'create the price 20 usd per month';

for (const [what, there, lines] of [
  ['Stripe has the same', found([product()], price()), []],
  [
    'Stripe has nothing',
    found([]),
    [`${PRODUCT} is missing: create the product "Pro"`, `${KEY} is missing: ${CREATE}`],
  ],
  [
    'the product has another name',
    found([product({ name: 'Pro \u001b[2J' })], price()),
    [`${PRODUCT} is named "Pro \\u001b[2J" in Stripe, "Pro" in the catalog: rename it`],
  ],
  [
    'the product was archived',
    found([product({ active: false })], price()),
    [`${PRODUCT} is archived: put it on sale again`],
  ],
  ['the price is missing', found([product()]), [`${KEY} is missing: ${CREATE}`]],
  [
    'the price was archived',
    found([product()], price({ active: false })),
    [`${KEY} is archived: put price_1 on sale again`],
  ],
  [
    'the price has lost its key',
    found([product()], price({ lookupKey: null })),
    [`${KEY} is not the lookup key of price_1 any more: give price_1 the key`],
  ],
  [
    'the price was archived and has lost its key',
    found([product()], price({ active: false, lookupKey: null })),
    [`${KEY} is missing: put price_1 on sale again, give price_1 the key`],
  ],
  [
    'the price has another amount',
    found([product()], cheaper()),
    [`${KEY} ${IS_20}: ${CREATE}`, `${KEY}: archive price_0`],
  ],
  [
    'the price is in another currency',
    found([product()], cheaper({ amount: 2000, currency: 'jpy' })),
    [
      `${KEY} is 2000 jpy per month in Stripe, 20 usd per month in the catalog: ${CREATE}`,
      `${KEY}: archive price_0`,
    ],
  ],
  [
    'the price has another interval',
    found([product()], cheaper({ amount: 2000, every: 'year' })),
    [
      `${KEY} is 20 usd per year in Stripe, 20 usd per month in the catalog: ${CREATE}`,
      `${KEY}: archive price_0`,
    ],
  ],
  [
    'the price is paid once',
    found([product()], cheaper({ amount: 2000, every: 'once' })),
    [
      `${KEY} is 20 usd once in Stripe, 20 usd per month in the catalog: ${CREATE}`,
      `${KEY}: archive price_0`,
    ],
  ],
  [
    'the price has no fixed amount',
    found([product()], cheaper({ amount: null })),
    [
      `${KEY} is no fixed amount in usd per month in Stripe, 20 usd per month in the catalog: ${CREATE}`,
      `${KEY}: archive price_0`,
    ],
  ],
  [
    'a push was cut off before the old price was archived',
    found([product()], cheaper({ lookupKey: null }), price()),
    [`${KEY} has an older price price_0 beside it: archive price_0`],
  ],
  [
    'the amount is one of before',
    found([product()], cheaper(), price({ lookupKey: null, active: false })),
    [`${KEY} ${IS_20}: put price_1 on sale again, give price_1 the key`, `${KEY}: archive price_0`],
  ],
  [
    'an older price is archived already',
    found([product()], cheaper({ lookupKey: null, active: false }), price()),
    [],
  ],
  [
    'the old price is the default one: it waits until its successor is there',
    found([product({ defaultPrice: 'price_0' })], cheaper()),
    [`${KEY} ${IS_20}: ${CREATE}`],
  ],
  [
    'the old price is the default one, and its successor is there',
    found([product({ defaultPrice: 'price_0' })], cheaper({ lookupKey: null }), price()),
    [
      `${PRODUCT}: make price_1 its default price`,
      `${KEY} has an older price price_0 beside it: archive price_0`,
    ],
  ],
  [
    'a price is not in the catalog any more',
    found([product()], price(), price({ id: 'price_2', key: `${KEY}x`, lookupKey: `${KEY}x` })),
    [`${KEY}x is not in the catalog: archive price_2`],
  ],
  [
    'a price that is not in the catalog any more is the default one',
    found(
      [product({ defaultPrice: 'price_2' })],
      price(),
      price({ id: 'price_2', key: `${KEY}x`, lookupKey: null }),
    ),
    [`${PRODUCT}: leave it without a default price`, `${KEY}x is not in the catalog: archive price_2`],
  ],
  [
    'a product is not in the catalog any more',
    found(
      [product(), product({ id: 'tollgate_pack_old', name: 'Old' })],
      price(),
      price({ id: 'price_2', product: 'tollgate_pack_old', key: 'tollgate_pack_old_usd', every: 'once' }),
    ),
    [
      'tollgate_pack_old is not in the catalog: archive it',
      'tollgate_pack_old_usd is not in the catalog: archive price_2',
    ],
  ],
  [
    'what is not in the catalog any more is archived already',
    found(
      [product(), product({ id: 'tollgate_pack_old', active: false })],
      price(),
      price({ id: 'price_2', key: 'tollgate_pack_old_usd', active: false }),
    ),
    [],
  ],
] as [string, Found, string[]][]) {
  test(`${what}: ${lines.length === 0 ? 'nothing is done' : lines.join('; ')}`, () => {
    assert.deepEqual(difference(wanted, there).map(lineOf), lines);
  });
}

for (const [what, there, params, beside] of [
  ['no price is there', found([product()]), {}, []],
  ['one of ours has the key', found([product()], cheaper()), { transfer_lookup_key: true }, ['price_0']],
  [
    'older ones are there without a key',
    found([product()], cheaper({ id: 'price_9', lookupKey: null }), cheaper({ lookupKey: null })),
    {},
    ['price_0', 'price_9'],
  ],
] as [string, Found, object, string[]][]) {
  test(`a new price takes the key only from one of ours: ${what}`, () => {
    assert.deepEqual(difference(wanted, there)[0]?.call, {
      verb: 'create price',
      params: {
        product: PRODUCT,
        currency: 'usd',
        unit_amount: 2000,
        recurring: { interval: 'month' },
        lookup_key: KEY,
        ...params,
        metadata: { tollgate: KEY },
      },
      beside,
    });
  });
}
