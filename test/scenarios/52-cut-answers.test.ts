import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { openShop, type Shop } from '../shop.ts';

suite('52: an answer that is cut off, or never comes', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ timeoutMs: 300 });
  });
  after(() => shop.close());

  for (const lose of ['cut', 'hang'] as const) {
    test(`${lose}: asked for again with the same key, it is one session`, async () => {
      const customer = await shop.customer();
      shop.wire.fail(/POST \/v1\/checkout\/sessions$/, { lose });
      const { sessionId } = await shop.checkout(customer);
      const { stripe } = shop.services;
      const { customer: payer } = await stripe.checkout.sessions.retrieve(sessionId);
      const { data } = await stripe.checkout.sessions.list({ customer: String(payer) });
      assert.deepEqual(
        data.map(({ id }) => id),
        [sessionId],
      );
    });
  }
});
