import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { booksOf, eventAbout, eventsOf, openShop, type Shop } from '../shop.ts';

suite('02: two events with ids of their own about one session', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop.close());

  test('make one grant, and both are applied', async () => {
    const customer = await shop.customer();
    const { sessionId } = await shop.checkout(customer);
    const session = shop.simulator.pay(sessionId);
    await shop.idle();
    for (let i = 0; i < 2; i++) await shop.deliver(eventAbout('checkout.session.completed', session));
    await shop.idle();
    const { balance, grants } = await booksOf(shop, customer.workspaceId);
    assert.deepEqual([balance, grants.length], [1000, 1]);
    const events = await eventsOf(shop, sessionId);
    assert.equal(events.length, 3);
    assert.deepEqual(new Set(events.map(({ status }) => status)), new Set(['APPLIED']));
  });

  test('many of them at once, of several types, make one grant', async () => {
    const customer = await shop.customer();
    const { sessionId } = await shop.checkout(customer);
    const session = shop.simulator.pay(sessionId);
    const types = ['checkout.session.completed', 'checkout.session.async_payment_succeeded'];
    const events = Array.from({ length: 10 }, (_, i) => eventAbout(types[i % 2]!, session));
    const answers = await Promise.all(events.map((event) => shop.deliver(event)));
    assert.ok(answers.every(({ status }) => status === 200));
    await shop.idle();
    const { balance, grants } = await booksOf(shop, customer.workspaceId);
    assert.deepEqual([balance, grants.length], [1000, 1]);
  });
});
