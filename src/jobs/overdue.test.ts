import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../../test/fixtures/catalog.ts';
import { type Customer, openShop, orderOf, type Shop } from '../../test/shop.ts';
import { rereadCheckouts, rereadSubscriptions } from './tasks.ts';

suite('where no webhook ever comes', () => {
  let deaf: Shop;
  let customer: Customer;
  before(async () => {
    deaf = await openShop({ catalog: planCatalog(), withoutWebhooks: true });
    customer = await deaf.customer();
    const order = orderOf(customer, { plan: 'PRO', interval: 'month' });
    const { body } = await deaf.post('/v1/checkout/subscription', order);
    deaf.simulator.pay(body.sessionId);
  });
  after(() => deaf.close());

  test('a plan that was paid is had once its page is read again', async () => {
    assert.equal((await deaf.workspace(customer)).plan, 'FREE');
    await deaf.advance(0.01);
    await rereadCheckouts(deaf.services);
    const { plan, credit } = await deaf.workspace(customer);
    assert.deepEqual([plan, credit.balance], ['PRO', 500]);
  });

  test('a renewal, and an end, are heard of once they are overdue', async () => {
    const { subscription: before } = await deaf.workspace(customer);
    await deaf.advance(32);
    await rereadSubscriptions(deaf.services);
    const { subscription: renewed } = await deaf.workspace(customer);
    assert(Date.parse(renewed!.endDate) > Date.parse(before!.endDate));
    await deaf.services.stripe.subscriptions.update(renewed!.subscriptionId, { cancel_at_period_end: true });
    await deaf.advance(32);
    await rereadSubscriptions(deaf.services);
    const { subscription: ended, plan } = await deaf.workspace(customer);
    assert.deepEqual([plan, ended!.status, ended!.endDate], ['FREE', 'CANCELED', renewed!.endDate]);
  });
});
