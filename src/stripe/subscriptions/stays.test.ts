import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../../../test/fixtures/catalog.ts';
import { type Customer, openShop, type Shop } from '../../../test/shop.ts';
import { changeSubscription } from './change.ts';

suite('what a change of plan leaves as it was', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  const change = ({ workspaceId }: Customer, plan: string, interval = 'month') =>
    shop.post(`/v1/subscriptions/${workspaceId}/change`, { plan, interval });

  test('whose payment fails leaves the end that was asked for', async () => {
    const customer = await shop.customer();
    const { id, default_payment_method: card } = await shop.subscribe(customer, { plan: 'BASIC' });
    await shop.post(`/v1/subscriptions/${customer.workspaceId}/cancel`, { at: 'period_end' });
    shop.simulator.setCard(String(card), 'insufficient_funds');
    assert.equal((await change(customer, 'PRO')).body.error.code, 'payment_required');
    assert.equal((await shop.services.stripe.subscriptions.retrieve(id)).cancel_at_period_end, true);
    shop.simulator.setCard(String(card), null);
    await shop.advance(32);
    assert.equal((await shop.workspace(customer)).plan, 'FREE');
  });

  test('that is paid gives up the end that was asked for', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer, { plan: 'BASIC' });
    await shop.post(`/v1/subscriptions/${customer.workspaceId}/cancel`, { at: 'period_end' });
    const { status, body } = await change(customer, 'PRO');
    assert.deepEqual([status, body.plan, body.cancelAt], [200, 'PRO', null]);
  });

  test('keeps the currency, whatever packs are bought in; a plan that lacks it by now is refused', async () => {
    const customer = await shop.customer();
    const { id } = await shop.subscribe(customer, { plan: 'BASIC', currency: 'jpy' });
    await shop.buy(customer, { pack: 'small', currency: 'usd' });
    assert.equal((await change(customer, 'PRO')).body.currency, 'jpy');
    const { latest_invoice: invoice } = await shop.services.stripe.subscriptions.retrieve(id);
    assert.equal((await shop.services.stripe.invoices.retrieve(String(invoice))).currency, 'jpy');
    const catalog = planCatalog(({ plans, credits }) => {
      for (const plan of [plans.BASIC!, plans.PRO!]) {
        plan.price = { month: { usd: 10 }, year: { usd: 100 } };
      }
      credits.packs.small!.price = { usd: 10 };
      delete credits.custom!.jpy;
    });
    const services = { ...shop.services, catalog };
    await assert.rejects(
      changeSubscription(services, customer.workspaceId, { plan: 'BASIC', interval: 'month' }),
      { code: 'invalid_request', param: 'plan', message: /is in "jpy", in which BASIC is not sold/ },
    );
  });

  test('to a smaller plan, by several at once, is one', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer);
    const answers = await Promise.all(Array.from({ length: 6 }, () => change(customer, 'BASIC')));
    for (const { status, body } of answers) assert.equal(status, 200, JSON.stringify(body));
  });

  test('to a smaller plan in the period after another such change', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer, { interval: 'year' });
    await change(customer, 'PRO', 'month');
    await shop.advance(366);
    await shop.advance(1);
    assert.equal((await shop.workspace(customer)).subscription!.interval, 'month');
    const { status, body } = await change(customer, 'BASIC');
    assert.deepEqual([status, body.pending?.plan], [200, 'BASIC'], JSON.stringify(body));
    await shop.advance(32);
    assert.equal((await shop.workspace(customer)).plan, 'BASIC');
  });

  test('to a smaller plan leaves what else is sold with it', async () => {
    const customer = await shop.customer();
    const { id } = await shop.subscribe(customer);
    const { stripe } = shop.services;
    const { id: product } = await stripe.products.create({ name: 'Seats' });
    const recurring = { interval: 'month' } as const;
    const seats = await stripe.prices.create({ product, currency: 'usd', unit_amount: 300, recurring });
    await stripe.subscriptionItems.create({ subscription: id, price: seats.id, quantity: 4 });
    assert.equal((await change(customer, 'BASIC')).status, 200);
    const sold = async () => {
      const { items } = await stripe.subscriptions.retrieve(id);
      return items.data.find(({ price }) => price.id === seats.id)?.quantity;
    };
    assert.equal(await sold(), 4);
    await shop.advance(32);
    assert.deepEqual([(await shop.workspace(customer)).plan, await sold()], ['BASIC', 4]);
  });

  test('to what is no plan, in the dashboard and for later, holds up nothing that comes before', async () => {
    const customer = await shop.customer();
    const { id } = await shop.subscribe(customer);
    const { stripe } = shop.services;
    const { id: product } = await stripe.products.create({ name: 'Something else' });
    const recurring = { interval: 'month' } as const;
    const other = await stripe.prices.create({ product, currency: 'usd', unit_amount: 300, recurring });
    const schedule = await stripe.subscriptionSchedules.create({ from_subscription: id });
    const { items, start_date, end_date } = schedule.phases[0]!;
    const now = { items: [{ price: String(items[0]!.price) }], start_date, end_date };
    await stripe.subscriptionSchedules.update(schedule.id, {
      phases: [now, { items: [{ price: other.id }] }],
    });
    await stripe.subscriptions.pause(id);
    await shop.idle();
    const { plan, subscription } = await shop.workspace(customer);
    assert.deepEqual([plan, subscription!.status], ['FREE', 'UNPAID']);
  });
});
