import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { openShop, type Shop } from '../shop.ts';

suite('21: more lines than fit into one answer', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  test('an invoice of thirteen lines: that of the plan is found, wherever it stands', async () => {
    const customer = await shop.customer();
    const subscription = await shop.subscribe(customer);
    const { stripe } = shop.services;
    for (let i = 1; i <= 12; i++) {
      await stripe.invoiceItems.create({
        customer: String(subscription.customer),
        subscription: subscription.id,
        amount: 100 + i,
        currency: 'usd',
        description: `work ${i}`,
      });
    }
    await shop.advance(31);
    await shop.advance(0.1);
    const { latest_invoice: latest } = await stripe.subscriptions.retrieve(subscription.id);
    const invoice = await stripe.invoices.retrieve(String(latest));
    assert.deepEqual([invoice.status, invoice.amount_paid], ['paid', 2000 + 1200 + 78]);
    const lines = await stripe.invoices.listLineItems(invoice.id!, { limit: 100 });
    assert.equal(lines.data.length, 13);
    const { rows } = await shop.database.pool.query('select plan from "PaidPeriod" where "invoiceId" = $1', [
      invoice.id,
    ]);
    assert.deepEqual(rows, [{ plan: 'PRO' }]);
    assert.equal((await shop.workspace(customer)).credit.balance, 500);
  });
});
