import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { eventAbout, eventsOf, openShop, orderOf, type Shop } from '../shop.ts';

const tooMany = {
  status: 429,
  headers: { 'stripe-rate-limited-reason': 'global-rate' },
  body: '{"error":{"type":"rate_limit_error","message":"Slow down."}}',
};

suite('50: Stripe lets us wait', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  test('three times too many calls, and the fourth is one session', async () => {
    const customer = await shop.customer();
    shop.wire.fail(/POST \/v1\/checkout\/sessions$/, tooMany, tooMany, tooMany);
    const order = orderOf(customer, { plan: 'PRO', interval: 'month' });
    const { status, body } = await shop.post('/v1/checkout/subscription', order);
    assert.equal(status, 201);
    const { stripe } = shop.services;
    const { customer: payer } = await stripe.checkout.sessions.retrieve(body.sessionId);
    const { data } = await stripe.checkout.sessions.list({ customer: String(payer) });
    assert.equal(data.length, 1);
  });

  test('a thousand events of one subscription are closed by few readings', async () => {
    const customer = await shop.customer();
    const subscription = await shop.subscribe(customer);
    await shop.jobs!.stop();
    for (let batch = 0; batch < 20; batch++) {
      const events = Array.from({ length: 50 }, () =>
        eventAbout('customer.subscription.updated', subscription),
      );
      const answers = await Promise.all(events.map((event) => shop.deliver(event)));
      assert.ok(answers.every(({ status }) => status === 200));
    }
    shop.wire.calls.length = 0;
    await shop.startJobs();
    await shop.idle();
    assert.ok(shop.wire.calls.length <= 10, `${shop.wire.calls.length} readings`);
    const events = (await eventsOf(shop, String(subscription.customer))).filter(({ type }) =>
      type.startsWith('customer.subscription.'),
    );
    assert.ok(events.length >= 1000);
    assert.deepEqual(new Set(events.map(({ status }) => status)), new Set(['APPLIED']));
  });
});
