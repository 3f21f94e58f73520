import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { openShop, orderOf, type Shop } from '../shop.ts';

suite('46: less than can be charged, and nothing', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  test('a pack for 0.30 USD is refused with the catalog', () => {
    assert.throws(
      () =>
        planCatalog(({ credits }) => {
          credits.packs!.tiny = { name: 'Thirty credits', credits: 30, price: { usd: 0.3 } };
        }),
      /credits\.packs\.tiny.*0\.5/s,
    );
  });

  test('so is an amount of 0.30 USD that a buyer asks for', async () => {
    const order = orderOf(await shop.customer(), { amount: 0.3, currency: 'usd' });
    const { status, body } = await shop.post('/v1/checkout/credits', order);
    assert.deepEqual([status, body.error.code, body.error.param], [400, 'invalid_request', 'amount']);
  });

  test('a renewal that a coupon makes free is paid with nothing, and gives its credits', async () => {
    const customer = await shop.customer();
    const { id, items } = await shop.subscribe(customer);
    const { stripe } = shop.services;
    const coupon = await stripe.coupons.create({ percent_off: 100, duration: 'forever' });
    await stripe.subscriptions.update(id, { discounts: [{ coupon: coupon.id }] });
    await shop.advanceTo(new Date(items.data[0]!.current_period_end * 1000 + 3_700_000));
    const { latest_invoice: latest } = await stripe.subscriptions.retrieve(id);
    const invoice = await stripe.invoices.retrieve(String(latest));
    assert.deepEqual([invoice.status, invoice.amount_due], ['paid', 0]);
    const { plan, subscription, credit } = await shop.workspace(customer);
    assert.deepEqual([plan, subscription!.status, credit.balance], ['PRO', 'ACTIVE', 500]);
    const { rows } = await shop.database.pool.query(
      'select count(*)::int from "Payment" where "workspaceId" = $1',
      [customer.workspaceId],
    );
    assert.deepEqual(rows, [{ count: 1 }]);
  });
});
