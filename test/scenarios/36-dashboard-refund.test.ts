import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { openShop, type Shop } from '../shop.ts';

suite('36: a refund that was made in the dashboard', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop.close());

  test('carries nothing of ours, and is found by its payment intent', async () => {
    const customer = await shop.customer();
    const { id, charge } = await shop.buy(customer);
    const refund = await shop.services.stripe.refunds.create({ charge, reason: 'requested_by_customer' });
    assert.deepEqual(refund.metadata, {});
    await shop.idle();
    assert.equal((await shop.workspace(customer)).credit.balance, 0);
    const { rows } = await shop.database.pool.query('select refunded::float from "Payment" where id = $1', [
      id,
    ]);
    assert.deepEqual(rows, [{ refunded: 10 }]);
  });
});
