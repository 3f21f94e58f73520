import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { eventAbout, openShop, type Shop } from '../shop.ts';

suite('38: a dispute that ends a subscription', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  test('ends the plan, and its reason is kept', async () => {
    const customer = await shop.customer();
    const subscription = await shop.subscribe(customer);
    const now = Math.floor(shop.clock.now().getTime() / 1000);
    const ended = {
      ...subscription,
      status: 'canceled',
      canceled_at: now,
      ended_at: now,
      cancellation_details: { ...subscription.cancellation_details, reason: 'payment_disputed' },
    };
    shop.wire.fail(/GET \/v1\/subscriptions\?/, { change: (list) => ({ ...list, data: [ended] }) });
    await shop.deliver(eventAbout('customer.subscription.deleted', ended));
    await shop.idle();
    const { plan, subscription: kept } = await shop.workspace(customer);
    assert.deepEqual([plan, kept!.status, kept!.endReason], ['FREE', 'CANCELED', 'payment_disputed']);
  });
});
