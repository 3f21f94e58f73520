import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../../../test/fixtures/catalog.ts';
import { openShop, type Shop } from '../../../test/shop.ts';
import { giveDueCredits } from '../../subscriptions/plancredits.ts';

suite('a subscription', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  test('that is paid puts the workspace on its plan, with the credits of its first month', async () => {
    const customer = await shop.customer();
    const { id } = await shop.subscribe(customer);
    const { plan, subscription, credit } = await shop.workspace(customer);
    assert.equal(plan, 'PRO');
    assert.deepEqual(
      [subscription!.subscriptionId, subscription!.status, subscription!.interval, subscription!.currency],
      [id, 'ACTIVE', 'month', 'usd'],
    );
    assert.equal(credit.balance, 500);
  });

  test('is renewed month by month, and its credits expire with theirs', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer);
    for (let month = 0; month < 3; month++) {
      await shop.advance(31);
      await shop.advance(0.1);
      const { plan, credit, subscription } = await shop.workspace(customer);
      assert.deepEqual([plan, subscription!.status, credit.balance], ['PRO', 'ACTIVE', 500]);
    }
  });

  test('of a year is paid once, and has its credits month by month', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer, { interval: 'year' });
    for (let month = 0; month < 3; month++) {
      for (const days of [0, 20, 11]) {
        await shop.advance(days);
        await Promise.all([giveDueCredits(shop.services), giveDueCredits(shop.services)]);
      }
      assert.equal((await shop.workspace(customer)).credit.balance, 500);
    }
  });

  test('that is given a trial later has the credits of what was paid once', async () => {
    const customer = await shop.customer();
    const { id } = await shop.subscribe(customer);
    await shop.advance(9);
    const trial_end = Math.floor(shop.clock.now().getTime() / 1000) + 10 * 86_400;
    await shop.services.stripe.subscriptions.update(id, { trial_end, proration_behavior: 'none' });
    await shop.idle();
    const { subscription, credit } = await shop.workspace(customer);
    assert.deepEqual([subscription!.status, credit.balance], ['TRIAL', 500]);
    // It is over, and its first invoice not paid yet.
    await shop.advanceTo(new Date((trial_end + 1) * 1000));
    assert.equal((await shop.workspace(customer)).credit.balance, 500);
    await shop.advance(0.1);
    assert.equal((await shop.workspace(customer)).credit.balance, 1000);
    await shop.advance(13);
    assert.equal((await shop.workspace(customer)).credit.balance, 500);
  });
});
