import assert from 'node:assert/strict';
import { test } from 'node:test';
import { payer, refusalOf, useShop } from '../testing.ts';

const NOW = '2026-11-25T00:00:00Z';
const FROZEN = '2027-01-31T12:00:00Z';
const at = (iso: string) => Date.parse(iso) / 1000;

async function useClock(t: Parameters<typeof useShop>[0]) {
  const shop = await useShop(t, NOW);
  const { prices, stripe } = shop;
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: at(FROZEN), name: 'A year' });
  const customer = await stripe.customers.create({
    test_clock: clock.id,
    payment_method: 'pm_card_visa',
    invoice_settings: { default_payment_method: 'pm_card_visa' },
  });
  const subscription = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: prices.pro }],
  });
  return { ...shop, testClock: clock.id, customer, subscription };
}

test('whoever has a test clock lives by it', async (t) => {
  const { testClock, customer, subscription } = await useClock(t);
  assert.deepEqual([customer.created, customer.test_clock], [at(FROZEN), testClock]);
  assert.deepEqual(
    [subscription.created, subscription.test_clock, subscription.items.data[0]?.current_period_end],
    [at(FROZEN), testClock, at('2027-02-28T12:00:00Z')],
  );
});

test('its time passes when it is advanced, and nobody else grows older', async (t) => {
  const { prices, simulator, stripe, testClock, subscription } = await useClock(t);
  const other = await stripe.subscriptions.create({
    customer: await payer(stripe),
    items: [{ price: prices.pro }],
  });
  const target = at('2027-03-31T13:00:00Z');
  const advancing = await stripe.testHelpers.testClocks.advance(testClock, { frozen_time: target });
  assert.deepEqual(
    [advancing.status, advancing.status_details.advancing?.target_frozen_time],
    ['advancing', target],
  );
  assert.match(
    (await refusalOf(stripe.testHelpers.testClocks.advance(testClock, { frozen_time: target + 1 }))).message,
    /advancing already/,
  );
  simulator.tick();
  const ready = await stripe.testHelpers.testClocks.retrieve(testClock);
  assert.deepEqual([ready.status, ready.frozen_time], ['ready', target]);
  const invoices = (await stripe.invoices.list({ subscription: subscription.id })).data;
  assert.deepEqual(
    invoices.map(({ created, status }) => [created, status]),
    [
      [at('2027-03-31T12:00:00Z'), 'paid'],
      [at('2027-02-28T12:00:00Z'), 'paid'],
      [at(FROZEN), 'paid'],
    ],
  );
  assert.deepEqual(
    (await stripe.subscriptions.retrieve(other.id)).items.data[0]?.current_period_end,
    at('2026-12-25T00:00:00Z'),
  );
  const events = simulator.events().map(({ type, created }) => [type, created]);
  assert.deepEqual(events.at(-1), ['test_helpers.test_clock.ready', at(NOW)]);
  assert.ok(
    events.every(([, created]) => created === at(NOW)),
    'events tell the real time',
  );
});

test('a clock takes its customers with it', async (t) => {
  const { stripe, testClock, customer, subscription } = await useClock(t);
  await stripe.testHelpers.testClocks.del(testClock);
  assert.equal((await stripe.customers.retrieve(customer.id)).deleted, true);
  assert.equal((await stripe.subscriptions.retrieve(subscription.id)).status, 'canceled');
  assert.equal((await stripe.testHelpers.testClocks.list()).data.length, 0);
});
