import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MovableClock } from '../lib/clock.ts';
import { startSimulator } from './simulator.ts';
import { connect, order, refusalOf, useReceiver, useSimulator } from './testing.ts';

const DAY_SECONDS = 24 * 60 * 60;

async function ask(url: string, method: string, path: string, body?: unknown, type = 'application/json') {
  const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': type } };
  const response = await fetch(`${url}/_simulator/${path}`, { method, ...init });
  // biome-ignore lint/suspicious/noExplicitAny: whatever it answers
  return { status: response.status, body: (await response.json()) as any };
}

test('faults are set, shown and taken away while it runs', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const plan = {
    seed: 7,
    api: { rate429: 0 },
    next: [{ path: '/v1/customers', fault: 'conflict', times: 2 }],
  };
  assert.deepEqual((await ask(simulator.url, 'POST', 'faults', plan)).body, plan);
  assert.equal((await refusalOf(stripe.customers.create({}))).statusCode, 409);
  const left = { ...plan, next: [{ path: '/v1/customers', fault: 'conflict', times: 1 }] };
  assert.deepEqual((await ask(simulator.url, 'GET', 'faults')).body, left);
  assert.deepEqual((await ask(simulator.url, 'DELETE', 'faults')).body, {});
  await stripe.customers.create({});
});

test('what cannot be is refused, and changes nothing', async (t) => {
  const { simulator } = await useSimulator(t);
  const plan = { api: { rate409: 0.5 } };
  await ask(simulator.url, 'POST', 'faults', plan);
  for (const [method, path, body, type, status, said] of [
    ['POST', 'faults', { api: { rate409: 2 } }, 'application/json', 400, /api\.rate409/],
    ['POST', 'faults', {}, 'text/plain', 400, /application\/json/],
    ['POST', 'clock', { now: '2020-01-01T00:00:00Z' }, 'application/json', 400, /only goes forward/],
    ['POST', 'clock', { advanceSeconds: -1 }, 'application/json', 400, /advanceSeconds/],
    ['PUT', 'faults', {}, 'application/json', 404, /PUT/],
    ['GET', 'nothing', undefined, '', 404, /nothing/],
  ] as const) {
    const answer = await ask(simulator.url, method, path, body, type);
    assert.equal(answer.status, status);
    assert.match(answer.body.error.message, said);
  }
  assert.deepEqual((await ask(simulator.url, 'GET', 'faults')).body, plan);
  assert.equal((await ask(simulator.url, 'GET', 'health')).body.status, 'ok');
});

test('a clock of its own is moved: what is due happens, keys are forgotten, signatures are of the real time', async (t) => {
  const receiver = await useReceiver(t);
  const { simulator, stripe } = await useSimulator(t, {
    webhooks: [{ url: receiver.url, secrets: ['whsec_a'] }],
  });
  const { id } = await stripe.checkout.sessions.create(order());
  const before = Date.parse((await ask(simulator.url, 'GET', 'clock')).body.now);
  const { body } = await ask(simulator.url, 'POST', 'clock', { advanceSeconds: 2 * DAY_SECONDS });
  assert.ok(Date.parse(body.now) >= before + 2 * DAY_SECONDS * 1000);
  await simulator.idle();
  const events = receiver.received.map(({ body, signature }) =>
    stripe.webhooks.constructEvent(body, signature, 'whsec_a'),
  );
  const expired = events.find(({ type }) => type === 'checkout.session.expired');
  assert.ok(expired !== undefined && expired.created * 1000 >= before + DAY_SECONDS * 1000);
  assert.equal((await stripe.checkout.sessions.retrieve(id)).status, 'expired');
  const now = '2100-01-01T00:00:00.000Z';
  assert.match((await ask(simulator.url, 'POST', 'clock', { now })).body.now, /^2100-01-01T00:00:/);
});

test('the time is kept with the rest, and a start goes on from it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-simulator-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const dataFile = join(folder, 'stripe.jsonl');
  const first = await startSimulator({ dataFile });
  await ask(first.url, 'POST', 'clock', { now: '2100-01-01T00:00:00Z' });
  await first.stop();
  const { simulator } = await useSimulator(t, { dataFile });
  const { created } = await connect(simulator.url).customers.create({});
  assert.equal(new Date(created * 1000).getUTCFullYear(), 2100);
});

test('a clock that was given is moved by whoever gave it', async (t) => {
  const { simulator } = await useSimulator(t, { clock: new MovableClock(DAY_SECONDS * 1000) });
  assert.ok(Date.parse((await ask(simulator.url, 'GET', 'clock')).body.now) > Date.now());
  const { status, body } = await ask(simulator.url, 'POST', 'clock', { advanceSeconds: 1 });
  assert.equal(status, 400);
  assert.match(body.error.message, /where the simulator was started/);
});
