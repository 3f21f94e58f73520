import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { booksOf, openShop, type Shop } from '../shop.ts';

suite('01: the same event, again and again', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop.close());

  test('delivered twenty times, ten at once: twenty times 200, one grant', async () => {
    const customer = await shop.customer();
    const { sessionId } = await shop.checkout(customer, { amount: 5, currency: 'usd' });
    shop.simulator.pay(sessionId);
    const completed = shop.simulator.events().findLast(({ type }) => type === 'checkout.session.completed')!;
    const deliverTen = () => Promise.all(Array.from({ length: 10 }, () => shop.deliver(completed)));
    const answers = [...(await deliverTen()), ...(await deliverTen())];
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array(20).fill(200),
    );
    await shop.idle();
    const { balance, grants, records } = await booksOf(shop, customer.workspaceId);
    assert.deepEqual([balance, grants.length, records.length], [500, 1, 1]);
  });

  test('delivered again when it has long been applied: 200, and nothing moves', async () => {
    const customer = await shop.customer();
    await shop.buy(customer);
    const before = await booksOf(shop, customer.workspaceId);
    const completed = shop.simulator.events().findLast(({ type }) => type === 'checkout.session.completed')!;
    const attempts = await shop.simulator.redeliver(completed.id, 3);
    assert.deepEqual(
      attempts.map(({ status }) => status),
      [200, 200, 200],
    );
    await shop.idle();
    assert.deepEqual(await booksOf(shop, customer.workspaceId), before);
  });
});
