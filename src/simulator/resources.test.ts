import assert from 'node:assert/strict';
import { test } from 'node:test';
import Stripe from 'stripe';
import { connect, refusalOf, useSimulator } from './testing.ts';

test('a customer is created, read, changed and deleted', async (t) => {
  const { stripe } = await useSimulator(t);
  const created = await stripe.customers.create({
    email: 'ada@example.com',
    address: { city: 'London', country: 'GB' },
    metadata: { user: '7', team: 'x' },
  });
  assert.match(created.id, /^cus_\w{14}$/);
  assert.equal(created.livemode, false);
  assert.equal(created.address?.city, 'London');
  const changed = await stripe.customers.update(created.id, { name: 'Ada', metadata: { team: '' } });
  assert.deepEqual(
    [changed.name, changed.email, changed.metadata],
    ['Ada', 'ada@example.com', { user: '7' }],
  );
  assert.deepEqual(await stripe.customers.retrieve(created.id), changed);
  const deleted = await stripe.customers.del(created.id);
  assert.deepEqual({ ...deleted }, { id: created.id, object: 'customer', deleted: true });
  const read = await stripe.customers.retrieve(created.id);
  assert.equal(read.deleted, true);
  assert.equal(
    (await refusalOf(stripe.customers.update(created.id, { name: 'B' }))).code,
    'resource_missing',
  );
});

test('an empty metadata clears it all', async (t) => {
  const { stripe } = await useSimulator(t);
  const { id } = await stripe.customers.create({ metadata: { a: '1' } });
  assert.deepEqual((await stripe.customers.update(id, { metadata: '' })).metadata, {});
});

test('lists go newest first, in pages, forward and back', async (t) => {
  const { stripe } = await useSimulator(t);
  const ids: string[] = [];
  for (let i = 0; i < 25; i++)
    ids.unshift((await stripe.customers.create({ email: `u${i}@example.com` })).id);
  const first = await stripe.customers.list();
  assert.deepEqual([first.data.map(({ id }) => id), first.has_more], [ids.slice(0, 10), true]);
  const last = await stripe.customers.list({ limit: 10, starting_after: ids[19]! });
  assert.deepEqual([last.data.map(({ id }) => id), last.has_more], [ids.slice(20), false]);
  const back = await stripe.customers.list({ limit: 3, ending_before: ids[4]! });
  assert.deepEqual([back.data.map(({ id }) => id), back.has_more], [ids.slice(1, 4), true]);
  const all: string[] = [];
  for await (const { id } of stripe.customers.list({ limit: 7 })) all.push(id);
  assert.deepEqual(all, ids);
  assert.deepEqual(
    (await stripe.customers.list({ email: 'u3@example.com' })).data.map(({ id }) => id),
    [ids[21]],
  );
});

test('lists are filtered by when things were created', async (t) => {
  let now = new Date('2026-11-01T00:00:00Z');
  const { stripe } = await useSimulator(t, { clock: { now: () => now } });
  const early = await stripe.customers.create({});
  now = new Date('2026-11-02T00:00:00Z');
  const late = await stripe.customers.create({});
  const ids = async (created: Stripe.RangeQueryParam | number) =>
    (await stripe.customers.list({ created })).data.map(({ id }) => id);
  assert.deepEqual(await ids({ gt: early.created }), [late.id]);
  assert.deepEqual(await ids({ gte: early.created, lt: late.created }), [early.id]);
  assert.deepEqual(await ids({ lte: late.created }), [late.id, early.id]);
  assert.deepEqual(await ids(early.created), [early.id]);
});

test('a product and its prices: created, found by lookup key, changed; a used product stays', async (t) => {
  const { stripe } = await useSimulator(t);
  const product = await stripe.products.create({ name: 'Credits', metadata: { pack: 's' } });
  const price = await stripe.prices.create({
    product: product.id,
    currency: 'USD',
    unit_amount: 1050,
    lookup_key: 'pack_s',
  });
  assert.deepEqual(
    [price.currency, price.type, price.unit_amount_decimal?.toString()],
    ['usd', 'one_time', '1050'],
  );
  const found = await stripe.prices.list({ lookup_keys: ['pack_s', 'other'], expand: ['data.product'] });
  const foundProduct = found.data[0]?.product;
  assert.ok(typeof foundProduct === 'object' && foundProduct.id === product.id);
  await stripe.products.update(product.id, { default_price: price.id, description: 'many' });
  const expanded = await stripe.products.retrieve(product.id, { expand: ['default_price'] });
  assert.ok(typeof expanded.default_price === 'object' && expanded.default_price?.id === price.id);
  assert.match((await refusalOf(stripe.products.del(product.id))).message, /one or more user-created prices/);
  const archiving = () => stripe.prices.update(price.id, { active: false });
  assert.match((await refusalOf(archiving())).message, /it is the default price of its product/);
  assert.equal((await stripe.products.update(product.id, { default_price: '' })).default_price, null);
  assert.equal((await archiving()).active, false);
  assert.deepEqual((await stripe.prices.list({ active: true })).data, []);
  const unused = await stripe.products.create({ id: 'unused', name: 'Unused' });
  assert.equal((await stripe.products.del(unused.id)).deleted, true);
  assert.equal((await refusalOf(stripe.products.retrieve('unused'))).statusCode, 404);
});

test('a lookup key moves to another price only when that is asked for', async (t) => {
  const { stripe } = await useSimulator(t);
  const params = { product_data: { name: 'Pro' }, currency: 'eur', unit_amount: 2000, lookup_key: 'pro' };
  const first = await stripe.prices.create({ ...params, recurring: { interval: 'year' } });
  assert.deepEqual([first.type, first.recurring?.interval_count], ['recurring', 1]);
  assert.match((await refusalOf(stripe.prices.create(params))).message, /already uses that lookup key/);
  const second = await stripe.prices.create({ ...params, transfer_lookup_key: true });
  assert.equal(second.lookup_key, 'pro');
  assert.equal((await stripe.prices.retrieve(first.id)).lookup_key, null);
});

test('products are listed by id, in both states; prices by product, interval, type, currency and state', async (t) => {
  const { stripe } = await useSimulator(t);
  for (const id of ['pro', 'pack', 'other']) await stripe.products.create({ id, name: id });
  await stripe.products.update('pack', { active: false });
  const idsOf = ({ data }: Stripe.ApiList<{ id: string }>) => data.map(({ id }) => id);
  assert.deepEqual(idsOf(await stripe.products.list({ ids: ['pro', 'pack', 'none'] })), ['pack', 'pro']);
  assert.deepEqual(idsOf(await stripe.products.list({ active: true })), ['other', 'pro']);
  const refusal = await refusalOf(stripe.products.list({ ids: ['pro', 'pack'], starting_after: 'pack' }));
  assert.deepEqual([refusal.statusCode, refusal.param], [400, 'ids']);

  const price = async (product: string, currency: string, interval?: 'month' | 'year') =>
    (
      await stripe.prices.create({
        product,
        currency,
        unit_amount: 1000,
        ...(interval === undefined ? {} : { recurring: { interval } }),
      })
    ).id;
  const [month, year, once, old] = [
    await price('pro', 'usd', 'month'),
    await price('pro', 'eur', 'year'),
    await price('pack', 'usd'),
    await price('pro', 'usd', 'month'),
  ];
  await stripe.prices.update(old, { active: false });
  for (const [params, found] of [
    [{ product: 'pro' }, [old, year, month]],
    [{ product: 'pro', active: true }, [year, month]],
    [{ active: false }, [old]],
    [{ type: 'one_time' }, [once]],
    [{ currency: 'eur' }, [year]],
    [{ recurring: { interval: 'month' } }, [old, month]],
    [{ recurring: { interval: 'year', usage_type: 'licensed' } }, [year]],
    [{ recurring: { usage_type: 'metered' } }, []],
    [{ recurring: { meter: 'mtr_1' } }, []],
  ] as const) {
    assert.deepEqual(idsOf(await stripe.prices.list(params)), found, JSON.stringify(params));
  }
});

test('a lookup key moves by an update, too, and 250 prices are read a page at a time', async (t) => {
  const { stripe } = await useSimulator(t);
  await stripe.products.create({ id: 'pro', name: 'Pro' });
  const create = (key: string) =>
    stripe.prices.create({ product: 'pro', currency: 'usd', unit_amount: 100, lookup_key: key });
  const made: string[] = [];
  for (let i = 0; i < 250; i++) made.unshift((await create(`key_${i}`)).id);
  const read: string[] = [];
  for await (const { id } of stripe.prices.list({ product: 'pro', limit: 100 })) read.push(id);
  assert.deepEqual(read, made);
  const [last, first] = [made[0]!, made[249]!];
  const moving = { lookup_key: 'key_0' };
  assert.match((await refusalOf(stripe.prices.update(last, moving))).message, /already uses that lookup key/);
  await stripe.prices.update(last, { ...moving, transfer_lookup_key: true });
  const holding = await stripe.prices.list({ lookup_keys: ['key_0', 'key_249'] });
  assert.deepEqual(
    holding.data.map(({ id }) => id),
    [last],
  );
  assert.equal((await stripe.prices.retrieve(first)).lookup_key, null);
});

const badCalls: [string, (stripe: Stripe) => Promise<unknown>, string, string | undefined][] = [
  [
    'an unknown parameter',
    (s) => s.rawRequest('POST', '/v1/customers', { colour: 'red' }),
    'colour',
    'parameter_unknown',
  ],
  [
    'an unknown parameter inside another',
    (s) =>
      s.rawRequest('POST', '/v1/prices', {
        currency: 'usd',
        unit_amount: 1,
        product_data: { name: 'a', size: 1 },
      }),
    'product_data[size]',
    'parameter_unknown',
  ],
  ['a missing parameter', (s) => s.rawRequest('POST', '/v1/products', {}), 'name', 'parameter_missing'],
  [
    'an empty value',
    (s) => s.rawRequest('POST', '/v1/products', { name: '' }),
    'name',
    'parameter_invalid_empty',
  ],
  ['a limit of 0', (s) => s.customers.list({ limit: 0 }), 'limit', 'parameter_invalid_integer'],
  ['a limit of 101', (s) => s.customers.list({ limit: 101 }), 'limit', 'parameter_invalid_integer'],
  [
    'a cursor that is nobody',
    (s) => s.customers.list({ starting_after: 'cus_x' }),
    'starting_after',
    'resource_missing',
  ],
  [
    'an amount with decimals',
    (s) => s.prices.create({ currency: 'usd', product: 'p', unit_amount: 1.5 }),
    'unit_amount',
    'parameter_invalid_integer',
  ],
  [
    'a currency that is none',
    (s) => s.prices.create({ currency: 'xyz', product: 'p', unit_amount: 1 }),
    'currency',
    undefined,
  ],
  [
    'a price of no product',
    (s) => s.prices.create({ currency: 'usd', product: 'p', unit_amount: 1 }),
    'product',
    'resource_missing',
  ],
  [
    'prices by a field of recurring that is none',
    (s) => s.rawRequest('GET', '/v1/prices?recurring[colour]=red'),
    'recurring[colour]',
    'parameter_unknown',
  ],
  [
    'prices by an interval that is none',
    (s) => s.prices.list({ recurring: { interval: 'hour' } }),
    'recurring[interval]',
    undefined,
  ],
  [
    'prices by eleven lookup keys',
    (s) => s.prices.list({ lookup_keys: Array.from({ length: 11 }, (_, i) => `key_${i}`) }),
    'lookup_keys',
    undefined,
  ],
  [
    'an amount of a price that is there already',
    (s) => s.rawRequest('POST', '/v1/prices/price_1', { unit_amount: 1 }),
    'unit_amount',
    'parameter_unknown',
  ],
  ['an e-mail that is none', (s) => s.customers.create({ email: 'nobody' }), 'email', 'email_invalid'],
  [
    'a metadata value of 501 characters',
    (s) => s.customers.create({ metadata: { a: 'x'.repeat(501) } }),
    'metadata[a]',
    undefined,
  ],
  [
    'a metadata key of 41 characters',
    (s) => s.customers.create({ metadata: { ['k'.repeat(41)]: 'x' } }),
    'metadata',
    undefined,
  ],
  [
    '51 metadata keys',
    (s) =>
      s.customers.create({
        metadata: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, 'x'])),
      }),
    'metadata',
    undefined,
  ],
  ['an expansion of a plain field', (s) => s.customers.create({ expand: ['email'] }), 'expand', undefined],
];
for (const [what, call, param, code] of badCalls) {
  test(`${what} is refused with 400, and changes nothing`, async (t) => {
    const { simulator, stripe } = await useSimulator(t);
    const refusal = await refusalOf(call(stripe));
    assert.ok(refusal instanceof Stripe.errors.StripeInvalidRequestError);
    assert.deepEqual([refusal.statusCode, refusal.param, refusal.code], [400, param, code]);
    assert.match(refusal.requestId ?? '', /^req_/);
    assert.deepEqual(simulator.events(), []);
  });
}

test('an object or a path that does not exist is 404', async (t) => {
  const { stripe } = await useSimulator(t);
  const refusal = await refusalOf(stripe.customers.retrieve('cus_nobody'));
  assert.deepEqual(
    [refusal.statusCode, refusal.code, refusal.param, refusal.message],
    [404, 'resource_missing', 'id', "No such customer: 'cus_nobody'"],
  );
  for (const call of [
    stripe.rawRequest('GET', '/v1/nonsense'),
    stripe.rawRequest('GET', '/v1/customers/%E0%A4%A'),
  ]) {
    assert.equal((await refusalOf(call)).statusCode, 404);
  }
});

test('only test keys come in: none, another shape, and a live one are 401', async (t) => {
  const { simulator } = await useSimulator(t, { apiKeys: ['sk_test_mine'] });
  await connect(simulator.url, 'sk_test_mine').customers.list();
  for (const key of ['sk_test_other', 'sk_live_mine', 'nonsense']) {
    const refusal = await refusalOf(connect(simulator.url, key).customers.list());
    assert.ok(refusal instanceof Stripe.errors.StripeAuthenticationError, key);
    assert.ok(!refusal.message.includes(key));
  }
  assert.equal((await fetch(`${simulator.url}/v1/customers`)).status, 401);
});

test('another API version, JSON and a huge body are refused', async (t) => {
  const { simulator } = await useSimulator(t);
  const post = (headers: Record<string, string>, body: string) =>
    fetch(`${simulator.url}/v1/customers`, {
      method: 'POST',
      headers: { Authorization: 'Bearer sk_test_1', ...headers },
      body,
    });
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  assert.equal((await post({ ...form, 'Stripe-Version': '2024-06-20' }, '')).status, 400);
  assert.equal((await post({ 'Content-Type': 'application/json' }, '{}')).status, 400);
  assert.equal((await post(form, `name=${'x'.repeat(2_000_000)}`)).status, 400);
  assert.equal((await post(form, 'name=x')).status, 200);
});

test('webhook endpoints are made through the API, and only the first answer tells the secret', async (t) => {
  const { stripe } = await useSimulator(t);
  const made = await stripe.webhookEndpoints.create({
    url: 'http://127.0.0.1:1/',
    enabled_events: ['customer.created'],
  });
  assert.match(made.secret ?? '', /^whsec_/);
  const read = await stripe.webhookEndpoints.retrieve(made.id);
  assert.equal(read.secret, undefined);
  const disabled = await stripe.webhookEndpoints.update(made.id, { disabled: true });
  assert.equal(disabled.status, 'disabled');
  assert.deepEqual(
    (await stripe.webhookEndpoints.list()).data.map(({ id }) => id),
    [made.id],
  );
  assert.equal((await stripe.webhookEndpoints.del(made.id)).deleted, true);
  assert.deepEqual((await stripe.webhookEndpoints.list()).data, []);
});
