import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import Stripe from 'stripe';
import { order, refusalOf, useReceiver, useSimulator } from './testing.ts';

const SECRETS = ['whsec_new', 'whsec_old'];

test('every event arrives, signed so that the client accepts it with any of the secrets', async (t) => {
  const receiver = await useReceiver(t);
  const { simulator, stripe } = await useSimulator(t, {
    webhooks: [{ url: receiver.url, secrets: SECRETS }],
  });
  const { id } = await stripe.checkout.sessions.create(order());
  simulator.pay(id);
  await simulator.idle();
  for (const secret of SECRETS) {
    const events = receiver.received.map(({ body, signature }) =>
      stripe.webhooks.constructEvent(body, signature, secret),
    );
    assert.deepEqual(
      events.map((event) => event.id).sort(),
      simulator
        .events()
        .map((event) => event.id)
        .sort(),
    );
  }
  const { body, signature } = receiver.received[0]!;
  assert.match(signature, /^t=\d+,v1=[0-9a-f]{64},v1=[0-9a-f]{64}$/);
  assert.throws(() => stripe.webhooks.constructEvent(body, signature, 'whsec_other'));
  const rewritten = JSON.stringify(JSON.parse(body.toString()));
  assert.throws(() => stripe.webhooks.constructEvent(rewritten, signature, SECRETS[0]!));
});

test('the event carries the object as it was, its version, and the request that caused it', async (t) => {
  const receiver = await useReceiver(t);
  const { simulator, stripe } = await useSimulator(t, {
    webhooks: [{ url: receiver.url, secrets: ['whsec_a'] }],
  });
  const made = await stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'key-1' });
  await stripe.customers.update(made.id, { name: 'Grace' });
  await simulator.idle();
  const bodies = receiver.received.map(({ body }) => JSON.parse(body.toString()));
  const [created, updated] = ['customer.created', 'customer.updated'].map((type) =>
    bodies.find((b) => b.type === type),
  );
  assert.deepEqual(created.data.object, JSON.parse(JSON.stringify(made)));
  assert.deepEqual(
    [
      created.object,
      created.api_version,
      created.livemode,
      created.pending_webhooks,
      created.request.idempotency_key,
    ],
    ['event', Stripe.API_VERSION, false, 1, 'key-1'],
  );
  assert.deepEqual(updated.data.previous_attributes, { name: 'Ada' });
});

test('an event that is refused is sent again, signed anew, until it is accepted', async (t) => {
  let now = new Date('2026-11-01T00:00:00Z');
  const receiver = await useReceiver(t, (index) => {
    now = new Date(now.getTime() + 60_000);
    return index < 2 ? 500 : 200;
  });
  const { simulator, stripe } = await useSimulator(t, {
    clock: { now: () => now },
    retryDelaysMs: [1, 1, 1],
    webhooks: [{ url: receiver.url, secrets: ['whsec_a'] }],
  });
  await stripe.customers.create({});
  await simulator.idle();
  assert.deepEqual(
    simulator.deliveries().map(({ attempt, status }) => [attempt, status]),
    [
      [1, 500],
      [2, 500],
      [3, 200],
    ],
  );
  assert.equal(new Set(receiver.received.map(({ signature }) => signature)).size, 3);
  assert.deepEqual((await stripe.events.list({ delivery_success: true })).data[0]?.pending_webhooks, 0);
  assert.deepEqual((await stripe.events.list({ delivery_success: false })).data, []);
});

test('an event that nobody accepts stays undelivered, and is found so', async (t) => {
  const receiver = await useReceiver(t, () => 302);
  const { simulator, stripe } = await useSimulator(t, {
    retryDelaysMs: [1],
    webhooks: [
      { url: receiver.url, secrets: ['whsec_a'] },
      { url: 'http://127.0.0.1:1/nobody', secrets: ['whsec_a'] },
    ],
  });
  await stripe.customers.create({});
  await simulator.idle();
  assert.equal(receiver.received.length, 2);
  assert.deepEqual(
    simulator
      .deliveries()
      .filter(({ status }) => status === null)
      .map(({ error }) => typeof error),
    ['string', 'string'],
  );
  const [missed] = (await stripe.events.list({ delivery_success: false, types: ['customer.created'] })).data;
  assert.equal(missed?.pending_webhooks, 2);
});

test('an answer that never comes is given up', async (t) => {
  const { simulator, stripe } = await useSimulator(t, { retryDelaysMs: [], timeoutMs: 50 });
  const deaf = createServer(() => {});
  await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    deaf.closeAllConnections();
    deaf.close();
  });
  const address = deaf.address();
  assert.ok(typeof address === 'object' && address !== null);
  simulator.addWebhook({ url: `http://127.0.0.1:${address.port}/`, secrets: ['whsec_a'] });
  await stripe.customers.create({});
  await simulator.idle();
  assert.deepEqual(
    simulator.deliveries().map(({ status }) => status),
    [null],
  );
});

test('an endpoint gets only what it listens to, and nothing while it is disabled', async (t) => {
  const receiver = await useReceiver(t);
  const { simulator, stripe } = await useSimulator(t);
  const endpoint = await stripe.webhookEndpoints.create({
    url: receiver.url,
    enabled_events: ['product.created'],
  });
  await stripe.customers.create({});
  await stripe.products.create({ name: 'x' });
  await stripe.webhookEndpoints.update(endpoint.id, { disabled: true });
  await stripe.products.create({ name: 'y' });
  await simulator.idle();
  const [{ body, signature }] = receiver.received as [(typeof receiver.received)[0]];
  assert.equal(receiver.received.length, 1);
  assert.equal(
    stripe.webhooks.constructEvent(body, signature, endpoint.secret ?? '').type,
    'product.created',
  );
});

test('an event is sent again as often as asked, in parallel', async (t) => {
  const receiver = await useReceiver(t);
  const { simulator, stripe } = await useSimulator(t, {
    webhooks: [{ url: receiver.url, secrets: ['whsec_a'] }],
  });
  await stripe.customers.create({});
  await simulator.idle();
  const attempts = await simulator.redeliver(simulator.events()[0]!.id, 20);
  assert.deepEqual([attempts.length, receiver.received.length], [20, 21]);
});

test('an empty secret is refused at the start', async (t) => {
  for (const secrets of [[], [' ']]) {
    await assert.rejects(useSimulator(t, { webhooks: [{ url: 'http://127.0.0.1:1/', secrets }] }), /secret/);
  }
});

test('events are listed by type and pattern, and are gone after thirty days', async (t) => {
  let now = new Date('2026-11-01T00:00:00Z');
  const { stripe } = await useSimulator(t, { clock: { now: () => now } });
  const customer = await stripe.customers.create({});
  await stripe.products.create({ name: 'x' });
  const types = async (params: Stripe.EventListParams) =>
    (await stripe.events.list(params)).data.map(({ type }) => type);
  assert.deepEqual(await types({}), ['product.created', 'customer.created']);
  assert.deepEqual(await types({ type: 'customer.*' }), ['customer.created']);
  assert.deepEqual(await types({ types: ['product.created', 'x'] }), ['product.created']);
  assert.equal((await refusalOf(stripe.events.list({ type: 'x', types: ['y'] }))).param, 'type');
  const [event] = (await stripe.events.list({ type: 'customer.created' })).data;
  assert.deepEqual(await stripe.events.retrieve(event!.id), event);
  now = new Date('2026-12-02T00:00:00Z');
  await stripe.customers.del(customer.id);
  assert.deepEqual(await types({}), ['customer.deleted']);
});
