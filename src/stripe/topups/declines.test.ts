import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type Customer, openShop, type Shop } from '../../../test/shop.ts';
import { topUpsOf } from '../../../test/topups.ts';
import { lookAfterTopUps } from './charge.ts';

let shop: Shop;
let topUps: ReturnType<typeof topUpsOf>;
before(async () => {
  shop = await openShop();
  topUps = topUpsOf(shop);
});
beforeEach(() => {
  shop.reports.length = 0;
});
after(() => shop.close());

const HOUR_MS = 3_600_000;

/** A wallet whose card goes bad, and that has asked for a top-up since. */
async function declined(behaviour: string): Promise<Customer> {
  const customer = await topUps.begin();
  await topUps.setCard(customer, behaviour);
  await shop.spend(customer, 200);
  return customer;
}

async function hoursLater(hours: number): Promise<void> {
  await shop.idle(); // whose row a webhook holds just then is looked after a minute later
  shop.clock.offsetMs += hours * HOUR_MS;
  await lookAfterTopUps(shop.services);
}

for (const code of ['lost_card', 'stolen_card', 'fraudulent', 'expired_card', 'incorrect_cvc']) {
  test(`${code}: stops at once, and says so once`, async () => {
    const customer = await declined(code);
    await topUps.reaches(customer, 'STOPPED');
    const { why, nextTryAt } = await topUps.read(customer);
    assert.deepEqual([why, nextTryAt], [code, null]);
    await shop.spend(customer, 100);
    await hoursLater(100);
    await shop.idle();
    assert.deepEqual(await topUps.payments(customer), ['FAILED']);
    assert.equal(shop.reports.length, 1);
    assert.match(shop.reports[0]!, new RegExp(`${customer.workspaceId} has stopped: ${code}`));
  });
}

for (const code of ['insufficient_funds', 'generic_decline', 'processing_error', 'card_velocity_exceeded']) {
  test(`${code}: is tried again, ever later, and then stops`, async () => {
    const customer = await declined(code);
    for (const [declines, hours] of [1, 6, 24, 72].entries()) {
      await topUps.reaches(customer, 'BACKING_OFF');
      const { why, nextTryAt } = await topUps.read(customer);
      assert.equal(why, code);
      assert.ok(Math.abs(Date.parse(nextTryAt!) - shop.clock.now().getTime() - hours * HOUR_MS) < 60_000);
      await hoursLater(hours - 0.1);
      assert.equal((await topUps.read(customer)).status, 'BACKING_OFF');
      assert.equal((await topUps.payments(customer)).length, declines + 1);
      assert.deepEqual(shop.reports, []);
      await hoursLater(0.1);
    }
    await topUps.reaches(customer, 'STOPPED');
    await hoursLater(1000);
    await shop.idle();
    assert.deepEqual(await topUps.payments(customer), Array(5).fill('FAILED'));
    assert.equal(shop.reports.length, 1);
    assert.equal((await topUps.intents(customer)).length, 5);
  });
}

test('a card that is good again with the next try pays, and the pauses begin anew', async () => {
  const customer = await declined('insufficient_funds');
  await topUps.reaches(customer, 'BACKING_OFF');
  await topUps.setCard(customer, null);
  await hoursLater(1);
  await topUps.has(customer, 1800);
  await topUps.setCard(customer, 'insufficient_funds');
  await shop.spend(customer, 1000);
  await topUps.reaches(customer, 'BACKING_OFF');
  const { nextTryAt } = await topUps.read(customer);
  assert.ok(Date.parse(nextTryAt!) - shop.clock.now().getTime() <= HOUR_MS);
});

for (const [behaviour, status] of [
  ['lost_card', 'STOPPED'],
  ['insufficient_funds', 'BACKING_OFF'],
  ['authentication_required', 'ACTION_REQUIRED'],
] as const) {
  test(`${status} goes on at once with another card`, async () => {
    const customer = await declined(behaviour);
    await topUps.reaches(customer, status);
    await topUps.addCard(customer);
    await topUps.has(customer, 1800);
    await topUps.reaches(customer, 'READY');
    await shop.idle();
    assert.deepEqual(await topUps.payments(customer), ['FAILED', 'SUCCEEDED']);
  });
}

test('the last second of a month counts for it, and the first of the next one begins anew', async () => {
  const customer = await topUps.begin({ monthlyMax: 10 });
  const end = Date.UTC(shop.clock.now().getUTCFullYear(), shop.clock.now().getUTCMonth() + 1);
  shop.clock.offsetMs += end - 5_000 - shop.clock.now().getTime();
  await shop.spend(customer, 200);
  await topUps.has(customer, 1800);
  await shop.spend(customer, 1000);
  await topUps.reaches(customer, 'BACKING_OFF');
  const { nextTryAt } = await topUps.read(customer);
  assert.equal(nextTryAt, new Date(end).toISOString());
  shop.clock.offsetMs += Math.max(0, end - shop.clock.now().getTime());
  await shop.idle();
  await lookAfterTopUps(shop.services);
  await topUps.has(customer, 1800);
  const { spentThisMonth } = await topUps.read(customer);
  assert.deepEqual([spentThisMonth, await topUps.payments(customer)], [10, ['SUCCEEDED', 'SUCCEEDED']]);
});

test('one payer, two wallets: another card lets both go on', async () => {
  const first = await declined('lost_card');
  const second = { ...first, workspaceId: (await shop.customer()).workspaceId };
  await topUps.put(second);
  for (const customer of [first, second]) await topUps.reaches(customer, 'STOPPED');
  await topUps.addCard(first);
  await topUps.has(first, 1800);
  await topUps.has(second, 1000);
});

test('another default of the customer is another card; any other change of theirs is none', async () => {
  const customer = await topUps.begin();
  const { stripe } = shop.services;
  const id = await topUps.customerIdOf(customer);
  const first = await topUps.cardOf(customer);
  const second = await topUps.addCard(customer);
  await stripe.customers.update(id, { invoice_settings: { default_payment_method: first } });
  await topUps.setCard(customer, 'lost_card'); // the newest, which is not asked
  shop.simulator.setCard(first, 'lost_card');
  await shop.spend(customer, 200);
  await topUps.reaches(customer, 'STOPPED');
  shop.simulator.setCard(second, null);
  await stripe.customers.update(id, { name: 'Ada' });
  await shop.idle();
  assert.equal((await topUps.read(customer)).status, 'STOPPED');
  await stripe.customers.update(id, { invoice_settings: { default_payment_method: second } });
  await topUps.has(customer, 1800);
});

test('a card that was taken away is none, and a new one is', async () => {
  const customer = await topUps.begin();
  await shop.services.stripe.paymentMethods.detach(await topUps.cardOf(customer));
  await shop.spend(customer, 200);
  await topUps.reaches(customer, 'STOPPED');
  assert.equal((await topUps.read(customer)).why, 'no_card');
  await topUps.addCard(customer);
  await topUps.has(customer, 1800);
});

test('a card that is saved on a page of its own pays', async () => {
  const customer = await shop.customer();
  await topUps.put(customer);
  await topUps.reaches(customer, 'STOPPED');
  const urls = { successUrl: 'https://shop.test/a', cancelUrl: 'https://shop.test/b' };
  const { status, body } = await shop.post('/v1/checkout/card', { ...customer, ...urls });
  assert.equal(status, 201, JSON.stringify(body));
  shop.simulator.pay(body.url.split('/').at(-1)!);
  await topUps.has(customer, 1000);
});

test('3D Secure: the payer confirms on a page, and the next payment goes by itself', async () => {
  const customer = await declined('authentication_required');
  await topUps.reaches(customer, 'ACTION_REQUIRED');
  assert.equal((await topUps.read(customer)).link, null);
  assert.equal(shop.reports.length, 1);
  const { status, body } = await topUps.page(customer);
  assert.equal(status, 200);
  assert.deepEqual((await topUps.page(customer)).body.link, body.link); // it is one page
  shop.simulator.pay(body.link.url.split('/').at(-1)!);
  await topUps.has(customer, 1800);
  await shop.idle();
  assert.equal((await topUps.read(customer)).status, 'READY');
  assert.deepEqual(await topUps.payments(customer), ['FAILED', 'SUCCEEDED']);
  await shop.spend(customer, 1000);
  await topUps.has(customer, 1800);
  assert.equal((await topUps.intents(customer)).length, 2); // the declined one, and this
});

test('a page that is open is closed before another card pays; one that was paid counts', async () => {
  const customer = await declined('authentication_required');
  await topUps.reaches(customer, 'ACTION_REQUIRED');
  const { link } = (await topUps.page(customer)).body;
  await topUps.addCard(customer);
  await topUps.has(customer, 1800);
  await shop.idle();
  assert.deepEqual(await topUps.payments(customer), ['FAILED', 'FAILED', 'SUCCEEDED']);
  assert.throws(() => shop.simulator.pay(link.url.split('/').at(-1)!), /can no longer be paid/);
  assert.equal((await topUps.read(customer)).spentThisMonth, 10);
});

test('a page that nobody paid on leaves the top-up as it was', async () => {
  const customer = await declined('lost_card');
  await topUps.reaches(customer, 'STOPPED');
  await topUps.page(customer);
  shop.clock.offsetMs += 25 * HOUR_MS;
  shop.simulator.tick();
  await shop.idle();
  const { status, why, link } = await topUps.read(customer);
  assert.deepEqual([status, why, link], ['STOPPED', 'lost_card', null]);
  assert.ok((await topUps.page(customer)).body.link);
});

test('a page is refused where nothing is to be paid', async () => {
  const customer = await topUps.begin();
  const { status, body } = await topUps.page(customer);
  assert.deepEqual([status, body.error.code], [409, 'nothing_to_pay']);
  assert.equal((await topUps.page(await shop.customer())).status, 404);
});
