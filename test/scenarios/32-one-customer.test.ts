import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { openShop, orderOf, type Shop } from '../shop.ts';

suite('32: one person is one customer', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  const customersOf = async (email: string) => {
    const { data } = await shop.services.stripe.customers.list({ email, limit: 100 });
    return data.map(({ id }) => id);
  };

  test('two first checkouts at once, of credits and of a plan: one payer, one customer', async () => {
    const customer = await shop.customer();
    const [credits, plan] = await Promise.all([
      shop.post('/v1/checkout/credits', orderOf(customer, { pack: 'small' })),
      shop.post('/v1/checkout/subscription', orderOf(customer, { plan: 'PRO', interval: 'month' })),
    ]);
    assert.deepEqual([credits.status, plan.status], [201, 201]);
    assert.equal(credits.body.paymentUserId, plan.body.paymentUserId);
    const customers = await customersOf(customer.user.email);
    assert.equal(customers.length, 1);
    const { stripe } = shop.services;
    for (const { body } of [credits, plan]) {
      const session = await stripe.checkout.sessions.retrieve(body.sessionId);
      assert.equal(session.customer, customers[0]);
    }
  });

  test('who pays for two workspaces is one customer, too', async () => {
    const [one, other] = [await shop.customer(), await shop.customer()];
    const same = { ...other, user: one.user };
    const [first, second] = [await shop.subscribe(one), await shop.subscribe(same, { plan: 'BASIC' })];
    assert.equal(first.customer, second.customer);
    assert.equal((await shop.workspace(one)).plan, 'PRO');
    assert.equal((await shop.workspace(other)).plan, 'BASIC');
  });
});
