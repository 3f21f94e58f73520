import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { eventAbout, openShop, type Shop } from '../shop.ts';

suite('47: a price as an object of the SDK, and as a text in an event', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  test('makes the same row, whichever is told of', async () => {
    const customer = await shop.customer();
    const subscription = await shop.subscribe(customer);
    const inApi = subscription.items.data[0]!.price.unit_amount_decimal;
    const told = shop.simulator.events().findLast(({ type }) => type === 'customer.subscription.created')!;
    const inEvent = JSON.parse(JSON.stringify(told)).data.object.items.data[0].price.unit_amount_decimal;
    assert.deepEqual([typeof inApi, typeof inEvent], ['object', 'string']);
    assert.equal(String(inApi), inEvent);
    const before = await shop.workspace(customer);
    await shop.deliver(
      eventAbout('customer.subscription.updated', JSON.parse(JSON.stringify(told)).data.object),
    );
    await shop.idle();
    assert.deepEqual(await shop.workspace(customer), before);
  });
});
