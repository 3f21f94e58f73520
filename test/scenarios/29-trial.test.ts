import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { openShop, orderOf, type Shop } from '../shop.ts';

suite('29: a workspace has one trial', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({
      catalog: planCatalog(({ plans }) => {
        plans.PRO!.trialDays = 14;
      }),
    });
  });
  after(() => shop.close());

  test('its end is told of once, at once where it is made shorter; then it is paid for', async () => {
    const customer = await shop.customer();
    const { id } = await shop.subscribe(customer);
    const trial = await shop.workspace(customer);
    assert.deepEqual([trial.plan, trial.subscription!.status], ['PRO', 'TRIAL']);
    const end = Math.floor(shop.clock.now().getTime() / 1000) + 86_400;
    await shop.services.stripe.subscriptions.update(id, { trial_end: end, proration_behavior: 'none' });
    await shop.idle();
    const shorter = await shop.workspace(customer);
    assert.equal(shorter.subscription!.trialEnd, new Date(end * 1000).toISOString());
    await shop.advance(0.5);
    const told = shop.simulator
      .events()
      .filter(({ type }) => type === 'customer.subscription.trial_will_end');
    assert.equal(told.length, 1);
    await shop.simulator.redeliver(told[0]!.id, 2);
    const { rows } = await shop.database.pool.query('select status from "StripeEvent" where id = $1', [
      told[0]!.id,
    ]);
    assert.deepEqual(rows, [{ status: 'IGNORED' }]);
    await shop.advance(0.6);
    await shop.advance(0.1);
    const paid = await shop.workspace(customer);
    assert.deepEqual([paid.subscription!.status, paid.credit.balance], ['ACTIVE', 500]);
  });

  test('a second one is refused, whoever asks; without one it is sold as ever, and paid at once', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer);
    await shop.post(`/v1/subscriptions/${customer.workspaceId}/cancel`, { at: 'now' });
    const { user } = await shop.customer();
    for (const payer of [customer.user, user]) {
      const again = { plan: 'BASIC', interval: 'month', trialDays: 3 };
      const order = orderOf({ ...customer, user: payer }, again);
      const { status, body } = await shop.post('/v1/checkout/subscription', order);
      assert.deepEqual([status, body.error.code, body.error.param], [400, 'invalid_request', 'trialDays']);
    }
    const order = orderOf(customer, { plan: 'PRO', interval: 'month' });
    const { body } = await shop.post('/v1/checkout/subscription', order);
    assert.equal(body.trialDays, null);
    assert.equal(shop.simulator.pay(body.sessionId).amount_total, 2000);
    await shop.idle();
    const { subscription, credit } = await shop.workspace(customer);
    assert.deepEqual([subscription!.status, credit.balance], ['ACTIVE', 500]);
  });
});
