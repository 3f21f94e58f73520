import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { openShop, type Shop } from '../shop.ts';

suite('33: a customer who is deleted at Stripe', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  test('ends the plan, and leaves what was bought; a new purchase is by a new customer', async () => {
    const customer = await shop.customer();
    await shop.buy(customer);
    const { customer: before } = await shop.subscribe(customer);
    const { stripe } = shop.services;
    await stripe.customers.del(String(before));
    await shop.idle();
    const ended = await shop.workspace(customer);
    assert.deepEqual([ended.plan, ended.subscription!.status], ['FREE', 'CANCELED']);
    assert.equal(ended.credit.balance, 1500);
    const { customer: after } = await shop.subscribe(customer, { plan: 'BASIC' });
    assert.notEqual(after, before);
    const { plan, subscription, credit } = await shop.workspace(customer);
    assert.deepEqual([plan, subscription!.status, credit.balance], ['BASIC', 'ACTIVE', 1600]);
    const { rows } = await shop.database.pool.query(
      'select amount::float, status from "Payment" where "workspaceId" = $1 order by id',
      [customer.workspaceId],
    );
    assert.deepEqual(rows, [
      { amount: 10, status: 'SUCCEEDED' },
      { amount: 20, status: 'SUCCEEDED' },
      { amount: 10, status: 'SUCCEEDED' },
    ]);
  });

  test('and what was paid before is booked, also of a subscription that is not the last, and that nobody told of', async () => {
    const customer = await shop.customer();
    const { id, customer: payer } = await shop.subscribe(customer, { plan: 'BASIC', trialDays: 5 });
    shop.simulator.setFaults({ webhooks: { drop: 1 } });
    await shop.advance(5);
    await shop.advance(0.1);
    shop.simulator.setFaults();
    const { stripe } = shop.services;
    await stripe.subscriptions.cancel(id);
    await shop.idle();
    await shop.subscribe(customer, { plan: 'PRO' });
    await stripe.customers.del(String(payer));
    await shop.idle();
    const { rows } = await shop.database.pool.query(
      'select amount::float, status from "Payment" where "workspaceId" = $1 order by amount',
      [customer.workspaceId],
    );
    assert.deepEqual(rows, [
      { amount: 10, status: 'SUCCEEDED' },
      { amount: 20, status: 'SUCCEEDED' },
    ]);
  });

  test('and what was paid before can still be refunded', async () => {
    const customer = await shop.customer();
    const { charge } = await shop.buy(customer);
    const { rows } = await shop.database.pool.query(
      'select "customerId" from "PaymentUser" where email = $1',
      [customer.user.email],
    );
    await shop.services.stripe.customers.del(rows[0].customerId);
    await shop.idle();
    await shop.services.stripe.refunds.create({ charge });
    await shop.idle();
    assert.equal((await shop.workspace(customer)).credit.balance, 0);
  });
});
