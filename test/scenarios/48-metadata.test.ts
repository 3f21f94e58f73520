import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { eventAbout, openShop, orderOf, type Shop } from '../shop.ts';

suite('48: metadata', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  test('what would be too long for it is refused here, and not by Stripe', async () => {
    const customer = await shop.customer();
    const calls = shop.wire.calls.length;
    for (const [more, param] of [
      [{ workspaceId: 'w'.repeat(501) }, 'workspaceId'],
      [{ user: { ...customer.user, userId: 'u'.repeat(501) } }, 'user.userId'],
    ] as const) {
      for (const [path, what] of [
        ['/v1/checkout/credits', { pack: 'small' }],
        ['/v1/checkout/subscription', { plan: 'PRO', interval: 'month' }],
      ] as const) {
        const { status, body } = await shop.post(path, { ...orderOf(customer, what), ...more });
        assert.deepEqual([status, body.error.code, body.error.param], [400, 'invalid_request', param]);
      }
    }
    assert.equal(shop.wire.calls.length, calls);
  });

  test('another workspace, or its checkout, that is written into it is not believed', async () => {
    const [victim, thief] = [await shop.customer(), await shop.customer()];
    const { id: checkoutId } = await shop.checkout(victim);
    const { customer, id, default_payment_method: card } = await shop.subscribe(thief, { plan: 'BASIC' });
    const { stripe } = shop.services;
    const { data } = await stripe.prices.list({ lookup_keys: ['tollgate_PRO_month_usd'], limit: 1 });
    for (const metadata of [
      { workspaceId: victim.workspaceId, checkoutId: '' },
      { workspaceId: victim.workspaceId, checkoutId },
    ]) {
      const forged = await stripe.subscriptions.create({
        customer: String(customer),
        items: [{ price: data[0]!.id }],
        default_payment_method: String(card),
        metadata,
      });
      await shop.idle();
      await shop.deliver(eventAbout('customer.subscription.updated', forged));
      await shop.idle();
      assert.equal((await shop.workspace(victim)).plan, 'FREE');
      assert.equal((await shop.workspace(victim)).credit.balance, 0);
    }
    await stripe.subscriptions.update(id, { metadata: { workspaceId: victim.workspaceId } });
    await shop.idle();
    assert.deepEqual(
      [(await shop.workspace(victim)).plan, (await shop.workspace(thief)).plan],
      ['FREE', 'BASIC'],
    );
  });
});
