import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { reconcile } from '../../src/stripe/reconcile/reconcile.ts';
import { planCatalog } from '../fixtures/catalog.ts';
import { openShop, orderOf, type Shop } from '../shop.ts';

suite('09: webhooks that never came', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  async function run(): Promise<string[]> {
    const lines: string[] = [];
    await reconcile(shop.services, { days: 30, say: (line) => lines.push(line) });
    await shop.idle();
    return lines;
  }

  async function effects(): Promise<object> {
    const { rows } = await shop.database.pool.query(`
      select (select count(*)::int from "CreditGrant") as grants, (select count(*)::int from "PlanCredit") as months,
        (select count(*)::int from "Payment" where status = 'SUCCEEDED') as payments,
        (select count(*)::int from "Reversal") as reversals`);
    return rows[0];
  }

  test('are made up for: all is as Stripe has it, and everything happens once', async () => {
    const [buyer, subscriber, leaver] = [await shop.customer(), await shop.customer(), await shop.customer()];
    const { charge } = await shop.buy(buyer);
    const { id: left } = await shop.subscribe(leaver, { plan: 'BASIC' });
    const { stripe } = shop.services;

    shop.simulator.setFaults({ webhooks: { drop: 1 } });
    const { sessionId } = await shop.checkout(buyer);
    shop.simulator.pay(sessionId);
    await stripe.refunds.create({ charge, amount: 400 });
    const order = orderOf(subscriber, { plan: 'PRO', interval: 'month' });
    const { body } = await shop.post('/v1/checkout/subscription', order);
    shop.simulator.pay(body.sessionId);
    await stripe.subscriptions.cancel(left);
    await shop.simulator.idle();
    shop.simulator.setFaults();
    const { data: lost } = await stripe.events.list({ delivery_success: false, limit: 100 });
    const types = new Set(lost.map(({ type }) => type));
    for (const type of [
      'checkout.session.completed',
      'refund.created',
      'customer.subscription.created',
      'invoice.paid',
      'customer.subscription.deleted',
    ] as const) {
      assert.ok(types.has(type), `${type} was lost`);
    }
    assert.deepEqual(await effects(), { grants: 2, months: 1, payments: 2, reversals: 0 });

    assert.ok((await run()).length > 0);
    assert.equal((await shop.workspace(buyer)).credit.balance, 1600);
    const subscribed = await shop.workspace(subscriber);
    assert.deepEqual([subscribed.plan, subscribed.credit.balance], ['PRO', 500]);
    assert.equal((await shop.workspace(leaver)).plan, 'FREE');
    const once = await effects();
    assert.deepEqual(once, { grants: 4, months: 2, payments: 4, reversals: 1 });
    assert.deepEqual(await run(), []);
    assert.deepEqual(await effects(), once);

    // Stripe sends what it could not deliver after all.
    for (const { id } of lost) await shop.simulator.redeliver(id);
    await shop.idle();
    assert.deepEqual(await effects(), once);
  });
});
