import assert from 'node:assert/strict';
import { test } from 'node:test';
import type Stripe from 'stripe';
import { order, refusalOf, useSimulator } from '../testing.ts';

test('a session is created open and unpaid, with its items and without a payment intent', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const customer = await stripe.customers.create({ email: 'ada@example.com' });
  const session = await stripe.checkout.sessions.create(
    order({
      customer: customer.id,
      client_reference_id: 'ws_1',
      metadata: { pack: 's' },
      expand: ['line_items'],
    }),
  );
  assert.match(session.id, /^cs_test_/);
  assert.deepEqual(
    [session.status, session.payment_status, session.payment_intent, session.amount_total, session.currency],
    ['open', 'unpaid', null, 1000, 'usd'],
  );
  assert.deepEqual(
    [session.customer, session.client_reference_id, session.metadata],
    [customer.id, 'ws_1', { pack: 's' }],
  );
  assert.equal(session.url, `${simulator.url}/c/pay/${session.id}`);
  assert.equal(session.expires_at - session.created, 24 * 60 * 60);
  assert.equal(session.line_items?.data[0]?.description, '1,000 credits');
  const read = await stripe.checkout.sessions.retrieve(session.id);
  assert.equal(read.line_items, undefined);
});

test('twelve lines come in two pages', async (t) => {
  const { stripe } = await useSimulator(t);
  const price = await stripe.prices.create({
    product_data: { name: 'Credit' },
    currency: 'usd',
    unit_amount: 10,
  });
  const session = await stripe.checkout.sessions.create(
    order({
      line_items: Array.from({ length: 12 }, () => ({ price: price.id, quantity: 5 })),
      expand: ['line_items'],
    }),
  );
  assert.equal(session.amount_total, 600);
  assert.deepEqual([session.line_items?.data.length, session.line_items?.has_more], [10, true]);
  const all: string[] = [];
  for await (const item of stripe.checkout.sessions.listLineItems(session.id, { limit: 5 }))
    all.push(item.id);
  assert.equal(new Set(all).size, 12);
});

test('sessions are listed by customer, payment intent, e-mail and status', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const customer = await stripe.customers.create({ email: 'ada@example.com' });
  const mine = await stripe.checkout.sessions.create(order({ customer: customer.id }));
  const other = await stripe.checkout.sessions.create(order({ customer_email: 'bob@example.com' }));
  const paid = simulator.pay(mine.id);
  const ids = async (params: Stripe.Checkout.SessionListParams) =>
    (await stripe.checkout.sessions.list(params)).data.map(({ id }) => id);
  assert.deepEqual(await ids({ customer: customer.id }), [mine.id]);
  assert.deepEqual(await ids({ payment_intent: String(paid.payment_intent) }), [mine.id]);
  assert.deepEqual(await ids({ customer_details: { email: 'bob@example.com' } }), [other.id]);
  assert.deepEqual(await ids({ status: 'open' }), [other.id]);
  assert.deepEqual(await ids({}), [other.id, mine.id]);
});

test('a session expires by the clock, once, and can no longer be paid', async (t) => {
  let now = new Date('2026-11-01T00:00:00Z');
  const { simulator, stripe } = await useSimulator(t, { clock: { now: () => now } });
  const at = Math.floor(now.getTime() / 1000) + 1800;
  const session = await stripe.checkout.sessions.create(order({ expires_at: at }));
  now = new Date((at - 1) * 1000);
  simulator.tick();
  assert.equal((await stripe.checkout.sessions.retrieve(session.id)).status, 'open');
  now = new Date(at * 1000);
  assert.equal((await stripe.checkout.sessions.retrieve(session.id)).status, 'expired');
  simulator.tick();
  simulator.tick();
  assert.deepEqual(simulator.events().filter(({ type }) => type === 'checkout.session.expired').length, 1);
  assert.throws(() => simulator.pay(session.id), /its status is `expired`/);
});

test('a session is expired by hand, if it is open', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { id } = await stripe.checkout.sessions.create(order());
  const expired = await stripe.checkout.sessions.expire(id);
  assert.deepEqual([expired.status, expired.url], ['expired', null]);
  assert.match((await refusalOf(stripe.checkout.sessions.expire(id))).message, /status of `expired`/);
  assert.equal(simulator.events().at(-1)?.type, 'checkout.session.expired');
});

const usd = (unit_amount: number) => line('usd', unit_amount);
const line = (currency: string, unit_amount: number) => ({
  quantity: 1,
  price_data: { currency, unit_amount, product_data: { name: 'x' } },
});
const soon = Math.floor(Date.now() / 1000) + 60;
const badOrders: [string, Partial<Stripe.Checkout.SessionCreateParams>, string, string | undefined][] = [
  ['0.30 USD', { line_items: [usd(30)] }, 'line_items', 'amount_too_small'],
  ['more than eight digits', { line_items: [usd(100_000_000)] }, 'line_items', 'amount_too_large'],
  ['5.50 UGX', { line_items: [line('ugx', 550)] }, 'line_items', undefined],
  ['5.124 KWD', { line_items: [line('kwd', 5124)] }, 'line_items', undefined],
  ['two currencies', { line_items: [usd(100), line('eur', 100)] }, 'line_items', undefined],
  ['no quantity', { line_items: [{ price_data: usd(100).price_data }] }, 'line_items[0]', undefined],
  ['neither price nor price_data', { line_items: [{ quantity: 1 }] }, 'line_items[0]', 'parameter_missing'],
  [
    'a price that is none',
    { line_items: [{ quantity: 1, price: 'price_x' }] },
    'line_items[0][price]',
    'resource_missing',
  ],
  ['a customer that is none', { customer: 'cus_x' }, 'customer', 'resource_missing'],
  ['a customer and an e-mail', { customer: 'cus_x', customer_email: 'a@example.com' }, 'customer', undefined],
  ['an address that is none', { success_url: 'thanks' }, 'success_url', 'url_invalid'],
  ['a life of a minute', { expires_at: soon }, 'expires_at', undefined],
  ['a life of two days', { expires_at: soon + 2 * 86400 }, 'expires_at', undefined],
  ['a mode that is none', { mode: 'gift' }, 'mode', undefined],
];
for (const [what, params, param, code] of badOrders) {
  test(`a session of ${what} is refused, and leaves nothing behind`, async (t) => {
    const { simulator, stripe } = await useSimulator(t);
    const refusal = await refusalOf(stripe.checkout.sessions.create(order(params)));
    assert.deepEqual([refusal.statusCode, refusal.param, refusal.code], [400, param, code]);
    assert.deepEqual((await stripe.products.list()).data, []);
    assert.deepEqual(simulator.events(), []);
  });
}

for (const [currency, amount] of [
  ['jpy', 500],
  ['ugx', 500],
  ['isk', 500],
  ['kwd', 5120],
  ['huf', 104_500],
] as const) {
  test(`${amount} ${currency} can be charged`, async (t) => {
    const { stripe } = await useSimulator(t);
    const session = await stripe.checkout.sessions.create(order({ line_items: [line(currency, amount)] }));
    assert.deepEqual([session.amount_total, session.currency], [amount, currency]);
  });
}

test('a retired price and a recurring one cannot be bought', async (t) => {
  const { stripe } = await useSimulator(t);
  const params = { product_data: { name: 'x' }, currency: 'usd', unit_amount: 1000 };
  const retired = await stripe.prices.create({ ...params, active: false });
  const monthly = await stripe.prices.create({ ...params, recurring: { interval: 'month' } });
  for (const [price, message] of [
    [retired.id, /inactive/],
    [monthly.id, /recurring price/],
  ] as const) {
    const refusal = await refusalOf(
      stripe.checkout.sessions.create(order({ line_items: [{ price, quantity: 1 }] })),
    );
    assert.match(refusal.message, message);
  }
});
