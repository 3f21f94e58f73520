import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { booksOf, openShop, orderOf, type Shop } from '../shop.ts';

type Amount = readonly [amount: number, currency: string];

/** What amounts of currencies are at Stripe, in a shop that sells a credit for a unit of each; and what is none. */
export function chargesIn(
  name: string,
  sold: Record<string, { min: number; max: number }>,
  {
    charged,
    refused,
  }: { charged: readonly (readonly [...Amount, atStripe: number])[]; refused: readonly Amount[] },
): void {
  suite(name, () => {
    let shop: Shop;
    before(async () => {
      shop = await openShop({
        catalog: planCatalog((config) => {
          delete config.plans.BASIC;
          delete config.plans.PRO;
          config.credits.packs = {};
          config.credits.custom = { usd: { min: 5, max: 500, creditsPerUnit: 1 } };
          for (const [currency, limits] of Object.entries(sold)) {
            config.credits.custom[currency] = { ...limits, creditsPerUnit: 1 };
          }
        }),
      });
    });
    after(() => shop.close());

    for (const [amount, currency, atStripe] of charged) {
      test(`${amount} ${currency.toUpperCase()} is ${atStripe} at Stripe`, async () => {
        const customer = await shop.customer();
        const { sessionId } = await shop.checkout(customer, { amount, currency });
        assert.equal(shop.simulator.pay(sessionId).amount_total, atStripe);
        await shop.idle();
        const { payments, balance } = await booksOf(shop, customer.workspaceId);
        assert.deepEqual([payments[0]!.amount, payments[0]!.currency, balance], [amount, currency, amount]);
      });
    }

    for (const [amount, currency] of refused) {
      test(`${amount} ${currency.toUpperCase()} is no amount of money: refused, and nothing is asked of Stripe`, async () => {
        const calls = shop.wire.calls.length;
        const order = orderOf(await shop.customer(), { amount, currency });
        const { status, body } = await shop.post('/v1/checkout/credits', order);
        assert.deepEqual([status, body.error.code, body.error.param], [400, 'invalid_request', 'amount']);
        assert.equal(shop.wire.calls.length, calls);
      });
    }
  });
}
