import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { newId } from '../../src/lib/ids.ts';
import { applyEvent } from '../../src/stripe/apply.ts';
import { commit } from '../../src/stripe/change.ts';
import { readSession } from '../../src/stripe/sessions.ts';
import { booksOf, eventAbout, openShop, type Shop } from '../shop.ts';

suite('20: a purchase that several want to fulfil at once', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop.close());

  test('ten at once, by events and by looking: one grant', async () => {
    const customer = await shop.customer();
    const { sessionId } = await shop.checkout(customer);
    const session = shop.simulator.pay(sessionId);
    const event = eventAbout('checkout.session.completed', session);
    await shop.deliver(event);
    await Promise.all([
      ...Array.from({ length: 5 }, async () =>
        commit(shop.services, await readSession(shop.services, sessionId)),
      ),
      ...Array.from({ length: 5 }, () => applyEvent(shop.services, event.id, { again: true })),
    ]);
    await shop.idle();
    const { balance, grants, records } = await booksOf(shop, customer.workspaceId);
    assert.deepEqual([balance, grants.length, records.length], [1000, 1, 1]);
  });

  test('a page of another payer that names the same checkout is none of it', async () => {
    const customer = await shop.customer();
    const { id } = await shop.checkout(customer);
    const { stripe } = shop.services;
    const forged = await stripe.checkout.sessions.create({
      mode: 'payment',
      client_reference_id: id,
      customer: (await stripe.customers.create({ email: `${newId('mail')}@example.com` })).id,
      line_items: [
        { quantity: 1, price_data: { currency: 'usd', unit_amount: 1000, product_data: { name: 'Mine' } } },
      ],
      success_url: 'https://shop.test/',
    });
    shop.simulator.pay(forged.id);
    await shop.idle();
    assert.equal((await booksOf(shop, customer.workspaceId)).balance, 0);
  });
});
