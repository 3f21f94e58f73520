import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { openShop, type Shop } from '../shop.ts';

suite('34: a refund of a part', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({
      // A thousand yen buy a hundred credits.
      catalog: planCatalog(({ credits }) => {
        credits.custom!.jpy = { min: 750, max: 75_000, creditsPerUnit: 0.1 };
      }),
    });
  });
  after(() => shop.close());

  test('takes credits in proportion, to the sixth decimal, and the last one takes exactly the rest', async () => {
    const customer = await shop.customer();
    const { intent } = await shop.buy(customer, { amount: 1000, currency: 'jpy' });
    const { stripe } = shop.services;
    await stripe.refunds.create({ payment_intent: intent, amount: 333 });
    await shop.idle();
    assert.equal((await shop.workspace(customer)).credit.balance, 66.7);
    await stripe.refunds.create({ payment_intent: intent, amount: 667 });
    await shop.idle();
    assert.equal((await shop.workspace(customer)).credit.balance, 0);
  });

  test('of an invoice takes as much of the plan’s credits, and none of those that were bought', async () => {
    const customer = await shop.customer();
    await shop.buy(customer);
    const { latest_invoice: latest } = await shop.subscribe(customer);
    const { stripe } = shop.services;
    const { payments } = await stripe.invoices.retrieve(String(latest), { expand: ['payments'] });
    const intent = String(payments?.data[0]?.payment.payment_intent);
    assert.equal((await shop.workspace(customer)).credit.balance, 1500);
    await stripe.refunds.create({ payment_intent: intent, amount: 500 });
    await shop.idle();
    assert.equal((await shop.workspace(customer)).credit.balance, 1375);
    await stripe.refunds.create({ payment_intent: intent });
    await shop.idle();
    assert.equal((await shop.workspace(customer)).credit.balance, 1000);
  });
});
