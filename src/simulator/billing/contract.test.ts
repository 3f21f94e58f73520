import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { payer, useShop } from '../testing.ts';

const KEY = { Authorization: 'Bearer sk_test_contract' };
const folder = process.env.TOLLGATE_STRIPE_CONTRACT;
const START = '2027-01-01T00:00:00Z';

type Shop = Awaited<ReturnType<typeof useShop>>;

/** Subscriptions in every state, with what they leave behind; in less than the thirty days that events are kept. */
async function playScenes(t: TestContext) {
  const shop = await useShop(t, START);
  const { clock, moveTo, prices, simulator, stripe } = shop;
  const subscribe = async (card: string, more: object = {}) => {
    const customer = await payer(stripe, card);
    return stripe.subscriptions.create({ customer, items: [{ price: prices.basic }], ...more });
  };
  const changed = await subscribe('pm_card_visa', { metadata: { a: '1' } });
  const items = [{ id: changed.items.data[0]!.id, price: prices.pro }];
  const late = await subscribe('pm_card_visa', {
    billing_cycle_anchor: Date.parse(START) / 1000 + 11 * 86_400,
  });
  await subscribe('pm_card_chargeCustomerFail');
  await subscribe('pm_card_visa', { trial_period_days: 5 });
  const gone = await subscribe('pm_card_visa');
  const paused = await subscribe('pm_card_visa');
  const session = await stripe.checkout.sessions.create({
    mode: 'subscription',
    success_url: 'http://shop.test',
    line_items: [{ price: prices.pro, quantity: 1 }],
  });
  simulator.pay(session.id);
  clock.set('2027-01-10T00:00:00Z');
  await stripe.subscriptions.update(changed.id, { items });
  await stripe.subscriptions.cancel(gone.id, { invoice_now: true, prorate: true });
  await stripe.subscriptions.pause(paused.id);
  await stripe.subscriptions.resume(paused.id);
  await stripe.customers.update(String(late.customer), {
    invoice_settings: {
      default_payment_method: (
        await stripe.paymentMethods.attach('pm_card_threeDSecureRequired', {
          customer: String(late.customer),
        })
      ).id,
    },
  });
  const bad = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', {
    customer: String(changed.customer),
  });
  await stripe.subscriptions.update(changed.id, { default_payment_method: bad.id });
  await stripe.subscriptions.update(changed.id, {
    billing_cycle_anchor: { type: 'now' },
    payment_behavior: 'pending_if_incomplete',
  });
  moveTo('2027-01-11T12:00:00Z');
  await stripe.subscriptions.update(changed.id, {
    billing_cycle_anchor: { type: 'now' },
    payment_behavior: 'pending_if_incomplete',
  });
  const pending = await stripe.subscriptions.retrieve(changed.id);
  await stripe.invoices.pay(String(pending.latest_invoice), { payment_method: 'pm_card_visa' });
  const customer = String(paused.customer);
  await stripe.invoiceItems.create({ customer, amount: 700, currency: 'usd', description: 'Help' });
  const one = await stripe.invoiceItems.create({ customer, amount: 1, currency: 'usd' });
  await stripe.invoiceItems.del(one.id);
  const byHand = await stripe.invoices.create({ customer, pending_invoice_items_behavior: 'include' });
  await stripe.invoices.finalizeInvoice(byHand.id);
  await stripe.invoices.markUncollectible(byHand.id);
  await stripe.invoices.pay(byHand.id, { paid_out_of_band: true });
  const drop = await stripe.invoices.create({ customer });
  await stripe.invoices.del(drop.id);
  await scheduleSome(shop, paused.id, late.id);
  await discountSome(shop);
  const testClock = await stripe.testHelpers.testClocks.create({ frozen_time: 1_800_000_000 });
  await stripe.testHelpers.testClocks.advance(testClock.id, { frozen_time: 1_800_000_001 });
  const done = await stripe.testHelpers.testClocks.create({ frozen_time: 1_800_000_000 });
  await stripe.testHelpers.testClocks.del(done.id);
  moveTo('2027-01-25T00:00:00Z');
  return { ...shop, previewOf: paused.id };
}

/** Schedules that are released, canceled and run out. */
async function scheduleSome({ prices, stripe }: Shop, ...ids: string[]) {
  for (const from_subscription of ids) {
    const { id } = await stripe.subscriptionSchedules.create({ from_subscription });
    await stripe.subscriptionSchedules.update(id, { metadata: { b: '2' } });
    if (from_subscription === ids[0]) await stripe.subscriptionSchedules.release(id);
  }
  const customer = await payer(stripe);
  for (const verb of ['cancel', 'end'] as const) {
    const made = await stripe.subscriptions.create({ customer, items: [{ price: prices.pro }] });
    const { id, phases } = await stripe.subscriptionSchedules.create({ from_subscription: made.id });
    if (verb === 'cancel') await stripe.subscriptionSchedules.cancel(id);
    else {
      const [{ start_date }] = [phases[0]!];
      await stripe.subscriptionSchedules.update(id, {
        end_behavior: 'cancel',
        phases: [{ items: [{ price: prices.pro }], start_date, end_date: start_date + 86_400 }],
      });
    }
  }
}

/** Discounts that are given, used up and taken away. */
async function discountSome({ prices, simulator, stripe }: Shop) {
  const coupon = await stripe.coupons.create({ percent_off: 12.5, duration: 'once', name: 'Spring' });
  await stripe.coupons.update(coupon.id, { name: 'Summer' });
  await stripe.coupons.del((await stripe.coupons.create({ percent_off: 1 })).id);
  const code = await stripe.promotionCodes.create({ promotion: { type: 'coupon', coupon: coupon.id } });
  await stripe.promotionCodes.update(code.id, { metadata: { c: '3' } });
  const session = await stripe.checkout.sessions.create({
    mode: 'subscription',
    discounts: [{ promotion_code: code.id }],
    line_items: [{ price: prices.pro, quantity: 1 }],
    success_url: 'http://shop.test',
  });
  simulator.pay(session.id);
  const forever = await stripe.coupons.create({ amount_off: 100, currency: 'usd', duration: 'forever' });
  await stripe.subscriptions.create({
    customer: await payer(stripe),
    discounts: [{ coupon: forever.id }],
    items: [{ price: prices.basic }],
  });
}

test('every list and every object in it can be read again', async (t) => {
  const { simulator } = await playScenes(t);
  const answers = await readAll(simulator.url);
  assert.ok(answers.length > 60);
  const billing =
    /^(customer\.subscription|invoice|invoiceitem|invoice_payment|subscription_schedule|test_helpers\.test_clock|coupon|promotion_code|customer\.discount)\./;
  const types = new Set(simulator.events().map(({ type }) => type));
  assert.equal([...types].filter((type) => billing.test(type)).length, 38);
});

if (folder !== undefined) {
  test('every answer and every event of Billing keeps to the contract', async (t) => {
    const { simulator, stripe, previewOf } = await playScenes(t);
    const contract = JSON.parse(readFileSync(join(folder, 'openapi-endive.json'), 'utf8'));
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(contract, 'contract');
    const problems: string[] = [];
    const check = (pointer: string, what: string, value: unknown) => {
      const validate = ajv.getSchema(`contract#${pointer}`);
      assert.ok(validate !== undefined, `the contract has nothing at ${pointer}`);
      assert.ok(!validate({}), `the contract takes anything at ${pointer}`);
      if (!validate(JSON.parse(JSON.stringify(value)))) {
        problems.push(`${what}: ${ajv.errorsText(validate.errors)}`);
      }
    };
    const answer = 'responses/200/content/application~1json/schema';
    for (const { template, path, body } of await readAll(simulator.url)) {
      check(`/paths/${template.replaceAll('/', '~1')}/get/${answer}`, path, body);
    }
    const preview = await stripe.invoices.createPreview({ subscription: previewOf });
    check(`/paths/~1v1~1invoices~1create_preview/post/${answer}`, 'preview', preview);
    for (const event of simulator.events()) {
      const { object } = event.data as { object: object };
      // The contract does not know that an invoice which is not there yet has no id.
      const known = event.type === 'invoice.upcoming' ? { ...object, id: 'in_none' } : object;
      const content = 'post/requestBody/content/application~1json/schema';
      const data = { ...event.data, object: known };
      check(`/webhooks/${event.type}/${content}`, event.type, { ...event, data });
    }
    assert.deepEqual(problems, []);
  });
}

type Answer = { template: string; path: string; body: { data?: { id: string }[] } };

async function readAll(url: string): Promise<Answer[]> {
  const answers: Answer[] = [];
  const read = async (template: string, path: string) => {
    const response = await fetch(url + path, { headers: KEY });
    const body = (await response.json()) as Answer['body'];
    assert.equal(response.status, 200, `${path}: ${JSON.stringify(body)}`);
    answers.push({ template, path, body });
    return body;
  };
  for (const [resource, query] of [
    [
      'subscriptions',
      '&status=all&expand[]=data.latest_invoice.payments&expand[]=data.customer&expand[]=data.discounts',
    ],
    ['test_helpers/test_clocks', ''],
    ['coupons', ''],
    ['promotion_codes', '&expand[]=data.promotion.coupon'],
    ['checkout/sessions', '&expand[]=data.subscription&expand[]=data.invoice'],
    ['subscription_schedules', '&expand[]=data.subscription&expand[]=data.phases.items.price'],
    ['invoices', '&expand[]=data.payments.data.payment.payment_intent'],
    ['invoiceitems', ''],
    ['invoice_payments', '&expand[]=data.invoice'],
  ] as const) {
    const { data = [] } = await read(`/v1/${resource}`, `/v1/${resource}?limit=100${query}`);
    for (const { id } of data) await read(`/v1/${resource}/{id}`, `/v1/${resource}/${id}`);
    for (const { id } of data) {
      if (resource === 'invoices') await read('/v1/invoices/{id}/lines', `/v1/invoices/${id}/lines`);
      if (resource !== 'subscriptions') continue;
      const list = await read('/v1/subscription_items', `/v1/subscription_items?subscription=${id}`);
      for (const item of list.data ?? []) {
        await read('/v1/subscription_items/{id}', `/v1/subscription_items/${item.id}`);
      }
    }
  }
  return answers;
}
