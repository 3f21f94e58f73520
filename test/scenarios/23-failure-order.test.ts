import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type Stripe from 'stripe';
import { planCatalog } from '../fixtures/catalog.ts';
import { eventAbout, openShop, type Shop } from '../shop.ts';

const ORDERS = [
  ['failed', 'late', 'paid'],
  ['failed', 'paid', 'late'],
  ['late', 'failed', 'paid'],
  ['late', 'paid', 'failed'],
  ['paid', 'failed', 'late'],
  ['paid', 'late', 'failed'],
] as const;

suite('23: a renewal that fails, and is paid at the second try', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  for (const order of ORDERS) {
    test(`told as ${order.join(', ')}: active, with one month of credits`, async () => {
      const customer = await shop.customer();
      const { id, customer: payer, items } = await shop.subscribe(customer);
      const { stripe } = shop.services;
      const [card] = (await stripe.paymentMethods.list({ customer: String(payer) })).data;
      shop.simulator.setCard(card!.id, 'insufficient_funds');
      await shop.advanceTo(new Date(items.data[0]!.current_period_end * 1000));
      await shop.advance(0.1);
      const late = await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] });
      const failed = late.latest_invoice as Stripe.Invoice;
      assert.deepEqual([late.status, failed.status, failed.attempt_count], ['past_due', 'open', 1]);
      shop.simulator.setCard(card!.id, null);
      await shop.advance(1);
      const paid = await stripe.invoices.retrieve(failed.id!);
      assert.equal(paid.status, 'paid');
      const events = {
        failed: eventAbout('invoice.payment_failed', failed),
        late: eventAbout('customer.subscription.updated', late),
        paid: eventAbout('invoice.paid', paid),
      };
      for (const name of order) {
        await shop.deliver(events[name]);
        await shop.idle();
        const { plan, subscription, credit } = await shop.workspace(customer);
        assert.deepEqual(
          [plan, subscription!.status, subscription!.graceUntil, credit.balance],
          ['PRO', 'ACTIVE', null, 500],
        );
      }
      const { rows } = await shop.database.pool.query(
        'select status from "Payment" where "workspaceId" = $1 order by "createdAt"',
        [customer.workspaceId],
      );
      assert.deepEqual(rows, [{ status: 'SUCCEEDED' }, { status: 'SUCCEEDED' }]);
    });
  }
});
