import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type Stripe from 'stripe';
import { planCatalog } from '../fixtures/catalog.ts';
import { openShop, type Shop } from '../shop.ts';

suite('53: a coupon', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  test('of a quarter: what is paid, and what a preview says, is the price that is left', async () => {
    const customer = await shop.customer();
    const { id, items } = await shop.subscribe(customer);
    const { stripe } = shop.services;
    const coupon = await stripe.coupons.create({ percent_off: 25, duration: 'forever' });
    const discounted = await stripe.subscriptions.update(id, {
      discounts: [{ coupon: coupon.id }],
      expand: ['discounts'],
    });
    const [discount] = discounted.discounts as Stripe.Discount[];
    assert.deepEqual(discount?.source, { coupon: coupon.id, type: 'coupon' });
    const path = `/v1/subscriptions/${customer.workspaceId}/preview`;
    const same = await shop.post(path, { plan: 'PRO', interval: 'month' });
    assert.deepEqual([same.body.money.dueNow, same.body.money.next.amount], [0, 15]);
    const less = await shop.post(path, { plan: 'BASIC', interval: 'month' });
    assert.deepEqual([less.body.money.dueNow, less.body.money.next.amount], [0, 7.5]);
    const more = await shop.post(path, { plan: 'PRO', interval: 'year' });
    assert.equal(more.body.money.next.amount, 149.99);
    await shop.advanceTo(new Date(items.data[0]!.current_period_end * 1000 + 3_700_000));
    const { rows } = await shop.database.pool.query(
      'select amount::float, status from "Payment" where "workspaceId" = $1 order by "createdAt"',
      [customer.workspaceId],
    );
    assert.deepEqual(rows, [
      { amount: 20, status: 'SUCCEEDED' },
      { amount: 15, status: 'SUCCEEDED' },
    ]);
    assert.equal((await shop.workspace(customer)).credit.balance, 500);
  });
});
