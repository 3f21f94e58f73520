import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { booksOf, eventAbout, eventsOf, openShop, type Shop } from '../shop.ts';

suite('11: events of another version of the API', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog(), withoutWebhooks: true });
  });
  after(() => shop.close());

  test('the period of a subscription that is told in the old place is read in the new one', async () => {
    const customer = await shop.customer();
    const { stripe } = shop.services;
    const { body } = await shop.post('/v1/checkout/subscription', {
      ...customer,
      plan: 'PRO',
      interval: 'month',
      successUrl: 'https://shop.test/',
      cancelUrl: 'https://shop.test/',
    });
    const { subscription } = shop.simulator.pay(body.sessionId);
    const { items, ...rest } = await stripe.subscriptions.retrieve(String(subscription));
    const end = items.data[0]!.current_period_end;
    const [{ current_period_end: _, current_period_start: start, ...item }] = items.data as [
      (typeof items.data)[0],
    ];
    const old = {
      ...rest,
      items: { ...items, data: [item] },
      current_period_start: start,
      current_period_end: 1_700_000_000, // what it says counts for nothing
    };
    await shop.deliver(eventAbout('customer.subscription.updated', old, { api_version: '2024-06-20' }));
    await shop.idle();
    const kept = await shop.workspace(customer);
    assert.deepEqual([kept.plan, kept.subscription!.endDate], ['PRO', new Date(end * 1000).toISOString()]);
  });

  test('a session in a shape of years ago is a signal like any other', async () => {
    const customer = await shop.customer();
    const { sessionId } = await shop.checkout(customer);
    const old = { id: sessionId, object: 'checkout.session', payment_status: 'paid', display_items: [] };
    const event = eventAbout('checkout.session.completed', old, { api_version: '2019-12-03' });
    assert.equal((await shop.deliver(event)).status, 200);
    await shop.idle();
    assert.equal((await eventsOf(shop, sessionId))[0]?.status, 'APPLIED');
    assert.equal((await booksOf(shop, customer.workspaceId)).balance, 0);
    shop.simulator.pay(sessionId);
    await shop.deliver(eventAbout('checkout.session.completed', old, { api_version: '2019-12-03' }));
    await shop.idle();
    assert.equal((await booksOf(shop, customer.workspaceId)).balance, 1000);
  });
});
