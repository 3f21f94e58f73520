import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type Stripe from 'stripe';
import { sampleConfig } from '../../../test/fixtures/catalog.ts';
import { type Fault, openWire, type Wire } from '../../../test/wire.ts';
import type { CatalogConfig } from '../../catalog/config.ts';
import { parseCatalog } from '../../catalog/parse.ts';
import { Refusal } from '../../lib/errors.ts';
import { connect, useSimulator } from '../../simulator/testing.ts';
import { findDrift, pushCatalog } from './push.ts';

/** An account at the simulator, seen through a wire that counts and breaks; nothing is tried twice by the client. */
async function useAccount(t: TestContext): Promise<{ stripe: Stripe; wire: Wire }> {
  const { simulator } = await useSimulator(t);
  const wire = await openWire(simulator.url);
  t.after(() => wire.stop());
  return { stripe: connect(wire.url), wire };
}

async function push(stripe: Stripe, config: CatalogConfig, dryRun = false): Promise<string[]> {
  const lines: string[] = [];
  await pushCatalog(stripe, parseCatalog(config), { dryRun, say: (line) => void lines.push(line) });
  return lines;
}

const driftOf = (stripe: Stripe, config: CatalogConfig) => findDrift(stripe, parseCatalog(config));
const writesOf = ({ calls }: Wire) => calls.filter((call) => !call.startsWith('GET'));

/** All that the account has, without the ids that Stripe has chosen. */
async function everything(stripe: Stripe) {
  const products = await stripe.products.list({ limit: 100 }).autoPagingToArray({ limit: 10_000 });
  const prices = await stripe.prices.list({ limit: 100 }).autoPagingToArray({ limit: 10_000 });
  return {
    products: products
      .map(({ id, name, active }) => `${id} ${name} ${active ? 'on sale' : 'archived'}`)
      .sort(),
    prices: prices
      .map(({ product, lookup_key: key, unit_amount: amount, currency, recurring, active }) =>
        [product, key, amount, currency, recurring?.interval ?? 'once', active ? 'on sale' : 'archived'].join(
          ' ',
        ),
      )
      .sort(),
  };
}

async function priceOf(stripe: Stripe, key: string): Promise<Stripe.Price> {
  const { data } = await stripe.prices.list({ lookup_keys: [key] });
  return data[0]!;
}

/** The sample, a month later: a plan is renamed and dearer, another one and the pack are gone, a new pack is there. */
function laterConfig(): CatalogConfig {
  const config = sampleConfig();
  delete config.plans.BASIC;
  config.plans.PRO!.name = 'Professional';
  config.plans.PRO!.price.month.usd = 25;
  config.credits.packs = { large: { name: '9,000 credits', credits: 9000, price: { usd: 80, jpy: 12000 } } };
  return config;
}

const SAMPLE = {
  products: [
    'tollgate_pack_small 1,000 credits on sale',
    'tollgate_plan_BASIC Basic on sale',
    'tollgate_plan_PRO Pro on sale',
  ],
  prices: [
    'tollgate_pack_small tollgate_pack_small_jpy 1500 jpy once on sale',
    'tollgate_pack_small tollgate_pack_small_usd 1000 usd once on sale',
    'tollgate_plan_BASIC tollgate_BASIC_month_jpy 1500 jpy month on sale',
    'tollgate_plan_BASIC tollgate_BASIC_month_usd 1000 usd month on sale',
    'tollgate_plan_PRO tollgate_PRO_month_jpy 3000 jpy month on sale',
    'tollgate_plan_PRO tollgate_PRO_month_usd 2000 usd month on sale',
    'tollgate_plan_PRO tollgate_PRO_year_jpy 30000 jpy year on sale',
    'tollgate_plan_PRO tollgate_PRO_year_usd 19999 usd year on sale',
  ],
};

const LATER = {
  products: [
    'tollgate_pack_large 9,000 credits on sale',
    'tollgate_pack_small 1,000 credits archived',
    'tollgate_plan_BASIC Basic archived',
    'tollgate_plan_PRO Professional on sale',
  ],
  prices: [
    'tollgate_pack_large tollgate_pack_large_jpy 12000 jpy once on sale',
    'tollgate_pack_large tollgate_pack_large_usd 8000 usd once on sale',
    'tollgate_pack_small tollgate_pack_small_jpy 1500 jpy once archived',
    'tollgate_pack_small tollgate_pack_small_usd 1000 usd once archived',
    'tollgate_plan_BASIC tollgate_BASIC_month_jpy 1500 jpy month archived',
    'tollgate_plan_BASIC tollgate_BASIC_month_usd 1000 usd month archived',
    'tollgate_plan_PRO  2000 usd month archived',
    'tollgate_plan_PRO tollgate_PRO_month_jpy 3000 jpy month on sale',
    'tollgate_plan_PRO tollgate_PRO_month_usd 2500 usd month on sale',
    'tollgate_plan_PRO tollgate_PRO_year_jpy 30000 jpy year on sale',
    'tollgate_plan_PRO tollgate_PRO_year_usd 19999 usd year on sale',
  ],
};

test('a first push makes every product and price; a second one says that nothing differs, and writes nothing', async (t) => {
  const { stripe, wire } = await useAccount(t);
  const lines = await push(stripe, sampleConfig());
  assert.deepEqual(await everything(stripe), SAMPLE);
  assert.equal(lines[0], 'tollgate_plan_BASIC is missing: create the product "Basic"');
  assert.equal(lines[3], 'tollgate_BASIC_month_usd is missing: create the price 10 usd per month');
  assert.equal(lines.at(-1), 'Done: 11 changes.');
  wire.calls.length = 0;
  assert.deepEqual(await push(stripe, sampleConfig()), ['Nothing differs.']);
  assert.deepEqual(await driftOf(stripe, sampleConfig()), []);
  assert.deepEqual(writesOf(wire), []);
});

test('a dry run and a check say what differs, and write nothing', async (t) => {
  const { stripe, wire } = await useAccount(t);
  await push(stripe, sampleConfig());
  wire.calls.length = 0;
  const lines = await push(stripe, laterConfig(), true);
  assert.deepEqual(lines.slice(-1), ['Nothing was changed.']);
  assert.equal(lines.length, 13);
  assert.deepEqual(await driftOf(stripe, laterConfig()), [
    'tollgate_plan_PRO is named "Pro" in Stripe, "Professional" in the catalog',
    'tollgate_pack_large is missing',
    'tollgate_PRO_month_usd is 20 usd per month in Stripe, 25 usd per month in the catalog',
    'tollgate_pack_large_usd is missing',
    'tollgate_pack_large_jpy is missing',
    'tollgate_pack_small is not in the catalog',
    'tollgate_plan_BASIC is not in the catalog',
    'tollgate_pack_small_jpy is not in the catalog',
    'tollgate_pack_small_usd is not in the catalog',
    'tollgate_BASIC_month_jpy is not in the catalog',
    'tollgate_BASIC_month_usd is not in the catalog',
  ]);
  assert.deepEqual(writesOf(wire), []);
  assert.deepEqual(await everything(stripe), SAMPLE);
});

test('another price, another name, what is new and what is gone: pushed, and back again, each price made once', async (t) => {
  const { stripe } = await useAccount(t);
  await push(stripe, sampleConfig());
  const before = await priceOf(stripe, 'tollgate_PRO_month_usd');
  await push(stripe, laterConfig());
  assert.deepEqual(await everything(stripe), LATER);
  assert.deepEqual((await stripe.prices.retrieve(before.id)).unit_amount, 2000);

  await push(stripe, sampleConfig());
  assert.equal((await priceOf(stripe, 'tollgate_PRO_month_usd')).id, before.id);
  await push(stripe, laterConfig());
  assert.deepEqual(await everything(stripe), LATER);
});

test('what others made is never touched, not even under our products', async (t) => {
  const { stripe } = await useAccount(t);
  await push(stripe, sampleConfig());
  const mug = await stripe.products.create({ name: 'A mug' });
  const others = [
    await stripe.prices.create({ product: mug.id, currency: 'usd', unit_amount: 900, lookup_key: 'mug' }),
    await stripe.prices.create({ product: 'tollgate_plan_BASIC', currency: 'usd', unit_amount: 1 }),
    await stripe.prices.create({
      product: 'tollgate_plan_PRO',
      currency: 'usd',
      unit_amount: 1700,
      recurring: { interval: 'month' },
      lookup_key: 'for_friends',
    }),
  ];
  await push(stripe, laterConfig());
  for (const other of others) assert.deepEqual(await stripe.prices.retrieve(other.id), other);
  assert.deepEqual(await stripe.products.retrieve(mug.id), mug);
});

test('a lookup key that a price of others has is not taken from it', async (t) => {
  const { stripe } = await useAccount(t);
  const mug = await stripe.products.create({ name: 'A mug' });
  const other = await stripe.prices.create({
    product: mug.id,
    currency: 'usd',
    unit_amount: 900,
    lookup_key: 'tollgate_PRO_month_usd',
  });
  await assert.rejects(push(stripe, sampleConfig()), (error) => {
    assert.ok(error instanceof Refusal && error.code === 'provider_error');
    assert.match(error.message, new RegExp(`A price \\(\`${other.id}\`\\) already uses that lookup key`));
    return true;
  });
  assert.deepEqual(await stripe.prices.retrieve(other.id), other);
});

test('what was changed by hand is reported and repaired, also when it happens again on the same day', async (t) => {
  const { stripe } = await useAccount(t);
  await push(stripe, sampleConfig());
  const [basic, year, pack] = [
    await priceOf(stripe, 'tollgate_BASIC_month_usd'),
    await priceOf(stripe, 'tollgate_PRO_year_usd'),
    await priceOf(stripe, 'tollgate_pack_small_usd'),
  ];
  for (let time = 0; time < 3; time++) {
    await stripe.products.update('tollgate_plan_PRO', { name: 'Gold' });
    await stripe.products.update('tollgate_pack_small', { active: false });
    await stripe.prices.update(basic.id, { active: false });
    await stripe.prices.update(year.id, { lookup_key: '' });
    const cheap = await stripe.prices.create({
      product: 'tollgate_pack_small',
      currency: 'usd',
      unit_amount: 1,
      lookup_key: 'tollgate_pack_small_usd',
      transfer_lookup_key: true,
    });
    assert.deepEqual(await driftOf(stripe, sampleConfig()), [
      'tollgate_plan_PRO is named "Gold" in Stripe, "Pro" in the catalog',
      'tollgate_pack_small is archived',
      'tollgate_BASIC_month_usd is archived',
      `tollgate_PRO_year_usd is not the lookup key of ${year.id} any more`,
      'tollgate_pack_small_usd is 0.01 usd once in Stripe, 10 usd once in the catalog',
    ]);
    await push(stripe, sampleConfig());
    assert.deepEqual(await driftOf(stripe, sampleConfig()), []);
    assert.equal((await priceOf(stripe, 'tollgate_pack_small_usd')).id, pack.id);
    const { lookup_key: key, active } = await stripe.prices.retrieve(cheap.id);
    assert.deepEqual([key, active], [null, false], 'a price of our product that has our key counts as ours');
  }
});

for (const [what, made, answered, told] of [
  ['another interval', { interval: 'month', interval_count: 3 }, {}, '20 usd per 3 months'],
  ['one payment', null, {}, '20 usd once'],
  [
    'tiers',
    { interval: 'month' },
    { billing_scheme: 'tiered', unit_amount: null },
    'no fixed amount in usd per month',
  ],
  [
    'a price for ten at once',
    { interval: 'month' },
    { transform_quantity: { divide_by: 10, round: 'up' } },
    'no fixed amount in usd per month',
  ],
] as [string, Stripe.PriceCreateParams.Recurring | null, object, string][]) {
  test(`a price by hand under our key that has ${what} differs, and gives way`, async (t) => {
    const { stripe, wire } = await useAccount(t);
    await push(stripe, sampleConfig());
    const byHand = await stripe.prices.create({
      product: 'tollgate_plan_PRO',
      currency: 'usd',
      unit_amount: 2000,
      ...(made === null ? {} : { recurring: made }),
      lookup_key: 'tollgate_PRO_month_usd',
      transfer_lookup_key: true,
    });
    const change = (list: Listed) => withFirst(list, answered);
    const prices = /GET .*product=tollgate_plan_PRO/; // newest first
    wire.fail(prices, { change }, { change });
    assert.deepEqual(await driftOf(stripe, sampleConfig()), [
      `tollgate_PRO_month_usd is ${told} in Stripe, 20 usd per month in the catalog`,
    ]);
    await push(stripe, sampleConfig());
    assert.equal((await stripe.prices.retrieve(byHand.id)).active, false);
    assert.deepEqual(await driftOf(stripe, sampleConfig()), []);
  });
}

test('what does not come true, however often it is asked for, is said', async (t) => {
  const { stripe, wire } = await useAccount(t);
  await push(stripe, sampleConfig());
  const change = (list: Listed) => withFirst(list, { name: 'Gold' });
  wire.fail(/GET .v1.products/, ...Array<Fault>(20).fill({ change }));
  await assert.rejects(
    push(stripe, sampleConfig()),
    /Stripe still differs from the catalog: it keeps answering/,
  );
});

test('what was deleted by hand is made anew, although Stripe answers from memory that it is there', async (t) => {
  const { stripe, wire } = await useAccount(t);
  wire.fail(/POST .v1.prices/, { status: 502 });
  await assert.rejects(push(stripe, sampleConfig()), Refusal);
  const made = ['tollgate_plan_BASIC', 'tollgate_plan_PRO', 'tollgate_pack_small'];
  for (const id of made) await stripe.products.del(id);
  wire.calls.length = 0;
  await push(stripe, sampleConfig());
  assert.deepEqual(await everything(stripe), SAMPLE);
  const creations = wire.calls.filter((call) => call === 'POST /v1/products');
  assert.equal(creations.length, 2 * made.length, 'the first three made nothing');
});

test('a default price gives way to its successor, and to none where nothing follows', async (t) => {
  const { stripe } = await useAccount(t);
  await push(stripe, sampleConfig());
  for (const [product, key] of [
    ['tollgate_plan_PRO', 'tollgate_PRO_month_usd'],
    ['tollgate_plan_BASIC', 'tollgate_BASIC_month_usd'],
  ] as const) {
    await stripe.products.update(product, { default_price: (await priceOf(stripe, key)).id });
  }
  const lines = await push(stripe, laterConfig());
  assert.deepEqual(await everything(stripe), LATER);
  const successor = await priceOf(stripe, 'tollgate_PRO_month_usd');
  assert.ok(lines.includes(`tollgate_plan_PRO: make ${successor.id} its default price`));
  assert.equal((await stripe.products.retrieve('tollgate_plan_PRO')).default_price, successor.id);
  assert.equal((await stripe.products.retrieve('tollgate_plan_BASIC')).default_price, null);
});

test('250 prices are pushed and read a page at a time', async (t) => {
  const { stripe, wire } = await useAccount(t);
  const config = sampleConfig();
  config.credits.packs = Object.fromEntries(
    Array.from({ length: 122 }, (_, i) => [
      `pack_${i}`,
      { name: `Pack ${i}`, credits: i + 1, price: { usd: i + 1, jpy: 100 * (i + 1) } },
    ]),
  );
  await push(stripe, config);
  const { products, prices } = await everything(stripe);
  assert.deepEqual([products.length, new Set(prices).size, prices.length], [124, 250, 250]);
  wire.calls.length = 0;
  assert.deepEqual(await push(stripe, config), ['Nothing differs.']);
  assert.equal(wire.calls.filter((call) => /prices\?.*active=true/.test(call)).length, 3);
  assert.equal(wire.calls.filter((call) => call.includes('/v1/products?')).length, 2);
});

test('two pushes at once make everything once', async (t) => {
  const { stripe } = await useAccount(t);
  await Promise.all([push(stripe, sampleConfig()), push(stripe, sampleConfig())]);
  assert.deepEqual(await everything(stripe), SAMPLE);
  await Promise.all([push(stripe, laterConfig()), push(stripe, laterConfig())]);
  assert.deepEqual(await everything(stripe), LATER);
});

const undisturbed: Fault = { change: (answer) => answer };
for (const [what, faults] of [
  ['is refused by something in between', [{ status: 502 }]],
  ['is done, and its answer is lost for good', [{ lose: 'cut' }, { status: 502 }]],
] as [string, Fault[]][]) {
  test(`whichever call ${what}, a second push does the rest, and nothing is there twice`, async (t) => {
    for (let broken = 1; ; broken++) {
      const { stripe, wire } = await useAccount(t);
      await push(stripe, sampleConfig());
      wire.calls.length = 0;
      wire.fail(/./, ...Array<Fault>(broken - 1).fill(undisturbed), ...faults);
      const isCutOff = await push(stripe, laterConfig()).then(
        () => false,
        (error) => {
          assert.ok(error instanceof Refusal && error.code === 'provider_unavailable', String(error));
          return true;
        },
      );
      if (!isCutOff) {
        assert.ok(broken > 15, `${broken} calls`); // every call of a push was broken once
        break;
      }
      await push(connect(wire.url), laterConfig());
      assert.deepEqual(await everything(stripe), LATER, `call ${broken}: ${wire.calls[broken - 1]}`);
      wire.calls.length = 0;
      assert.deepEqual(await push(stripe, laterConfig()), ['Nothing differs.']);
      assert.deepEqual(writesOf(wire), []);
    }
  });
}

test('too many calls, and answers that break off, are asked again, and made once', async (t) => {
  const { stripe, wire } = await useAccount(t);
  wire.fail(/GET/, { status: 429 });
  wire.fail(/POST \/v1\/products/, { status: 429 }, { lose: 'cut' });
  wire.fail(/POST \/v1\/prices/, { lose: 'cut' }, undisturbed, { status: 429 });
  await push(stripe, sampleConfig());
  assert.deepEqual(await everything(stripe), SAMPLE);
});

for (const [what, match, change] of [
  ['a list that is none', /GET \/v1\/prices/, () => ({ object: 'customer', id: 'cus_1' })],
  [
    'a list of something else',
    /GET \/v1\/prices/,
    (list: object) => ({ ...list, data: [{ object: 'customer' }] }),
  ],
  ['pages without end', /GET \/v1\/products/, (list: object) => ({ ...list, data: [], has_more: true })],
  ['a product without a name', /GET \/v1\/products/, (list: Listed) => withFirst(list, { name: null })],
  ['a price without a currency', /GET .*product=/, (list: Listed) => withFirst(list, { currency: null })],
  ['another product', /POST \/v1\/products/, (product: object) => ({ ...product, id: 'prod_other' })],
  ['another amount', /POST \/v1\/prices$/, (price: object) => ({ ...price, unit_amount: 1 })],
  ['another object', /POST \/v1\/prices\//, (price: object) => ({ ...price, object: 'customer' })],
] as [string, RegExp, (answer: never) => unknown][]) {
  test(`an answer that is not the object asked for is an error: ${what}`, async (t) => {
    const { stripe, wire } = await useAccount(t);
    await push(stripe, sampleConfig());
    wire.fail(match, { change });
    await assert.rejects(push(stripe, laterConfig()), (error) => {
      assert.ok(error instanceof Refusal && error.code === 'provider_error', String(error));
      assert.match(error.message, /^Stripe answered with something else than the .* that was asked for\.$/);
      return true;
    });
  });
}

type Listed = { data: object[] };

function withFirst({ data: [first, ...others], ...list }: Listed, more: object): object {
  return { ...list, data: [{ ...first, ...more }, ...others] };
}
