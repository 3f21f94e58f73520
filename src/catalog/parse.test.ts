import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleConfig } from '../../test/fixtures/catalog.ts';
import defaultConfig from '../../tollgate.config.ts';
import { ConfigError } from '../lib/config.ts';
import type { CatalogConfig } from './config.ts';
import { parseCatalog } from './parse.ts';

/** The sample with the value at a path replaced, or removed where it is undefined. */
function spoil(path: string[], value: unknown, config = sampleConfig()): CatalogConfig {
  let object = config as unknown as Record<string, unknown>;
  for (const key of path.slice(0, -1)) object = object[key] as Record<string, unknown>;
  const last = path.at(-1)!;
  if (value === undefined) delete object[last];
  else object[last] = value;
  return config;
}

function mistakesOf(config: unknown): string {
  try {
    parseCatalog(config);
  } catch (error) {
    assert(error instanceof ConfigError);
    return error.message;
  }
  return 'none';
}

const at = (path: string) => path.split('/');
const FREE_POINTS = 'plans/FREE/features/ai.points';
const FREE_CALLS = 'plans/FREE/features/api.calls';
const TEXT = 'must be a text of 1 to 200 characters';
const ALLOWANCE = "must be a number from 0 to 1,000,000,000 with at most six decimals, or 'unlimited'";
const ABOVE_ZERO = 'must be a number above 0 with at most six decimals';
const SAME = 'every price is in the same currencies';
const DAYS = 'must be a whole number of days from 1 to 3650, or null for ever';
const CODE = 'must be named with 1 to 64 of A-Z a-z 0-9 _ . : -, beginning with a letter or digit';
const POINTS = "features.'ai.points': must be { type: 'metered', whole: true }: AI work is counted in it";
const NO_CURRENCY = 'is no currency that Stripe charges in; write codes such as usd';

for (const [currency, price, message] of [
  ['isk', 5.5, 'must have no decimals in isk'],
  ['isk', 5, null],
  ['isk', 1_000_000, 'must be at most 999999: Stripe charges no more in isk'],
  ['ugx', 5.5, 'must have no decimals in ugx'],
  ['ugx', 5000, null],
  ['krw', 0.5, 'must have no decimals in krw'],
  ['krw', 99_999_999, null],
  ['huf', 174.99, 'must be at least 175: Stripe charges no less in huf'],
  ['huf', 1000.45, null],
  ['twd', 10.45, null],
  ['twd', 10.455, 'must have at most 2 decimals in twd'],
  ['kwd', 5.124, 'must have at most 2 decimals in kwd'],
  ['kwd', 5.12, null],
  ['kwd', 100_000, 'must be at most 99999.99: Stripe charges no more in kwd'],
] as const) {
  test(`a price of ${price} ${currency} ${message ?? 'is taken'}`, () => {
    const { features } = sampleConfig();
    const config = {
      currency,
      features,
      plans: {
        FREE: { name: 'Free', features: {} },
        PRO: { name: 'Pro', price: { month: { [currency]: price } }, features: {} },
      },
      credits: {
        expireAfterDays: null,
        packs: { small: { name: 'Small', credits: 1, price: { [currency]: price } } },
      },
    };
    const paths = [`plans.PRO.price.month.${currency}`, `credits.packs.small.price.${currency}`];
    const expected = ['2 mistakes', ...paths.map((path) => `  ${path}: ${message}`)].join('\n');
    assert.equal(mistakesOf(config), message === null ? 'none' : expected);
  });
}

for (const [path, value, message] of [
  // Unknown and missing keys
  ['colour', 1, 'colour: is unknown here; known are currency, features, plans, subscriptions, credits, ai'],
  ['features', undefined, 'features: must be an object'],
  ['features', [], 'features: must be an object'],
  ['plans', null, 'plans: must be an object with FREE, BASIC, PRO, ENTERPRISE'],
  ['plans/GOLD', {}, 'plans.GOLD: is unknown here; known are FREE, BASIC, PRO, ENTERPRISE'],
  ['plans/FREE', undefined, 'plans.FREE: must be an object with name, features'],
  [
    'plans/BASIC/trial',
    14,
    'plans.BASIC.trial: is unknown here; known are name, price, trialDays, credits, features',
  ],
  [
    `${FREE_POINTS}/limit`,
    5,
    "plans.FREE.features.'ai.points'.limit: is unknown here; known are allowance, per, overage",
  ],
  ['credits', undefined, 'credits: must be an object with expireAfterDays, debt, packs, custom'],
  ['credits/packs', undefined, 'credits.packs: must be an object'],
  ['credits/custom', 5, 'credits.custom: must be an object'],
  [
    'credits/packs/small/bonus',
    1,
    'credits.packs.small.bonus: is unknown here; known are name, credits, price',
  ],
  // Features
  ['features/sso', 'switch', 'features.sso: must be an object with name, type'],
  ['features/sso/type', 'boolean', "features.sso.type: must be 'switch' or 'metered'"],
  ['features/sso/name', ' ', `features.sso.name: ${TEXT}`],
  ['features/sso/name', 'x'.repeat(201), `features.sso.name: ${TEXT}`],
  ['features/sso/whole', true, 'features.sso.whole: is unknown here; known are name, type'],
  ['features/api.calls/whole', 1, "features.'api.calls'.whole: must be true or false"],
  ['features/a b', { name: 'A', type: 'switch' }, `features.'a b': ${CODE}`],
  [`features/${'x'.repeat(65)}`, { name: 'A', type: 'switch' }, `features.${'x'.repeat(65)}: ${CODE}`],
  ['features/ai.points/whole', undefined, POINTS],
  ['features/ai.points/whole', false, POINTS],
  // Plans
  ['plans/FREE/name', undefined, `plans.FREE.name: ${TEXT}`],
  [
    'plans/FREE/price',
    { month: { usd: 1, jpy: 100 } },
    'plans.FREE.price: is unknown here; known are name, features',
  ],
  ['plans/BASIC/price', undefined, 'plans.BASIC.price: must be an object with month, year'],
  ['plans/BASIC/price/week', {}, 'plans.BASIC.price.week: is unknown here; known are month, year'],
  [
    'plans/PRO/price/month',
    undefined,
    'plans.PRO.price.month: must be an object with a price per currency, such as { usd: 10 }',
  ],
  [
    'plans/PRO/contact',
    'x',
    'plans.PRO.contact: is unknown here; known are name, price, trialDays, credits, features',
  ],
  ['plans/ENTERPRISE/contact', undefined, `plans.ENTERPRISE.contact: ${TEXT}`],
  [
    'plans/ENTERPRISE/price',
    {},
    'plans.ENTERPRISE.price: is unknown here; known are name, contact, features',
  ],
  // What plans say about features
  ['plans/PRO/features/saml', true, 'plans.PRO.features.saml: is not among the features of this catalog'],
  [
    'plans/PRO/features/constructor',
    true,
    'plans.PRO.features.constructor: is not among the features of this catalog',
  ],
  [
    'plans/PRO/features/sso',
    { allowance: 1, per: 'day' },
    'plans.PRO.features.sso: must be true, or be left out: it is a switch',
  ],
  ['plans/PRO/features/sso', false, 'plans.PRO.features.sso: must be true, or be left out: it is a switch'],
  [
    FREE_CALLS,
    true,
    "plans.FREE.features.'api.calls': must be an object such as { allowance: 100, per: 'month' }: it is metered",
  ],
  [FREE_CALLS, null, "plans.FREE.features.'api.calls': must be an object with allowance, per, overage"],
  [`${FREE_CALLS}/allowance`, undefined, `plans.FREE.features.'api.calls'.allowance: ${ALLOWANCE}`],
  [`${FREE_CALLS}/allowance`, '100', `plans.FREE.features.'api.calls'.allowance: ${ALLOWANCE}`],
  [`${FREE_CALLS}/allowance`, -1, `plans.FREE.features.'api.calls'.allowance: ${ALLOWANCE}`],
  [`${FREE_CALLS}/allowance`, 0.0000001, `plans.FREE.features.'api.calls'.allowance: ${ALLOWANCE}`],
  [`${FREE_CALLS}/allowance`, 1_000_000_001, `plans.FREE.features.'api.calls'.allowance: ${ALLOWANCE}`],
  [`${FREE_CALLS}/allowance`, Number.NaN, `plans.FREE.features.'api.calls'.allowance: ${ALLOWANCE}`],
  [
    `${FREE_CALLS}/allowance`,
    Number.POSITIVE_INFINITY,
    `plans.FREE.features.'api.calls'.allowance: ${ALLOWANCE}`,
  ],
  [
    `${FREE_CALLS}/allowance`,
    5,
    "plans.FREE.features.'api.calls'.per: must say when the allowance starts anew: day, week, month or forever",
  ],
  [
    `${FREE_CALLS}/per`,
    'hour',
    "plans.FREE.features.'api.calls'.per: must be 'day' or 'week' or 'month' or 'forever'",
  ],
  [
    `${FREE_POINTS}/allowance`,
    0.5,
    "plans.FREE.features.'ai.points'.allowance: must be a whole number: the feature is counted in whole units",
  ],
  [
    `${FREE_POINTS}/allowance`,
    'unlimited',
    "plans.FREE.features.'ai.points'.overage: must be left out: nothing is past an unlimited allowance",
  ],
  [
    `${FREE_CALLS}/overage`,
    'credits',
    "plans.FREE.features.'api.calls'.overage: must be 'block' or a price such as { creditsPerUnit: 1 }",
  ],
  [
    `${FREE_CALLS}/overage`,
    {},
    `plans.FREE.features.'api.calls'.overage.creditsPerUnit: ${ABOVE_ZERO}, up to 10,000`,
  ],
  [
    `${FREE_CALLS}/overage`,
    { creditsPerUnit: 0 },
    `plans.FREE.features.'api.calls'.overage.creditsPerUnit: ${ABOVE_ZERO}, up to 10,000`,
  ],
  // Money
  ['plans/BASIC/price/month/usd', 0, `plans.BASIC.price.month.usd: ${ABOVE_ZERO}`],
  ['plans/BASIC/price/month/usd', 9.999, 'plans.BASIC.price.month.usd: must have at most 2 decimals in usd'],
  [
    'plans/BASIC/price/month/usd',
    0.49,
    'plans.BASIC.price.month.usd: must be at least 0.5: Stripe charges no less in usd',
  ],
  [
    'plans/BASIC/price/month/usd',
    1_000_000,
    'plans.BASIC.price.month.usd: must be at most 999999.99: Stripe charges no more in usd',
  ],
  ['plans/BASIC/price/month/jpy', 1500.5, 'plans.BASIC.price.month.jpy: must have no decimals in jpy'],
  ['plans/BASIC/price/month/jpy', undefined, `plans.BASIC.price.month: must also have jpy: ${SAME}`],
  ['plans/BASIC/price/month/USD', 10, `plans.BASIC.price.month.USD: ${NO_CURRENCY}`],
  ['plans/BASIC/price/month/btc', 10, `plans.BASIC.price.month.btc: ${NO_CURRENCY}`],
  ['currency', 'eur', 'currency: must be a currency, one that has prices: usd, jpy'],
  ['currency', undefined, 'currency: must be a currency, one that has prices: usd, jpy'],
  // Credits
  ['plans/PRO/trialDays', 0, 'plans.PRO.trialDays: must be a whole number of days from 1 to 730'],
  ['plans/PRO/trialDays', 1.5, 'plans.PRO.trialDays: must be a whole number of days from 1 to 730'],
  ['plans/PRO/credits', 0, `plans.PRO.credits: ${ABOVE_ZERO}, up to 1,000,000,000`],
  ['plans/FREE/credits', 5, 'plans.FREE.credits: is unknown here; known are name, features'],
  [
    'subscriptions',
    { graceDays: -1 },
    'subscriptions.graceDays: must be a whole number of days from 0 to 90',
  ],
  ['subscriptions', 7, 'subscriptions: must be an object with graceDays'],
  ['credits/expireAfterDays', undefined, `credits.expireAfterDays: ${DAYS}`],
  ['credits/expireAfterDays', 0, `credits.expireAfterDays: ${DAYS}`],
  ['credits/expireAfterDays', 1.5, `credits.expireAfterDays: ${DAYS}`],
  ['credits/debt', 'forgive', "credits.debt: must be 'next_purchase' or 'keep'"],
  ['credits/packs/small/credits', 0, `credits.packs.small.credits: ${ABOVE_ZERO}, up to 1,000,000,000`],
  [
    'credits/packs/small/price',
    10,
    'credits.packs.small.price: must be an object with a price per currency, such as { usd: 10 }',
  ],
  ['credits/packs/-', { name: 'A', credits: 1, price: { usd: 1, jpy: 100 } }, `credits.packs.'-': ${CODE}`],
  ['credits/custom/jpy', undefined, `credits.custom: must also have jpy: ${SAME}`],
  [
    'credits/custom/usd/min',
    0.1,
    'credits.custom.usd.min: must be at least 0.5: Stripe charges no less in usd',
  ],
  ['credits/custom/usd/max', 4, 'credits.custom.usd.max: must not be below min'],
  [
    'credits/custom/usd/creditsPerUnit',
    2_000_001,
    'credits.custom.usd.max: must not buy more than 1,000,000,000 credits at once',
  ],
] as const) {
  test(`${path} as ${JSON.stringify(value)} is refused: ${message}`, () => {
    assert.equal(mistakesOf(spoil(at(path), value)), message);
  });
}

for (const value of [undefined, null, 1, 'text', [], () => ({})]) {
  test(`a catalog that is ${typeof value === 'object' ? JSON.stringify(value) : typeof value} is refused`, () => {
    assert.equal(
      mistakesOf(value),
      'the catalog must be an object with currency, features, plans, subscriptions, credits, ai',
    );
  });
}

test('all mistakes are named at once, and none hides another', () => {
  const config = [
    ['features/api.calls/type', 'counted'],
    ['plans/FREE/extra', 1],
    ['plans/FREE/features/sso', 1],
    ['plans/PRO/price/month/usd', '20'],
    ['credits/packs/small/price/jpy', 1.5],
  ].reduce((config, [path, value]) => spoil(at(String(path)), value, config), sampleConfig());
  assert.equal(
    mistakesOf(config),
    [
      '5 mistakes',
      "  features.'api.calls'.type: must be 'switch' or 'metered'",
      '  plans.FREE.extra: is unknown here; known are name, features',
      '  plans.FREE.features.sso: must be true, or be left out: it is a switch',
      `  plans.PRO.price.month.usd: ${ABOVE_ZERO}`,
      '  credits.packs.small.price.jpy: must have no decimals in jpy',
    ].join('\n'),
  );
});

test('what was written becomes exact amounts, with defaults filled in', () => {
  const { version, ...catalog } = parseCatalog(sampleConfig());
  const block = { type: 'block' };
  assert.match(version, /^cat_[0-9a-f]{12}$/);
  assert.deepEqual(catalog.features.get('api.calls'), {
    code: 'api.calls',
    name: 'API calls',
    type: 'metered',
    whole: false,
  });
  assert.deepEqual([...catalog.plans.keys()], ['FREE', 'BASIC', 'PRO', 'ENTERPRISE']);
  assert.deepEqual(
    [...catalog.plans.values()].map((terms) => terms.meters.get('api.calls')),
    [
      { allowance: 0n, window: 'month', overage: { type: 'credits', creditsPerUnit: 500_000n } },
      { allowance: 2_500_000n, window: 'day', overage: block },
      { allowance: 10_000_000n, window: 'forever', overage: block },
      { allowance: null, window: 'month', overage: block },
    ],
  );
  assert.deepEqual(catalog.plans.get('PRO')!.switches, new Set(['sso']));
  assert.equal(catalog.plans.get('PRO')!.prices.year.get('usd'), 199_990_000n);
  assert.equal(catalog.plans.get('BASIC')!.prices.year.size, 0);
  assert.equal(catalog.plans.get('ENTERPRISE')!.contact, 'sales@example.com');
  assert.deepEqual(
    [...catalog.packs.get('small')!.prices],
    [
      ['usd', 10_000_000n],
      ['jpy', 1_500_000_000n],
    ],
  );
  assert.equal(catalog.customCredits.get('jpy')!.creditsPerUnit, 650_000n);
  assert.equal(catalog.creditsExpireAfterDays, 365);
  assert.equal(catalog.creditsDebt, 'next_purchase');
});

test('a catalog can be as small as one free plan', () => {
  const { features } = sampleConfig();
  const catalog = parseCatalog({
    currency: 'usd',
    features,
    plans: { FREE: { name: 'Free', features: {} } },
    credits: { expireAfterDays: null, packs: {} },
  });
  assert.deepEqual([...catalog.plans.keys()], ['FREE']);
  assert.equal(catalog.customCredits.size, 0);
});

test('the catalog that comes with Tollgate is correct', () => {
  assert.equal(mistakesOf(defaultConfig), 'none');
});

test('a version names the content: the order of keys does not matter', () => {
  const reversed = (value: unknown): unknown =>
    typeof value !== 'object' || value === null
      ? value
      : Object.fromEntries(
          Object.entries(value)
            .reverse()
            .map(([key, entry]) => [key, reversed(entry)]),
        );
  const { version } = parseCatalog(sampleConfig());
  assert.equal(parseCatalog(reversed(sampleConfig())).version, version);
  assert.equal(parseCatalog(JSON.parse(JSON.stringify(sampleConfig()))).version, version);
});

for (const [path, value] of [
  ['currency', 'jpy'],
  ['features/sso/name', 'SSO'],
  ['features/api.calls/whole', undefined],
  ['plans/ENTERPRISE', undefined],
  ['plans/ENTERPRISE/features/sso', undefined],
  [`${FREE_POINTS}/allowance`, 201],
  [`${FREE_POINTS}/per`, 'week'],
  [`${FREE_CALLS}/overage`, 'block'],
  ['plans/PRO/price/year/usd', 199.98],
  ['credits/expireAfterDays', null],
  ['plans/PRO/trialDays', 14],
  ['plans/PRO/credits', 500.5],
  ['subscriptions', { graceDays: 0 }],
  ['credits/debt', 'keep'],
  ['credits/packs/small/credits', 1001],
  ['credits/custom/usd/max', 501],
] as const) {
  const same = path === 'features/api.calls/whole'; // it is false anyway
  test(`${path} as ${JSON.stringify(value)} makes ${same ? 'the same' : 'another'} version`, () => {
    const { version } = parseCatalog(sampleConfig());
    assert.equal(parseCatalog(spoil(at(path), value)).version === version, same);
  });
}
