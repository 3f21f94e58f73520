import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { eventsOf, openShop, type Shop } from '../shop.ts';

suite('35: a refund that fails after it looked well', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop.close());

  test('gives the credits back, once, however often it is told of', async () => {
    const customer = await shop.customer();
    const { charge, intent } = await shop.buy(customer);
    const refund = await shop.services.stripe.refunds.create({ charge, amount: 400 });
    assert.equal(refund.status, 'succeeded');
    await shop.idle();
    assert.equal((await shop.workspace(customer)).credit.balance, 600);
    shop.simulator.failRefund(refund.id);
    await shop.idle();
    assert.equal((await shop.workspace(customer)).credit.balance, 1000);
    for (const { id } of await eventsOf(shop, intent)) await shop.simulator.redeliver(id, 3);
    await shop.idle();
    assert.equal((await shop.workspace(customer)).credit.balance, 1000);
  });

  test('that waits for a bank counts as long as it waits', async () => {
    const customer = await shop.customer();
    const { charge } = await shop.buy(customer, undefined, '4000000000007726');
    const { id, status } = await shop.services.stripe.refunds.create({ charge, amount: 250 });
    assert.equal(status, 'pending');
    await shop.idle();
    assert.equal((await shop.workspace(customer)).credit.balance, 750);
    shop.simulator.failRefund(id);
    await shop.idle();
    assert.equal((await shop.workspace(customer)).credit.balance, 1000);
  });
});
