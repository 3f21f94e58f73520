import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { eventAbout, openShop, type Shop } from '../shop.ts';

suite('25: the period of a subscription is that of its item', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  const dateOf = (seconds: number) => new Date(seconds * 1000).toISOString();

  test('there is no other place for it, and it is kept', async () => {
    const customer = await shop.customer();
    const subscription = await shop.subscribe(customer);
    assert.equal('current_period_end' in subscription, false);
    const { endDate } = (await shop.workspace(customer)).subscription!;
    assert.equal(endDate, dateOf(subscription.items.data[0]!.current_period_end));
  });

  for (const [plan, beside] of [
    ['month', 'year'],
    ['year', 'month'],
  ] as const) {
    test(`a plan by the ${plan} beside something else by the ${beside}: the plan's own period counts`, async () => {
      const customer = await shop.customer();
      const { id } = await shop.subscribe(customer, { interval: plan });
      const { stripe } = shop.services;
      const price = await stripe.prices.create({
        currency: 'usd',
        unit_amount: 500,
        recurring: { interval: beside },
        product_data: { name: 'Support' },
      });
      await stripe.subscriptionItems.create({ subscription: id, price: price.id });
      const after = await stripe.subscriptions.retrieve(id);
      const [own, other] = after.items.data;
      assert.notEqual(own!.current_period_end, other!.current_period_end);
      // Whichever stands first.
      shop.wire.fail(/GET \/v1\/subscriptions\?/, {
        change: (list) => ({
          ...list,
          data: [{ ...after, items: { ...after.items, data: [other, own] } }],
        }),
      });
      await shop.deliver(eventAbout('customer.subscription.updated', after));
      await shop.idle();
      const kept = await shop.workspace(customer);
      assert.deepEqual(
        [kept.plan, kept.subscription!.interval, kept.subscription!.endDate],
        ['PRO', plan, dateOf(own!.current_period_end)],
      );
    });
  }
});
