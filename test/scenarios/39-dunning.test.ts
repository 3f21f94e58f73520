import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type Stripe from 'stripe';
import { planCatalog } from '../fixtures/catalog.ts';
import { type Customer, openShop, type Shop } from '../shop.ts';

/** Eight tries in two weeks. */
const DUNNING = { retryDays: [1, 3, 5, 7, 9, 11, 14], outcome: 'past_due' } as const;
const DAY_MS = 86_400_000;

suite('39: a renewal that is tried again and again', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({
      catalog: planCatalog(),
      dunning: { ...DUNNING, retryDays: [...DUNNING.retryDays] },
    });
  });
  after(() => shop.close());

  async function letRenewalFail(
    customer: Customer,
  ): Promise<{ subscription: Stripe.Subscription; card: string }> {
    const subscription = await shop.subscribe(customer);
    const { stripe } = shop.services;
    const [card] = (await stripe.paymentMethods.list({ customer: String(subscription.customer) })).data;
    shop.simulator.setCard(card!.id, 'insufficient_funds');
    await shop.advanceTo(new Date(subscription.items.data[0]!.current_period_end * 1000 + 3_600_000));
    return { subscription, card: card!.id };
  }

  test('grace is counted from the first failure: not the fifth ends the plan, nor the eighth, but the seventh day', async () => {
    const customer = await shop.customer();
    const { subscription, card } = await letRenewalFail(customer);
    const first = await shop.workspace(customer);
    const graceUntil = first.subscription!.graceUntil!;
    const { latest_invoice: latest } = await shop.services.stripe.subscriptions.retrieve(subscription.id);
    const invoice = await shop.services.stripe.invoices.retrieve(String(latest));
    assert.equal(Date.parse(graceUntil), invoice.status_transitions.finalized_at! * 1000 + 7 * DAY_MS);
    const failed = Date.parse(graceUntil) - 7 * DAY_MS;
    for (const [day, tries, plan] of [
      [0.1, 1, 'PRO'],
      [1.1, 2, 'PRO'],
      [3.1, 3, 'PRO'],
      [5.1, 4, 'PRO'],
      [6.9, 4, 'PRO'],
      [7.1, 5, 'FREE'],
      [14.1, 8, 'FREE'],
    ] as const) {
      await shop.advanceTo(new Date(failed + day * DAY_MS));
      const { attempt_count: count } = await shop.services.stripe.invoices.retrieve(invoice.id!);
      const now = await shop.workspace(customer);
      assert.deepEqual(
        [count, now.plan, now.subscription!.graceUntil],
        [tries, plan, graceUntil],
        `day ${day}`,
      );
    }
    shop.simulator.setCard(card, null);
    await shop.services.stripe.invoices.pay(invoice.id!);
    await shop.idle();
    const paid = await shop.workspace(customer);
    assert.deepEqual(
      [paid.plan, paid.subscription!.status, paid.subscription!.graceUntil, paid.credit.balance],
      ['PRO', 'ACTIVE', null, 500],
    );
  });

  test('a card whose holder has to confirm is told of with the page to confirm on', async () => {
    const customer = await shop.customer();
    const { customer: payer, items } = await shop.subscribe(customer);
    const [card] = (await shop.services.stripe.paymentMethods.list({ customer: String(payer) })).data;
    shop.simulator.setCard(card!.id, 'authentication_required');
    await shop.advanceTo(new Date(items.data[0]!.current_period_end * 1000 + 3_600_000));
    const { plan, subscription } = await shop.workspace(customer);
    assert.deepEqual([plan, subscription!.status], ['PRO', 'PAST_DUE']);
    const path = `/v1/subscriptions/${customer.workspaceId}/change`;
    const { status, body } = await shop.post(path, { plan: 'PRO', interval: 'year' });
    assert.deepEqual([status, body.error.code], [402, 'payment_required']);
    const page = await fetch(body.error.details.url, {
      method: 'POST',
      body: new URLSearchParams({ pay_with: '4242424242424242' }),
      redirect: 'manual',
    });
    assert.ok(page.status < 400);
    await shop.idle();
    assert.equal((await shop.workspace(customer)).subscription!.status, 'ACTIVE');
  });
});
