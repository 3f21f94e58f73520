import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type Stripe from 'stripe';
import { planCatalog } from '../fixtures/catalog.ts';
import { eventAbout, openShop, type Shop } from '../shop.ts';

const HOURS = 1 / 24;

suite('26: what each status gives', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({
      catalog: planCatalog(),
      dunning: { retryDays: [1, 2], outcome: 'unpaid' },
    });
  });
  after(() => shop.close());

  for (const [status, ours, plan] of [
    ['trialing', 'TRIAL', 'PRO'],
    ['active', 'ACTIVE', 'PRO'],
    ['past_due', 'PAST_DUE', 'PRO'],
    ['unpaid', 'UNPAID', 'FREE'],
    ['paused', 'UNPAID', 'FREE'],
    ['canceled', 'CANCELED', 'FREE'],
  ] as const) {
    test(`${status}: ${ours}, on ${plan}`, async () => {
      const customer = await shop.customer();
      const subscription = await shop.subscribe(customer);
      const ended = status === 'canceled' ? { ended_at: Math.floor(shop.clock.now().getTime() / 1000) } : {};
      const changed = { ...subscription, status, ...ended };
      shop.wire.fail(/GET \/v1\/subscriptions\?/, { change: (list) => ({ ...list, data: [changed] }) });
      await shop.deliver(eventAbout('customer.subscription.updated', changed));
      await shop.idle();
      const after = await shop.workspace(customer);
      assert.deepEqual([after.plan, after.subscription!.status], [plan, ours]);
    });
  }

  test('incomplete gives nothing, and so does incomplete_expired 23 hours later', async () => {
    const customer = await shop.customer();
    const { stripe } = shop.services;
    await shop.checkout(customer); // makes the payer
    const { subscription: made } = await begin(customer.workspaceId, 'pm_card_authenticationRequired');
    assert.equal(made.status, 'incomplete');
    await shop.idle();
    const before = await shop.workspace(customer);
    assert.deepEqual([before.plan, before.subscription, before.credit.balance], ['FREE', null, 0]);
    await shop.advance(23 * HOURS);
    assert.equal((await stripe.subscriptions.retrieve(made.id)).status, 'incomplete_expired');
    const after = await shop.workspace(customer);
    assert.deepEqual([after.plan, after.subscription, after.credit.balance], ['FREE', null, 0]);
  });

  test('incomplete that is confirmed in time gives all', async () => {
    const customer = await shop.customer();
    await shop.checkout(customer);
    const { invoice } = await begin(customer.workspaceId, 'pm_card_authenticationRequired');
    shop.simulator.authenticate(String(invoice.payments!.data[0]!.payment.payment_intent));
    await shop.idle();
    const { plan, credit } = await shop.workspace(customer);
    assert.deepEqual([plan, credit.balance], ['PRO', 500]);
  });

  test('past_due, unpaid, and active again once it is paid, as it really goes', async () => {
    const customer = await shop.customer();
    const { id, customer: payer } = await shop.subscribe(customer);
    const { stripe } = shop.services;
    const [card] = (await stripe.paymentMethods.list({ customer: String(payer) })).data;
    shop.simulator.setCard(card!.id, 'insufficient_funds');
    await shop.advance(31);
    await shop.advance(2 * HOURS);
    const late = await shop.workspace(customer);
    assert.deepEqual([late.plan, late.subscription!.status, late.credit.balance], ['PRO', 'PAST_DUE', 0]);
    await shop.advance(2);
    const unpaid = await shop.workspace(customer);
    assert.deepEqual([unpaid.plan, unpaid.subscription!.status], ['FREE', 'UNPAID']);
    shop.simulator.setCard(card!.id, null);
    const { latest_invoice: latest } = await stripe.subscriptions.retrieve(id);
    await stripe.invoices.pay(String(latest));
    await shop.idle();
    const paid = await shop.workspace(customer);
    assert.deepEqual([paid.plan, paid.subscription!.status, paid.credit.balance], ['PRO', 'ACTIVE', 500]);
  });

  /** A subscription that somebody begins in the dashboard, for a payer and a workspace that we know. */
  async function begin(workspaceId: string, card: string) {
    const { stripe } = shop.services;
    const { rows } = await shop.database.pool.query(
      'select p."customerId" from "Checkout" c join "PaymentUser" p on p.id = c."paymentUserId" where c."workspaceId" = $1',
      [workspaceId],
    );
    const customer: string = rows[0].customerId;
    const method = await stripe.paymentMethods.attach(card, { customer });
    // Whoever has not sold a plan yet has no prices at Stripe.
    await shop.subscribe(await shop.customer());
    const { data } = await stripe.prices.list({ lookup_keys: ['tollgate_PRO_month_usd'], limit: 1 });
    const subscription = await stripe.subscriptions.create({
      customer,
      items: [{ price: data[0]!.id }],
      default_payment_method: method.id,
      metadata: { workspaceId },
      expand: ['latest_invoice.payments'],
    });
    return { subscription, invoice: subscription.latest_invoice as Stripe.Invoice };
  }
});
