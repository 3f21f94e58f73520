import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planKey } from '../../src/stripe/catalog/wanted.ts';
import { planCatalog } from '../fixtures/catalog.ts';
import { type Customer, openShop, type Shop } from '../shop.ts';

suite('30: a plan that is changed on the portal', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  /** What the payer does on Stripe's page. */
  async function onPortal(customer: Customer, subscription: string, plan: 'PRO' | 'BASIC'): Promise<void> {
    const { body } = await shop.post('/v1/portal', { ...customer, returnUrl: 'https://shop.test/' });
    const key = planKey({ plan, interval: 'month', currency: 'usd' });
    const { data } = await shop.services.stripe.prices.list({ lookup_keys: [key], limit: 1 });
    const form = new URLSearchParams({ act: 'switch', subscription, price: data[0]!.id });
    const answer = await fetch(body.url, { method: 'POST', body: form, redirect: 'manual' });
    assert.ok(answer.status < 400 || answer.status === 402, await answer.text());
    await shop.idle();
  }

  test('an upgrade that is told of twice is one change, with the credits that the better plan has more', async () => {
    const customer = await shop.customer();
    const { id } = await shop.subscribe(customer, { plan: 'BASIC' });
    assert.equal((await shop.workspace(customer)).credit.balance, 100);
    await onPortal(customer, id, 'PRO');
    const updated = shop.simulator
      .events()
      .findLast(
        ({ type, data }) =>
          type === 'customer.subscription.updated' && 'items' in (data.previous_attributes ?? {}),
      )!;
    await shop.simulator.redeliver(updated.id, 2);
    await shop.idle();
    const { plan, credit } = await shop.workspace(customer);
    assert.deepEqual([plan, credit.balance], ['PRO', 500]);
  });

  test('an upgrade whose payment fails waits, and is nothing once Stripe has given it up', async () => {
    const customer = await shop.customer();
    const { id, customer: payer } = await shop.subscribe(customer, { plan: 'BASIC' });
    const { stripe } = shop.services;
    const [card] = (await stripe.paymentMethods.list({ customer: String(payer) })).data;
    shop.simulator.setCard(card!.id, 'insufficient_funds');
    await onPortal(customer, id, 'PRO');
    assert.ok((await stripe.subscriptions.retrieve(id)).pending_update);
    const waiting = await shop.workspace(customer);
    assert.deepEqual([waiting.plan, waiting.subscription!.status], ['BASIC', 'ACTIVE']);
    await shop.advance(1);
    assert.equal((await stripe.subscriptions.retrieve(id)).pending_update, null);
    const after = await shop.workspace(customer);
    assert.deepEqual([after.plan, after.credit.balance], ['BASIC', 100]);
  });

  test('an upgrade that waits and is then paid is had', async () => {
    const customer = await shop.customer();
    const { id, customer: payer } = await shop.subscribe(customer, { plan: 'BASIC' });
    const { stripe } = shop.services;
    const [card] = (await stripe.paymentMethods.list({ customer: String(payer) })).data;
    shop.simulator.setCard(card!.id, 'insufficient_funds');
    await onPortal(customer, id, 'PRO');
    shop.simulator.setCard(card!.id, null);
    const { latest_invoice: latest } = await stripe.subscriptions.retrieve(id);
    await stripe.invoices.pay(String(latest));
    await shop.idle();
    const { plan, credit } = await shop.workspace(customer);
    assert.deepEqual([plan, credit.balance], ['PRO', 500]);
  });
});
