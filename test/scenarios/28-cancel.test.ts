import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { openShop, type Shop } from '../shop.ts';

const MINUTE_MS = 60_000;

suite('28: an end that is asked for', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  test('in the dashboard, at the end of the period: the plan until then, and FREE after it', async () => {
    const customer = await shop.customer();
    const { id, items } = await shop.subscribe(customer);
    await shop.services.stripe.subscriptions.update(id, { cancel_at_period_end: true });
    await shop.idle();
    const end = new Date(items.data[0]!.current_period_end * 1000);
    const asked = await shop.workspace(customer);
    assert.deepEqual(
      [asked.plan, asked.subscription!.status, asked.subscription!.cancelAt],
      ['PRO', 'ACTIVE', end.toISOString()],
    );
    // At that instant by the clock, whether or not anybody has been told.
    shop.clock.offsetMs += end.getTime() - shop.clock.now().getTime() - MINUTE_MS;
    assert.equal((await shop.workspace(customer)).plan, 'PRO');
    shop.clock.offsetMs += MINUTE_MS;
    assert.equal((await shop.workspace(customer)).plan, 'FREE');
    await shop.advance(0.1);
    const ended = await shop.workspace(customer);
    assert.deepEqual(
      [ended.plan, ended.subscription!.status, ended.subscription!.cancelAt, ended.credit.balance],
      ['FREE', 'CANCELED', null, 0],
    );
    const deleted = shop.simulator.events().filter(({ type }) => type === 'customer.subscription.deleted');
    assert.equal(deleted.length, 1);
    await shop.simulator.redeliver(deleted[0]!.id, 3);
    await shop.idle();
    assert.deepEqual(await shop.workspace(customer), ended);
  });

  test('and given up again before it comes: renewed as if nothing had been', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer);
    const path = `/v1/subscriptions/${customer.workspaceId}`;
    const canceled = await shop.post(`${path}/cancel`, { at: 'period_end' });
    assert.ok(canceled.body.cancelAt);
    const resumed = await shop.post(`${path}/resume`, {});
    assert.deepEqual([resumed.status, resumed.body.cancelAt], [200, null]);
    await shop.advance(31);
    await shop.advance(0.1);
    const { plan, credit } = await shop.workspace(customer);
    assert.deepEqual([plan, credit.balance], ['PRO', 500]);
  });

  test('now: FREE at once, and the credits of the month that was paid stay', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer);
    const { body } = await shop.post(`/v1/subscriptions/${customer.workspaceId}/cancel`, { at: 'now' });
    assert.equal(body.status, 'CANCELED');
    const { plan, credit } = await shop.workspace(customer);
    assert.deepEqual([plan, credit.balance], ['FREE', 500]);
  });
});
