import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type Stripe from 'stripe';
import { type Simulator, startSimulator } from './simulator.ts';
import { connect, order, refusalOf } from './testing.ts';

const KEY = { Authorization: 'Bearer sk_test_contract' };
const folder = process.env.TOLLGATE_STRIPE_CONTRACT;

/** Everything that the simulator has after somebody paid, somebody was declined and a bank said no. */
async function playScenes() {
  const simulator = await startSimulator();
  const stripe = connect(simulator.url);
  const customer = await stripe.customers.create({ email: 'ada@example.com', metadata: { a: '1' } });
  const product = await stripe.products.create({ name: 'Credits' });
  const price = await stripe.prices.create({ product: product.id, currency: 'usd', unit_amount: 1000 });
  await stripe.prices.create({
    product: product.id,
    currency: 'eur',
    unit_amount: 900,
    recurring: { interval: 'month' },
  });
  const line_items = [{ price: price.id, quantity: 2 }];
  const paid = await stripe.checkout.sessions.create(order({ customer: customer.id, line_items }));
  simulator.decline(paid.id, 'expired_card');
  simulator.pay(paid.id);
  const charge = async (card: string) => {
    const { id } = await stripe.checkout.sessions.create(order());
    const intent = await stripe.paymentIntents.retrieve(String(simulator.pay(id, { card }).payment_intent));
    return String(intent.latest_charge);
  };
  const refund = await stripe.refunds.create({ charge: await charge('4242424242424242'), amount: 400 });
  simulator.failRefund(refund.id);
  await charge('4000000000001976');
  simulator.moveDispute(simulator.dispute(await charge('4242424242424242')).id, 'won');
  const { data } = await stripe.disputes.list();
  simulator.moveDispute(data.at(-1)!.id, 'needs_response');
  for (const outcome of ['succeed', 'fail'] as const) {
    const { id } = await stripe.checkout.sessions.create(order());
    simulator.pay(id, { delayed: true });
    simulator.settleDelayed(id, outcome);
  }
  await playSavedMethods(simulator, stripe);
  const expired = await stripe.checkout.sessions.create(order());
  await stripe.checkout.sessions.expire(expired.id);
  await stripe.customers.update(customer.id, { name: 'Ada' });
  const gone = await stripe.customers.create({});
  await stripe.customers.del(gone.id);
  await stripe.products.update(product.id, { description: 'many' });
  await stripe.prices.update(price.id, { nickname: 'small' });
  await stripe.products.del((await stripe.products.create({ name: 'x' })).id);
  await stripe.webhookEndpoints.create({ url: 'http://127.0.0.1:1/', enabled_events: ['charge.updated'] });
  return { simulator, paid: paid.id, gone: gone.id };
}

/** Methods that are saved, changed and let go; and what is charged while nobody is there. */
async function playSavedMethods(simulator: Simulator, stripe: Stripe) {
  const { id: customer } = await stripe.customers.create({
    payment_method: 'pm_card_authenticationRequired',
  });
  const [card] = (await stripe.customers.listPaymentMethods(customer)).data;
  await stripe.paymentMethods.attach('pm_usBankAccount', { customer });
  await stripe.paymentMethods.attach('pm_sepaDebit', { customer });
  await stripe.paymentMethods.update(card!.id, { metadata: { a: '1' } });
  const params = { amount: 1000, currency: 'usd', customer, payment_method: card!.id, confirm: true };
  await refusalOf(stripe.paymentIntents.create({ ...params, off_session: true }));
  const asked = await stripe.paymentIntents.create(params);
  simulator.authenticate(asked.id, 'fail');
  const hold = { amount: 1000, currency: 'usd', payment_method: 'pm_card_visa', confirm: true };
  const held = await stripe.paymentIntents.create({ ...hold, capture_method: 'manual' });
  await stripe.paymentIntents.capture(held.id);
  const dropped = await stripe.paymentIntents.create({ ...hold, capture_method: 'manual' });
  await stripe.paymentIntents.cancel(dropped.id);
  await stripe.paymentIntents.create(params); // waits for its holder
  await stripe.setupIntents.create({ customer, payment_method: 'pm_card_visa', confirm: true });
  const setup = await stripe.setupIntents.create({ customer, payment_method: card!.id, confirm: true });
  simulator.authenticateSetup(setup.id, 'fail');
  await stripe.setupIntents.cancel(setup.id);
  const saving = { customer, mode: 'setup', success_url: 'http://shop.test/thanks' } as const;
  simulator.pay((await stripe.checkout.sessions.create(saving)).id);
  const { configuration } = await stripe.billingPortal.sessions.create({ customer });
  await stripe.billingPortal.configurations.update(String(configuration), { name: 'Shop' });
  const gone = await stripe.paymentMethods.attach('pm_card_visa', { customer });
  await stripe.paymentMethods.detach(gone.id);
}

test('every list, every object in it and every event can be read again', async (t) => {
  const { simulator, gone } = await playScenes();
  t.after(() => simulator.stop());
  const answers = await readAll(simulator.url, gone);
  assert.ok(answers.length > 60);
  assert.equal(new Set(simulator.events().map(({ type }) => type)).size, 44);
});

if (folder !== undefined) {
  test('every answer and every event keeps to the contract', async (t) => {
    const { simulator, gone } = await playScenes();
    t.after(() => simulator.stop());
    const contract = JSON.parse(readFileSync(join(folder, 'openapi-endive.json'), 'utf8'));
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(contract, 'contract');
    const problems: string[] = [];
    const check = (pointer: string, what: string, value: unknown) => {
      const validate = ajv.getSchema(`contract#${pointer}`);
      assert.ok(validate !== undefined, `the contract has nothing at ${pointer}`);
      assert.ok(!validate({}), `the contract takes anything at ${pointer}`);
      if (!validate(value)) problems.push(`${what}: ${ajv.errorsText(validate.errors)}`);
    };
    for (const { template, path, body } of await readAll(simulator.url, gone)) {
      const content = 'responses/200/content/application~1json/schema';
      check(`/paths/${template.replaceAll('/', '~1')}/get/${content}`, path, body);
    }
    for (const event of simulator.events()) {
      const content = 'post/requestBody/content/application~1json/schema';
      check(`/webhooks/${event.type}/${content}`, event.type, JSON.parse(JSON.stringify(event)));
    }
    assert.deepEqual(problems, []);
  });
}

type Answer = { template: string; path: string; body: { data?: { id: string }[] } };

async function readAll(url: string, deletedCustomer: string): Promise<Answer[]> {
  const answers: Answer[] = [];
  const read = async (template: string, path: string) => {
    const response = await fetch(url + path, { headers: KEY });
    const body = (await response.json()) as Answer['body'];
    assert.equal(response.status, 200, path);
    answers.push({ template, path, body });
    return body;
  };
  const resources =
    'customers products prices checkout/sessions payment_intents setup_intents billing_portal/configurations charges refunds disputes events webhook_endpoints';
  for (const resource of resources.split(' ')) {
    const { data = [] } = await read(`/v1/${resource}`, `/v1/${resource}?limit=100`);
    for (const { id } of data) await read(`/v1/${resource}/{id}`, `/v1/${resource}/${id}`);
    if (resource !== 'checkout/sessions') continue;
    for (const { id } of data) {
      await read(`/v1/${resource}/{id}/line_items`, `/v1/${resource}/${id}/line_items`);
      const expansions = ['customer', 'line_items.data.price.product', 'payment_intent.latest_charge'];
      const query = expansions.map((path) => `expand[]=${path}`).join('&');
      await read(`/v1/${resource}/{id}`, `/v1/${resource}/${id}?${query}`);
    }
  }
  for (const { id } of (await read('/v1/customers', '/v1/customers?limit=100')).data ?? []) {
    const methods = await read('/v1/customers/{id}/payment_methods', `/v1/customers/${id}/payment_methods`);
    for (const { id: method } of methods.data ?? []) {
      const path = `/v1/customers/${id}/payment_methods/${method}`;
      await read('/v1/customers/{customerId}/payment_methods/{id}', path);
    }
  }
  for (const { payment_method: id } of await chargesOf(url)) {
    await read('/v1/payment_methods/{id}', `/v1/payment_methods/${id}`);
  }
  await read('/v1/customers/{id}', `/v1/customers/${deletedCustomer}`);
  return answers;
}

async function chargesOf(url: string): Promise<{ payment_method: string }[]> {
  const response = await fetch(`${url}/v1/charges`, { headers: KEY });
  return ((await response.json()) as { data: { payment_method: string }[] }).data;
}
