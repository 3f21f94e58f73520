import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { eventAbout, openShop, orderOf, type Shop } from '../shop.ts';

suite('24: which subscription an invoice is of, and which invoice a refund', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog(), withoutWebhooks: true });
  });
  after(() => shop.close());

  async function payWithoutWebhooks(customer: { workspaceId: string }) {
    const order = orderOf(customer as Parameters<typeof orderOf>[0], { plan: 'PRO', interval: 'month' });
    const { body } = await shop.post('/v1/checkout/subscription', order);
    const { invoice } = shop.simulator.pay(body.sessionId);
    return shop.services.stripe.invoices.retrieve(String(invoice), { expand: ['payments'] });
  }

  test('an invoice names its subscription in its parent only, and the right one is credited', async () => {
    const [customer, other] = [await shop.customer(), await shop.customer()];
    const [invoice] = [await payWithoutWebhooks(customer), await payWithoutWebhooks(other)];
    assert.equal('subscription' in invoice, false);
    assert.ok(invoice.parent?.subscription_details?.subscription);
    await shop.deliver(eventAbout('invoice.paid', invoice));
    await shop.idle();
    assert.equal((await shop.workspace(customer)).credit.balance, 500);
    assert.equal((await shop.workspace(other)).credit.balance, 0);
  });

  test('a refund of it is found by its payment, even before the invoice was told of', async () => {
    const customer = await shop.customer();
    const invoice = await payWithoutWebhooks(customer);
    const intent = String(invoice.payments?.data[0]?.payment.payment_intent);
    const refund = await shop.services.stripe.refunds.create({ payment_intent: intent, amount: 500 });
    await shop.deliver(eventAbout('refund.created', refund));
    await shop.idle();
    const { plan, credit } = await shop.workspace(customer);
    assert.deepEqual([plan, credit.balance], ['PRO', 375]);
  });
});
