import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { eventAbout, openShop, type Shop } from '../shop.ts';

suite('04: events that come in another order than they happened in', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  test('a subscription that was deleted stays so when an older update says that it is active', async () => {
    const customer = await shop.customer();
    const active = await shop.subscribe(customer);
    const deleted = await shop.services.stripe.subscriptions.cancel(active.id);
    await shop.deliver(eventAbout('customer.subscription.deleted', deleted, { created: 1_790_000_002 }));
    await shop.deliver(eventAbout('customer.subscription.updated', active, { created: 1_790_000_001 }));
    await shop.idle();
    const { plan, subscription } = await shop.workspace(customer);
    assert.deepEqual([plan, subscription!.status], ['FREE', 'CANCELED']);
  });

  test('an upgrade stays when the creation is told of after it', async () => {
    const customer = await shop.customer();
    const before = await shop.subscribe(customer, { plan: 'BASIC' });
    await shop.post(`/v1/subscriptions/${customer.workspaceId}/change`, { plan: 'PRO', interval: 'month' });
    await shop.deliver(eventAbout('customer.subscription.created', before));
    await shop.idle();
    const { plan, credit } = await shop.workspace(customer);
    assert.deepEqual([plan, credit.balance], ['PRO', 500]);
  });
});
