import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { startSimulator } from './simulator.ts';
import { Store } from './store.ts';
import { connect, order, payer, useReceiver, useSimulator } from './testing.ts';

function useFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'simulator-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'stripe.jsonl');
}

test('after a restart everything is as it was, and goes on', async (t) => {
  const dataFile = useFile(t);
  const first = await startSimulator({ dataFile });
  const stripe = connect(first.url);
  const customer = await stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'key-1' });
  const session = await stripe.checkout.sessions.create(order({ customer: customer.id }));
  const price = (await stripe.prices.list()).data[0]!;
  first.decline(session.id);
  const events = first.events();
  await first.stop();

  const { simulator, stripe: again } = await useSimulator(t, { dataFile });
  assert.deepEqual(await again.customers.create({ name: 'Ada' }, { idempotencyKey: 'key-1' }), customer);
  assert.deepEqual(await again.prices.retrieve(price.id), price);
  assert.deepEqual(simulator.events(), events);
  const open = await again.checkout.sessions.retrieve(session.id);
  assert.equal(open.url, `${simulator.url}/c/pay/${session.id}`);
  assert.equal((await fetch(open.url ?? '')).status, 200);
  assert.equal(simulator.pay(session.id).payment_status, 'paid');
});

test('every page that was open before a restart is found at the new address', async (t) => {
  const dataFile = useFile(t);
  const first = await startSimulator({ dataFile });
  const stripe = connect(first.url);
  const customer = await payer(stripe, 'pm_card_authenticationRequired');
  const price_data = { currency: 'usd', product_data: { name: 'Pro' }, unit_amount: 1000 };
  const { id: price } = await stripe.prices.create({ ...price_data, recurring: { interval: 'month' } });
  const { latest_invoice } = await stripe.subscriptions.create({ customer, items: [{ price }] });
  const asked = { payment_method: 'pm_card_authenticationRequired', confirm: true };
  const intent = await stripe.paymentIntents.create({ ...asked, amount: 1000, currency: 'usd' });
  const setup = await stripe.setupIntents.create(asked);
  const portal = await stripe.billingPortal.sessions.create({ customer });
  await first.stop();

  const { simulator, stripe: again } = await useSimulator(t, { dataFile });
  const urls = [
    (await again.paymentIntents.retrieve(intent.id)).next_action?.redirect_to_url?.url,
    (await again.setupIntents.retrieve(setup.id)).next_action?.redirect_to_url?.url,
    (await again.invoices.retrieve(String(latest_invoice))).hosted_invoice_url,
  ];
  for (const url of urls) {
    assert.ok(String(url).startsWith(`${simulator.url}/`), String(url));
    assert.equal((await fetch(String(url))).status, 200);
  }
  const page = simulator.url + new URL(portal.url).pathname;
  const body = new URLSearchParams({ act: 'save_card', card: '4242424242424242' });
  const saved = await fetch(page, { method: 'POST', body, redirect: 'manual' });
  assert.equal(saved.headers.get('location'), page);
});

test('what was undelivered at the end is delivered after a restart', async (t) => {
  const dataFile = useFile(t);
  let isUp = false;
  const receiver = await useReceiver(t, () => (isUp ? 200 : 503));
  const options = {
    dataFile,
    webhooks: [{ url: receiver.url, secrets: ['whsec_a'] }],
    retryDelaysMs: [60_000],
  };
  const first = await startSimulator(options);
  await connect(first.url).customers.create({});
  await first.stop();
  isUp = true;
  const { simulator } = await useSimulator(t, options);
  await simulator.idle();
  assert.deepEqual(
    simulator.deliveries().map(({ type, status }) => [type, status]),
    [['customer.created', 200]],
  );
  assert.equal(simulator.events()[0]?.pending_webhooks, 0);
});

test('who takes over from another address gets what is undelivered, under the name that the other had', async (t) => {
  const dataFile = useFile(t);
  const [down, up] = [await useReceiver(t, () => 503), await useReceiver(t)];
  const webhookAt = (url: string) => [{ url, secrets: ['whsec_a'], name: 'shop' }];
  const first = await startSimulator({ dataFile, webhooks: webhookAt(down.url), retryDelaysMs: [60_000] });
  await connect(first.url).customers.create({});
  await first.stop();
  const { simulator } = await useSimulator(t, { dataFile, webhooks: webhookAt(up.url) });
  await simulator.idle();
  assert.equal(up.received.length, 1);
});

test('who does not get the port leaves the journal alone', async (t) => {
  const dataFile = useFile(t);
  const { simulator, stripe } = await useSimulator(t, { dataFile });
  appendFileSync(dataFile, '[["put","customer",{"id":"cus_half_writ');
  const torn = readFileSync(dataFile, 'utf8');
  const port = Number(new URL(simulator.url).port);
  await assert.rejects(startSimulator({ dataFile, port }), { code: 'EADDRINUSE' });
  assert.equal(readFileSync(dataFile, 'utf8'), torn);
  assert.deepEqual((await stripe.customers.list()).data, []);
});

test('a torn last line is cut off, and writing goes on after it', async (t) => {
  const dataFile = useFile(t);
  const first = await startSimulator({ dataFile });
  const { id } = await connect(first.url).customers.create({});
  await first.stop();
  appendFileSync(dataFile, '[["put","customer",{"id":"cus_to');
  const second = await startSimulator({ dataFile });
  await connect(second.url).customers.retrieve(id);
  await connect(second.url).customers.create({});
  await second.stop();
  const { stripe } = await useSimulator(t, { dataFile });
  assert.equal((await stripe.customers.list()).data.length, 2);
});

test('a journal that is damaged inside is refused, naming the line', async (t) => {
  const dataFile = useFile(t);
  writeFileSync(dataFile, '[]\nnonsense\n[]\n');
  await assert.rejects(startSimulator({ dataFile }), /damaged at .*stripe\.jsonl:2/);
});

test('a journal that is mostly history is rewritten when it is opened', (t) => {
  const dataFile = useFile(t);
  const store = new Store(dataFile);
  const answer = { id: 'k', requestId: 'r', path: '/', fingerprint: '', status: 200, body: '' };
  for (let at = 0; at < 2000; at++) store.put('answer', { ...answer, at });
  store.close();
  new Store(dataFile).close();
  assert.equal(readFileSync(dataFile, 'utf8').trimEnd().split('\n').length, 1);
  const reopened = new Store(dataFile);
  assert.equal(reopened.get('answer', 'k')?.at, 1999);
  reopened.close();
});

test('a write that throws leaves nothing, in memory or in the file', (t) => {
  const dataFile = useFile(t);
  const answer = { id: 'k', requestId: 'r', path: '/', fingerprint: '', status: 200, body: '', at: 1 };
  const store = new Store(dataFile);
  store.put('answer', answer);
  const fail = () =>
    store.write(() => {
      store.put('answer', { ...answer, at: 2 });
      store.put('answer', { ...answer, id: 'l' });
      store.drop('answer', 'k');
      throw new Error('no');
    });
  assert.throws(fail, /no/);
  assert.deepEqual([...store.all('answer')], [answer]);
  store.close();
  const reopened = new Store(dataFile);
  assert.deepEqual([...reopened.all('answer')], [answer]);
  reopened.close();
});

const CHILD = `
import { startSimulator } from ${JSON.stringify(new URL('./simulator.ts', import.meta.url).href)};
const simulator = await startSimulator({ dataFile: process.argv[1] });
console.log(simulator.url);
`;

test('killed with -9 under load, it still knows every customer that it answered for', async (t) => {
  const dataFile = useFile(t);
  const child = spawn(process.execPath, ['--input-type=module', '--eval', CHILD, dataFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string];
  const stripe = connect(url);
  const answered: string[] = [];
  const load = Array.from({ length: 8 }, async () => {
    for (;;) answered.push((await stripe.customers.create({})).id);
  });
  while (answered.length < 100) await new Promise((resolve) => setImmediate(resolve));
  child.kill('SIGKILL');
  await Promise.allSettled(load);
  const { stripe: again } = await useSimulator(t, { dataFile });
  const known = new Set<string>();
  for await (const { id } of again.customers.list({ limit: 100 })) known.add(id);
  assert.ok(answered.length >= 100);
  assert.deepEqual(
    answered.filter((id) => !known.has(id)),
    [],
  );
});
