import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { booksOf, openShop, type Shop } from '../shop.ts';

suite('19: a payment whose bank takes its time', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop.close());

  for (const [outcome, checkout, payment, balance] of [
    ['succeed', 'COMPLETE', 'SUCCEEDED', 1000],
    ['fail', 'FAILED', 'FAILED', 0],
  ] as const) {
    test(`grants nothing when the page is complete; the bank lets it ${outcome}: ${balance} credits`, async () => {
      const customer = await shop.customer();
      const { sessionId } = await shop.checkout(customer);
      const complete = shop.simulator.pay(sessionId, { delayed: true });
      assert.deepEqual([complete.status, complete.payment_status], ['complete', 'unpaid']);
      await shop.idle();
      const waiting = await booksOf(shop, customer.workspaceId);
      assert.deepEqual([waiting.balance, waiting.checkouts], [0, ['OPEN']]);
      assert.equal(waiting.payments[0]?.paymentId, complete.payment_intent);
      shop.simulator.settleDelayed(sessionId, outcome);
      await shop.idle();
      const books = await booksOf(shop, customer.workspaceId);
      assert.deepEqual(
        [books.balance, books.checkouts, books.payments[0]?.status],
        [balance, [checkout], payment],
      );
      assert.equal(books.grants.length, balance === 0 ? 0 : 1);
    });
  }
});
