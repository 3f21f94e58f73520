import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../../test/fixtures/catalog.ts';
import { openShop, type Shop } from '../../test/shop.ts';

suite('a customer that was deleted at Stripe, of which nobody has told', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog(), withoutWebhooks: true });
  });
  after(() => shop.close());

  test('ends its plan when it is replaced, whatever is bought then', async () => {
    const customer = await shop.customer();
    const { sessionId } = await shop.checkout(customer);
    const { customer: payer } = await shop.services.stripe.checkout.sessions.retrieve(sessionId);
    const order = { ...customer, plan: 'PRO', interval: 'month', successUrl: 'https://shop.test/' };
    const { body } = await shop.post('/v1/checkout/subscription', { ...order, cancelUrl: order.successUrl });
    shop.simulator.pay(body.sessionId);
    for (const event of shop.simulator.events()) await shop.deliver(event);
    await shop.idle();
    assert.equal((await shop.workspace(customer)).plan, 'PRO');

    await shop.services.stripe.customers.del(String(payer));
    await shop.checkout(customer);
    const { plan, subscription } = await shop.workspace(customer);
    assert.deepEqual([plan, subscription?.status], ['FREE', 'CANCELED']);
  });
});
