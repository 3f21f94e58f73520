import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { testDatabase } from '../../test/database.ts';
import { launchCommand, startServer } from '../../test/server.ts';
import { until } from '../../test/shop.ts';
import { startSimulatorCommand } from '../../test/simulator.ts';
import { connect, refusalOf, useReceiver } from '../simulator/testing.ts';

const SECRET = 'whsec_of_the_test';

test('it says what to set, answers the real client, delivers webhooks, and ends when it is asked to', async (t) => {
  const receiver = await useReceiver(t);
  const simulator = await startSimulatorCommand(['--webhook', receiver.url, '--webhook-secret', SECRET]);
  t.after(() => simulator.stop('SIGKILL'));
  const [key] = /sk_test_\w+/.exec(simulator.output())!;
  assert.match(simulator.output(), new RegExp(`STRIPE_WEBHOOK_SECRET=${SECRET}\n`));
  const stripe = connect(simulator.url, key);
  const { id } = await stripe.customers.create({ name: 'Ada' });
  await until(() => receiver.received.length === 1);
  const { body, signature } = receiver.received[0]!;
  const event = stripe.webhooks.constructEvent(body, signature, SECRET);
  assert.deepEqual([event.type, 'id' in event.data.object && event.data.object.id], ['customer.created', id]);
  assert.equal(await simulator.stop(), 0);
});

test('a secret is made where none is given; faults are met; the data is there at the next start', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-simulator-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const data = ['--data', join(folder, 'stripe.jsonl')];
  const first = await startSimulatorCommand([...data, '--seed', 'a', '--faults', 'rate429=1,drop=0.5']);
  t.after(() => first.stop('SIGKILL'));
  assert.match(first.output(), /STRIPE_WEBHOOK_SECRET=whsec_\S{32}\n/);
  const refusal = await refusalOf(connect(first.url).customers.create({}));
  assert.equal(refusal.statusCode, 429);
  await fetch(`${first.url}/_simulator/faults`, { method: 'DELETE' });
  const { id } = await connect(first.url).customers.create({});
  assert.equal(await first.stop('SIGINT'), 0);
  const second = await startSimulatorCommand(data);
  t.after(() => second.stop('SIGKILL'));
  assert.equal((await connect(second.url).customers.retrieve(id)).id, id);
});

test('what cannot be used is one line, and exit code 1', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as { port: number };
  for (const [args, said] of [
    [['--port', String(port)], new RegExp(`^tollgate: Port ${port} of 127.0.0.1 is in use: set --port`)],
    [['--port', '70000'], /^tollgate: --port must be a number/],
    [['--webhook', 'nowhere'], /^tollgate: --webhook must be an address/],
    [['--webhook-secret', ' '], /^tollgate: --webhook-secret is empty/],
    [['--faults', 'rate404=1'], /^tollgate: --faults must be like .* not "rate404=1"; there are rate429/],
    [['--faults', 'drop=2'], /^tollgate: webhooks\.drop: must be a probability/],
    [['--data', join(import.meta.filename, 'no')], /^tollgate: --data cannot be used/],
    [['--data', import.meta.dirname], /^tollgate: --data cannot be used/],
    [['--colour'], /^tollgate: Unknown option '--colour'.*Usage: tollgate simulator/],
  ] as const) {
    const { errors, output, ended } = launchCommand(['simulator', ...args]);
    assert.deepEqual([await ended, output()], [1, ''], args.join(' '));
    assert.match(errors(), said);
    assert.equal(errors().split('\n').length, 2);
  }
});

test('a server that is told of it sells through it', async (t) => {
  const database = await testDatabase();
  t.after(() => database.drop());
  const simulator = await startSimulatorCommand();
  t.after(() => simulator.stop());
  const stripe = connect(simulator.url);
  // As at Stripe: the server has to know the secret before its own address is known.
  const endpoint = await stripe.webhookEndpoints.create({
    url: 'http://127.0.0.1:1/',
    enabled_events: ['*'],
  });
  const env = {
    STRIPE_API_BASE: simulator.url,
    STRIPE_SECRET_KEY: 'sk_test_simulator',
    STRIPE_WEBHOOK_SECRET: endpoint.secret,
  };
  const server = await startServer({ databaseUrl: database.url, env });
  t.after(() => server.stop());
  await stripe.webhookEndpoints.update(endpoint.id, { url: `${server.url}/webhooks/stripe` });
  assert.match(server.output(), /Stripe {10}your account/);
  const workspaceId = await server.workspace();
  const { body: bought } = await server.post('/v1/checkout/credits', {
    workspaceId,
    user: { userId: workspaceId, email: `${randomUUID()}@example.com` },
    pack: 'small',
    successUrl: 'https://shop.test/thanks',
    cancelUrl: 'https://shop.test/cart',
  });
  const body = new URLSearchParams({ pay_with: '4242424242424242' });
  assert.equal((await fetch(bought.url, { method: 'POST', body, redirect: 'manual' })).status, 303);
  assert.equal((await stripe.checkout.sessions.retrieve(bought.sessionId)).payment_status, 'paid');
  const balance = async () => (await server.get(`/v1/workspaces/${workspaceId}`)).body.credit.balance;
  await until(async () => (await balance()) === 1000);
  assert.equal((await server.get('/v1/audit')).body.ok, true);
});
