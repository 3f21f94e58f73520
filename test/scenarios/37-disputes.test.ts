import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type Customer, eventAbout, openShop, type Shop } from '../shop.ts';

suite('37: a dispute', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop.close());

  const balanceOf = async (customer: Customer) => (await shop.workspace(customer)).credit.balance;

  for (const order of [
    ['charge.dispute.closed', 'charge.dispute.funds_reinstated'],
    ['charge.dispute.funds_reinstated', 'charge.dispute.closed'],
  ]) {
    test(`takes the credits when it is opened, and gives exactly them back when it is won: ${order.join(', ')}`, async () => {
      const customer = await shop.customer();
      const { charge } = await shop.buy(customer, undefined, '4000000000000259');
      assert.equal(await balanceOf(customer), 0);
      const [dispute] = (await shop.services.stripe.disputes.list({ charge })).data;
      const won = shop.simulator.moveDispute(dispute!.id, 'won');
      for (const type of order) {
        await shop.deliver(eventAbout(type, won));
        await shop.idle();
        assert.equal(await balanceOf(customer), 1000);
      }
    });
  }

  test('of a part that is lost takes that part once', async () => {
    const customer = await shop.customer();
    const { charge } = await shop.buy(customer);
    const { id } = shop.simulator.dispute(charge, { amount: 250 });
    await shop.idle();
    assert.equal(await balanceOf(customer), 750);
    const lost = shop.simulator.moveDispute(id, 'lost');
    await shop.idle();
    await shop.deliver(eventAbout('charge.dispute.closed', lost));
    await shop.idle();
    assert.equal(await balanceOf(customer), 750);
  });

  test('that is an inquiry takes nothing, until it is more', async () => {
    const customer = await shop.customer();
    const { charge } = await shop.buy(customer, undefined, '4000000000001976');
    assert.equal(await balanceOf(customer), 1000);
    const [inquiry] = (await shop.services.stripe.disputes.list({ charge })).data;
    shop.simulator.moveDispute(inquiry!.id, 'needs_response');
    await shop.idle();
    assert.equal(await balanceOf(customer), 0);
    shop.simulator.moveDispute(inquiry!.id, 'prevented');
    await shop.idle();
    assert.equal(await balanceOf(customer), 1000);
  });

  test('beside a refund of the same charge never takes more than was paid', async () => {
    const customer = await shop.customer();
    const { charge } = await shop.buy(customer);
    await shop.services.stripe.refunds.create({ charge, amount: 400 });
    const dispute = shop.simulator.dispute(charge);
    await shop.idle();
    const { balance, debt } = (await shop.workspace(customer)).credit;
    assert.deepEqual([balance, debt], [0, 0]);
    shop.simulator.moveDispute(dispute.id, 'won');
    await shop.idle();
    assert.equal(await balanceOf(customer), 600);
  });
});
