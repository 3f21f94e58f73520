import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import Stripe from 'stripe';
import { connect, refusalOf, useSimulator } from '../testing.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

test('the same key and parameters give the first answer again, and do nothing', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const options = { idempotencyKey: 'order-1' };
  const first = await stripe.customers.create({ email: 'a@example.com', name: 'A' }, options);
  const second = await stripe.customers.create({ name: 'A', email: 'a@example.com' }, options);
  assert.deepEqual(second, first);
  assert.equal(first.lastResponse.headers['idempotent-replayed'], undefined);
  assert.equal(second.lastResponse.headers['idempotent-replayed'], 'true');
  assert.equal(second.lastResponse.headers['original-request'], first.lastResponse.requestId);
  assert.notEqual(second.lastResponse.requestId, first.lastResponse.requestId);
  assert.equal(simulator.events().length, 1);
  assert.deepEqual(simulator.events()[0]?.request, {
    id: first.lastResponse.requestId,
    idempotency_key: 'order-1',
  });
});

test('another request with the same key is an idempotency error', async (t) => {
  const { stripe } = await useSimulator(t);
  const options = { idempotencyKey: 'order-1' };
  await stripe.customers.create({ email: 'a@example.com' }, options);
  for (const call of [
    stripe.customers.create({ email: 'b@example.com' }, options),
    stripe.products.create({ name: 'x' }, options),
  ]) {
    const refusal = await refusalOf(call);
    assert.ok(refusal instanceof Stripe.errors.StripeIdempotencyError);
    assert.equal(refusal.statusCode, 400);
  }
});

test('a refused request is not kept: corrected, it runs under the same key', async (t) => {
  const { stripe } = await useSimulator(t);
  const options = { idempotencyKey: 'order-1' };
  assert.equal((await refusalOf(stripe.customers.create({ email: 'nobody' }, options))).statusCode, 400);
  assert.equal((await stripe.customers.create({ email: 'a@example.com' }, options)).email, 'a@example.com');
});

test('a key is forgotten after a day', async (t) => {
  let now = new Date('2026-11-01T00:00:00Z');
  const { stripe } = await useSimulator(t, { clock: { now: () => now } });
  const create = () => stripe.customers.create({}, { idempotencyKey: 'order-1' });
  const first = await create();
  now = new Date(now.getTime() + DAY_MS - 1000);
  assert.equal((await create()).id, first.id);
  now = new Date(now.getTime() + 1000);
  assert.notEqual((await create()).id, first.id);
});

test('while a request with a key is under way, another with it is refused with 409', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const slow = request(`${simulator.url}/v1/customers`, {
    method: 'POST',
    headers: {
      Authorization: 'Bearer sk_test_1',
      'Content-Type': 'application/x-www-form-urlencoded',
      'Idempotency-Key': 'order-1',
    },
  });
  const answered = new Promise<number | undefined>((resolve) =>
    slow.on('response', (res) => resolve(res.statusCode)),
  );
  slow.write('name=');
  let refusal = await tryOnce();
  // The first request may still be on its way; it holds the key from its headers on.
  for (let i = 0; i < 100 && refusal === undefined; i++) refusal = await tryOnce();
  assert.deepEqual([refusal?.statusCode, refusal?.code], [409, 'idempotency_key_in_use']);
  slow.end('B');
  assert.equal(await answered, 200);

  async function tryOnce(): Promise<Stripe.errors.StripeError | undefined> {
    return stripe.customers.create({ name: 'B' }, { idempotencyKey: 'order-1' }).then(
      () => undefined,
      (error) => error,
    );
  }
});

test('a key of 255 characters is good, one of 256 is not', async (t) => {
  const { stripe } = await useSimulator(t);
  await stripe.customers.create({}, { idempotencyKey: 'k'.repeat(255) });
  assert.equal(
    (await refusalOf(stripe.customers.create({}, { idempotencyKey: 'k'.repeat(256) }))).statusCode,
    400,
  );
});

test('twenty at once with one key, retried as the client retries, make one object', async (t) => {
  const { simulator } = await useSimulator(t);
  const stripe = connect(simulator.url, 'sk_test_1', { maxNetworkRetries: 5 });
  const made = await Promise.all(
    Array.from({ length: 20 }, () => stripe.customers.create({ name: 'A' }, { idempotencyKey: 'order-1' })),
  );
  assert.equal(new Set(made.map(({ id }) => id)).size, 1);
  assert.equal(simulator.events().length, 1);
});
