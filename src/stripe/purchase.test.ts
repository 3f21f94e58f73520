import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { booksOf, eventsOf, openShop, type Shop } from '../../test/shop.ts';

let shop: Shop;
before(async () => {
  shop = await openShop();
});
after(() => shop.close());

test('who pays on the page gets the credits, once, with a payment and a record of it', async () => {
  const customer = await shop.customer();
  const checkout = await shop.checkout(customer);
  assert.equal(checkout.amount, 10);
  assert.equal(checkout.currency, 'usd');
  assert.equal(checkout.credits, 1000);
  assert.ok(new Date(checkout.expiresAt) > shop.clock.now());
  const pending = await booksOf(shop, customer.workspaceId);
  assert.deepEqual(pending.payments, [
    { status: 'PENDING', paymentId: checkout.sessionId, amount: 10, currency: 'usd', credits: 1000 },
  ]);
  assert.equal(pending.balance, 0);

  const paid = shop.simulator.pay(checkout.sessionId);
  await shop.settled();

  const books = await booksOf(shop, customer.workspaceId);
  const paymentId = paid.payment_intent as string;
  assert.equal(books.balance, 1000);
  assert.deepEqual(books.checkouts, ['COMPLETE']);
  assert.deepEqual(books.payments, [
    { status: 'SUCCEEDED', paymentId, amount: 10, currency: 'usd', credits: 1000 },
  ]);
  assert.deepEqual(books.records, [{ amount: 1000, type: 'PURCHASE', paymentId }]);
  assert.equal(books.grants.length, 1);
  const [event] = await eventsOf(shop, checkout.sessionId);
  assert.equal(event?.status, 'APPLIED');
});
