import assert from 'node:assert/strict';
import { test } from 'node:test';
import type Stripe from 'stripe';
import { Refusal } from '../lib/errors.ts';
import { type FaultPlan, Faults } from './faults.ts';
import { connect, refusalOf, useReceiver, useSimulator } from './testing.ts';

type Next = NonNullable<FaultPlan['next']>[number];

/** A customer is asked for once under a key, meets a fault, and is asked for again. */
const CASES: { next: Next; first: object; effectsFirst: 0 | 1; again: 'done' | 'replayed' | 500 }[] = [
  {
    next: { path: '/v1/customers', fault: 'rate_limit' },
    first: { statusCode: 429, code: 'rate_limit', reason: 'global-rate' },
    ...{ effectsFirst: 0, again: 'done' },
  },
  {
    next: { path: '/v1/customers', fault: 'lock_timeout' },
    first: { statusCode: 429, code: 'lock_timeout', shouldRetry: 'true' },
    ...{ effectsFirst: 0, again: 'done' },
  },
  {
    next: { path: '/v1/customers', fault: 'conflict' },
    first: { statusCode: 409, code: 'idempotency_key_in_use' },
    ...{ effectsFirst: 0, again: 'done' },
  },
  {
    next: { path: '/v1/customers', fault: 'server_error' },
    first: { statusCode: 503 },
    ...{ effectsFirst: 0, again: 'done' },
  },
  {
    next: { path: '/v1/customers', fault: 'server_error', when: 'after' },
    first: { statusCode: 500, shouldRetry: 'false' },
    ...{ effectsFirst: 1, again: 500 },
  },
  // A connection that is closed without an answer is tried a second time by the client itself.
  {
    next: { path: '/v1/customers', fault: 'cut', times: 2 },
    first: { type: 'StripeConnectionError' },
    ...{ effectsFirst: 0, again: 'done' },
  },
  {
    next: { path: '/v1/customers', fault: 'cut', when: 'after' },
    first: { type: 'StripeConnectionError' },
    ...{ effectsFirst: 1, again: 'replayed' },
  },
  {
    next: { path: '/v1/customers', fault: 'timeout' },
    first: { type: 'StripeConnectionError' },
    ...{ effectsFirst: 0, again: 'done' },
  },
  {
    next: { path: '/v1/customers', fault: 'timeout', when: 'after' },
    first: { type: 'StripeConnectionError' },
    ...{ effectsFirst: 1, again: 'replayed' },
  },
];

for (const { next, first, effectsFirst, again } of CASES) {
  const when = 'when' in next ? next.when : 'before';
  test(`${next.fault} ${when} the effect: asked again with its key, it is done once`, async (t) => {
    const { simulator } = await useSimulator(t, { faults: { next: [next] } });
    const stripe = connect(simulator.url, 'sk_test_1', { timeout: 200 });
    const create = () => stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'order-1' });
    const effects = async () => (await stripe.customers.list()).data.length;
    const { statusCode, code, type, headers } = await refusalOf(create());
    const met = {
      ...{ statusCode, code, type },
      reason: headers?.['stripe-rate-limited-reason'],
      shouldRetry: headers?.['stripe-should-retry'],
    };
    assert.partialDeepStrictEqual(met, first);
    if (next.fault === 'lock_timeout') assert.equal(met.reason, undefined);
    assert.equal(await effects(), effectsFirst);
    if (again === 500) assert.equal((await refusalOf(create())).statusCode, 500);
    else {
      const { headers: sent } = (await create()).lastResponse;
      assert.equal(sent['idempotent-replayed'], again === 'replayed' ? 'true' : undefined);
    }
    assert.equal(await effects(), 1);
    assert.equal(simulator.events().length, 1);
  });
}

test('one-off faults are met by what they name, as often as they say, and by nothing else', async (t) => {
  const next: Next[] = [{ method: 'GET', path: '/v1/customers/*', fault: 'server_error', times: 2 }];
  const { simulator, stripe } = await useSimulator(t, { faults: { next } });
  const { id } = await stripe.customers.create({});
  await stripe.customers.list();
  await stripe.customers.update(id, { name: 'Ada' });
  assert.equal((await refusalOf(stripe.customers.retrieve(id))).statusCode, 503);
  assert.equal((await refusalOf(stripe.customers.retrieve(id))).statusCode, 503);
  assert.equal((await stripe.customers.retrieve(id)).id, id);
  simulator.setFaults({ next });
  simulator.setFaults();
  assert.equal((await stripe.customers.retrieve(id)).id, id);
});

const EVERYTHING: FaultPlan = {
  api: { rate429: 0.1, rate409: 0.1, rate5xx: 0.1, rateCut: 0.1, rateTimeout: 0.1 },
  webhooks: { duplicate: 0.3, delay: 0.3, delayMaxMs: 50, reorder: 0.3, drop: 0.3 },
};

function drawn(seed: string, path = '/v1/x') {
  const faults = new Faults({ ...EVERYTHING, seed });
  return Array.from({ length: 500 }, () => [faults.ofRequest('GET', path), faults.ofDelivery()]);
}

test('a seed gives the same faults again, another one others; what is asked for does not matter', () => {
  assert.deepEqual(drawn('one'), drawn('one', '/v1/y'));
  assert.notDeepEqual(drawn('one'), drawn('two'));
});

test('every fault comes about as often as it should, early and late', () => {
  const requests = Array.from({ length: 20 }, (_, i) => drawn(`seed ${i}`)).flat();
  const kinds = new Map<string, number>();
  for (const [fault] of requests) {
    const name = fault === null ? 'none' : Object.values(fault!).join(' ');
    kinds.set(name, (kinds.get(name) ?? 0) + 1);
  }
  for (const [name, share] of [
    ['none', 0.9 ** 5],
    ['rate_limit before', 0.05],
    ['lock_timeout before', 0.05],
    ['conflict before', 0.09],
    ['server_error after', 0.0405],
    ['cut before', 0.036],
    ['timeout after', 0.033],
  ] as const) {
    const found = kinds.get(name)! / requests.length;
    assert.ok(Math.abs(found - share) < 0.01, `${name}: ${found}, not ${share}`);
  }
});

test('a plan that cannot be is refused, and names what is wrong', () => {
  for (const [plan, named] of [
    [{ api: { rate429: 1.1 } }, 'api.rate429: must be a probability'],
    [{ api: { rate404: 1 } }, 'api.rate404 is not a field'],
    [{ webhooks: { delayMaxMs: 0.5 } }, 'webhooks.delayMaxMs'],
    [{ next: [{ path: '/v1/x', fault: 'flood' }] }, 'next.*must be'],
    [{ next: [{ path: '/v1/x', fault: 'rate_limit', when: 'after' }] }, 'next.*when'],
    ['all', 'body'],
  ] as const) {
    assert.throws(
      () => new Faults(plan as FaultPlan),
      (error) => error instanceof Refusal && new RegExp(named).test(error.message),
    );
  }
});

async function useDeliveries(t: Parameters<typeof useSimulator>[0], webhooks: FaultPlan['webhooks']) {
  const receiver = await useReceiver(t);
  const { simulator, stripe } = await useSimulator(t, {
    faults: { webhooks },
    webhooks: [{ url: receiver.url, secrets: ['whsec_a'] }],
  });
  const received = () =>
    receiver.received.map(({ body }) => (JSON.parse(body.toString()) as Stripe.Event).data.object);
  return { simulator, stripe, received };
}

test('a duplicate arrives twice or more often, as the same event', async (t) => {
  const { simulator, stripe } = await useDeliveries(t, { duplicate: 1 });
  for (let i = 0; i < 10; i++) await stripe.customers.create({});
  await simulator.idle();
  for (const { id } of simulator.events()) {
    const sent = simulator.deliveries().filter(({ event, status }) => event === id && status === 200);
    assert.ok(sent.length >= 2 && sent.length <= 4, `${sent.length}`);
  }
  assert.deepEqual((await stripe.events.list({ delivery_success: false })).data, []);
});

test('what is dropped never arrives, and is found as undelivered', async (t) => {
  const { simulator, stripe, received } = await useDeliveries(t, { drop: 1 });
  const { id } = await stripe.customers.create({});
  await simulator.idle();
  simulator.setFaults();
  await stripe.customers.update(id, { name: 'Ada' });
  await simulator.idle();
  assert.equal(received().length, 1);
  const missed = (await stripe.events.list({ delivery_success: false })).data;
  assert.deepEqual(
    missed.map(({ type, pending_webhooks }) => [type, pending_webhooks]),
    [['customer.created', 1]],
  );
});

test('what is delayed arrives later than what came after it', async (t) => {
  const { simulator, stripe } = await useDeliveries(t, { delay: 1, delayMaxMs: 300 });
  const names = Array.from({ length: 20 }, (_, i) => `customer ${i}`);
  for (const name of names) await stripe.customers.create({ name });
  await simulator.idle();
  const order = simulator.deliveries().map(({ event }) => event);
  const asked = simulator.events().map(({ id }) => id);
  assert.deepEqual([...order].sort(), [...asked].sort());
  assert.notDeepEqual(order, asked);
});

test('what is held back arrives once the next one has, or by itself', async (t) => {
  const { simulator, stripe, received } = await useDeliveries(t, { reorder: 1 });
  const { id } = await stripe.customers.create({ name: 'first' });
  simulator.setFaults();
  await stripe.customers.update(id, { name: 'second' });
  await simulator.idle();
  simulator.setFaults({ webhooks: { reorder: 1 } });
  await stripe.customers.update(id, { name: 'third' });
  await simulator.idle();
  assert.deepEqual(
    received().map((customer) => (customer as Stripe.Customer).name),
    ['second', 'first', 'third'],
  );
});
