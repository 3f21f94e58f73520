import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { openShop, type Shop } from '../shop.ts';

suite('41: the invoice that comes next', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  test('has no id yet: its event is kept, and nothing else', async () => {
    const customer = await shop.customer();
    const { items } = await shop.subscribe(customer);
    await shop.advanceTo(new Date(items.data[0]!.current_period_end * 1000 - 6 * 86_400_000));
    const upcoming = shop.simulator.events().find(({ type }) => type === 'invoice.upcoming')!;
    assert.equal('id' in upcoming.data.object, false);
    const delivered = shop.simulator.deliveries().filter(({ event }) => event === upcoming.id);
    assert.deepEqual(
      delivered.map(({ status }) => status),
      [200],
    );
    const { rows } = await shop.database.pool.query(
      'select status, "objectId" from "StripeEvent" where id = $1',
      [upcoming.id],
    );
    assert.deepEqual(rows, [{ status: 'IGNORED', objectId: null }]);
    const { rows: payments } = await shop.database.pool.query(
      'select count(*)::int from "Payment" where "workspaceId" = $1',
      [customer.workspaceId],
    );
    assert.deepEqual(payments, [{ count: 1 }]);
  });
});
