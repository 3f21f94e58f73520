import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { newId } from '../../src/lib/ids.ts';
import { planCatalog } from '../fixtures/catalog.ts';
import { eventAbout, eventsOf, openShop, type Shop, until } from '../shop.ts';

suite('18: what Stripe may add one day', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  test('an event of an unknown type is answered 200, kept and ignored', async () => {
    const event = eventAbout('galaxy.collided', { id: newId('gal'), object: 'galaxy' });
    assert.equal((await shop.deliver(event)).status, 200);
    const { rows } = await shop.database.pool.query('select status from "StripeEvent" where id = $1', [
      event.id,
    ]);
    assert.deepEqual(rows, [{ status: 'IGNORED' }]);
  });

  test('a subscription in an unknown status stays as it was, and an operator is told', async () => {
    const customer = await shop.customer();
    const subscription = await shop.subscribe(customer);
    const before = await shop.workspace(customer);
    shop.reports.length = 0;
    shop.wire.fail(/GET \/v1\/subscriptions\?/, {
      change: (list) => ({ ...list, data: list.data.map((one: object) => ({ ...one, status: 'some_new' })) }),
    });
    const event = eventAbout('customer.subscription.updated', { ...subscription, status: 'some_new' });
    assert.equal((await shop.deliver(event)).status, 200);
    await shop.idle();
    assert.deepEqual(await shop.workspace(customer), before);
    const kept = (await eventsOf(shop, String(subscription.customer))).find(({ id }) => id === event.id);
    assert.equal(kept?.status, 'FAILED');
    await until(() => /status of the subscription is not known: some_new/.test(shop.reports.join()));
  });
});
