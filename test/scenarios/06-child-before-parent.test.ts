import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { eventAbout, eventsOf, openShop, orderOf, type Shop } from '../shop.ts';

suite('06: an invoice that is told of before its subscription', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog(), withoutWebhooks: true });
  });
  after(() => shop.close());

  test('only invoice.paid comes: plan, payment and credits are there', async () => {
    const customer = await shop.customer();
    const order = orderOf(customer, { plan: 'PRO', interval: 'month' });
    const { body } = await shop.post('/v1/checkout/subscription', order);
    const session = shop.simulator.pay(body.sessionId);
    const invoice = await shop.services.stripe.invoices.retrieve(String(session.invoice));
    const { status } = await shop.deliver(eventAbout('invoice.paid', invoice));
    assert.equal(status, 200);
    await shop.idle();
    assert.deepEqual(
      (await eventsOf(shop, invoice.id!)).map(({ status }) => status),
      ['APPLIED'],
    );
    const { plan, subscription, credit } = await shop.workspace(customer);
    assert.deepEqual(
      [plan, subscription!.status, subscription!.subscriptionId, credit.balance],
      ['PRO', 'ACTIVE', session.subscription, 500],
    );
    const { rows } = await shop.database.pool.query(
      'select status, amount::float, "invoiceId" from "Payment" where "workspaceId" = $1',
      [customer.workspaceId],
    );
    assert.deepEqual(rows, [{ status: 'SUCCEEDED', amount: 20, invoiceId: invoice.id }]);
  });
});
