import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { booksOf, openShop, orderOf, type Shop } from '../shop.ts';

suite('43: currencies that are sent with two decimals, both of them zero', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({
      catalog: planCatalog((config) => {
        delete config.plans.BASIC;
        delete config.plans.PRO;
        config.credits.packs = {};
        config.credits.custom = {
          usd: { min: 5, max: 500, creditsPerUnit: 1 },
          ugx: { min: 5, max: 75_000, creditsPerUnit: 1 },
          isk: { min: 5, max: 75_000, creditsPerUnit: 1 },
        };
      }),
    });
  });
  after(() => shop.close());

  for (const [amount, currency, atStripe] of [
    [5, 'ugx', 500],
    [5, 'isk', 500],
  ] as const) {
    test(`${amount} ${currency.toUpperCase()} is ${atStripe} at Stripe`, async () => {
      const customer = await shop.customer();
      const { sessionId } = await shop.checkout(customer, { amount, currency });
      assert.equal(shop.simulator.pay(sessionId).amount_total, atStripe);
      await shop.idle();
      const { payments, balance } = await booksOf(shop, customer.workspaceId);
      assert.deepEqual([payments[0]!.amount, payments[0]!.currency, balance], [amount, currency, amount]);
    });
  }

  for (const [amount, currency] of [
    [5.5, 'ugx'],
    [5.01, 'isk'],
  ] as const) {
    test(`${amount} ${currency.toUpperCase()} is no amount of money: refused, and nothing is asked of Stripe`, async () => {
      const calls = shop.wire.calls.length;
      const order = orderOf(await shop.customer(), { amount, currency });
      const { status, body } = await shop.post('/v1/checkout/credits', order);
      assert.deepEqual([status, body.error.code, body.error.param], [400, 'invalid_request', 'amount']);
      assert.equal(shop.wire.calls.length, calls);
    });
  }
});
