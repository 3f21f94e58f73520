import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { openShop, type Shop } from '../shop.ts';

suite('27: a pause of collection is not a pause of the subscription', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  test('collection is paused: active as before, and no credits while its invoices are void', async () => {
    const customer = await shop.customer();
    const { id } = await shop.subscribe(customer);
    const { stripe } = shop.services;
    await stripe.subscriptions.update(id, { pause_collection: { behavior: 'void' } });
    await shop.advance(31);
    await shop.advance(0.1);
    const paused = await shop.workspace(customer);
    assert.deepEqual([paused.plan, paused.subscription!.status, paused.credit.balance], ['PRO', 'ACTIVE', 0]);
    const { latest_invoice: latest } = await stripe.subscriptions.retrieve(id);
    assert.equal((await stripe.invoices.retrieve(String(latest))).status, 'void');
    await stripe.subscriptions.update(id, { pause_collection: '' });
    await shop.advance(31);
    await shop.advance(0.1);
    assert.equal((await shop.workspace(customer)).credit.balance, 500);
  });

  test('the subscription is paused: FREE, until it is resumed and paid', async () => {
    const customer = await shop.customer();
    const { id } = await shop.subscribe(customer);
    await shop.services.stripe.subscriptions.pause(id, { type: 'subscription' });
    await shop.idle();
    const paused = await shop.workspace(customer);
    assert.deepEqual([paused.plan, paused.subscription!.status], ['FREE', 'UNPAID']);
    await shop.advance(3);
    const { status } = await shop.post(`/v1/subscriptions/${customer.workspaceId}/resume`, {});
    assert.equal(status, 200);
    const resumed = await shop.workspace(customer);
    assert.deepEqual([resumed.plan, resumed.subscription!.status], ['PRO', 'ACTIVE']);
    assert.equal(resumed.credit.balance, 500); // this month's were given before
  });
});
