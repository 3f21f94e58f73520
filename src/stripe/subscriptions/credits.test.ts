import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../../../test/fixtures/catalog.ts';
import { type Customer, eventAbout, openShop, orderOf, type Shop } from '../../../test/shop.ts';
import { use } from '../../entitlements/entitlements.ts';
import { giveDueCredits } from '../../subscriptions/plancredits.ts';

const MONTH_MS = 31 * 86_400_000;

suite('credits that come with a plan', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  const balanceOf = async (customer: Customer) => (await shop.workspace(customer)).credit.balance;

  const change = ({ workspaceId }: Customer, plan: string, interval: string) =>
    shop.post(`/v1/subscriptions/${workspaceId}/change`, { plan, interval });

  async function usePoints({ workspaceId }: Customer, points: number): Promise<void> {
    const amount = BigInt(points) * 1_000_000n;
    await use(shop.services, { workspaceId, featureCode: 'ai.points', amount });
  }

  test('by the year come month by month, once each, and expire with their month', async () => {
    const customer = await shop.customer();
    const { start_date: start } = await shop.subscribe(customer, { interval: 'year' });
    for (let month = 1; month <= 12; month++) {
      await giveDueCredits(shop.services);
      await giveDueCredits(shop.services);
      assert.equal(await balanceOf(customer), 500, `month ${month}`);
      if (month === 12) break;
      const next = new Date(start * 1000);
      await shop.advanceTo(new Date(next.setUTCMonth(next.getUTCMonth() + month)));
      assert.equal(await balanceOf(customer), 0, 'those of the last month have expired');
    }
    const { rows } = await shop.database.pool.query(
      'select count(*)::int, sum(amount)::float from "PlanCredit" where "workspaceId" = $1',
      [customer.workspaceId],
    );
    assert.deepEqual(rows, [{ count: 12, sum: 6000 }]);
  });

  test('of a year that is refunded come no more, and those of a half come by half', async () => {
    const customer = await shop.customer();
    const { latest_invoice: latest } = await shop.subscribe(customer, { interval: 'year' });
    const { stripe } = shop.services;
    const { payments } = await stripe.invoices.retrieve(String(latest), { expand: ['payments'] });
    const intent = String(payments!.data[0]!.payment.payment_intent);
    await stripe.refunds.create({ payment_intent: intent, amount: 9_999 });
    await shop.idle();
    const half = await balanceOf(customer);
    assert.ok(Math.abs(half - 250) < 0.1, String(half));
    await shop.advance(MONTH_MS / 86_400_000);
    await giveDueCredits(shop.services);
    assert.ok(Math.abs((await balanceOf(customer)) - 250) < 0.1);
    await stripe.refunds.create({ payment_intent: intent });
    await shop.idle();
    assert.equal(await balanceOf(customer), 0);
    await shop.advance(MONTH_MS / 86_400_000);
    await giveDueCredits(shop.services);
    assert.equal(await balanceOf(customer), 0);
  });

  /** A workspace's payments, oldest first; refunded whole by the number. */
  async function refund({ workspaceId }: Customer, index: number): Promise<void> {
    const { rows } = await shop.database.pool.query(
      'select id from "Payment" where "workspaceId" = $1 order by "createdAt", id',
      [workspaceId],
    );
    assert.equal((await shop.post(`/v1/payments/${rows[index].id}/refund`, {})).status, 200);
    await shop.idle();
  }

  /** BASIC by the year, and another plan or interval ten days later; then, the second month. */
  async function upgraded(plan: string, interval: string): Promise<Customer> {
    const customer = await shop.customer();
    await shop.subscribe(customer, { plan: 'BASIC', interval: 'year' });
    await shop.advance(10);
    assert.equal((await change(customer, plan, interval)).status, 200);
    await shop.advance(25);
    await giveDueCredits(shop.services);
    assert.equal(await balanceOf(customer), 500);
    return customer;
  }

  test('of a better year: each payment gives its part of every month, and takes that back', async () => {
    const customer = await upgraded('PRO', 'year');
    await refund(customer, 1);
    assert.equal(await balanceOf(customer), 100);
    await shop.advance(31);
    await giveDueCredits(shop.services);
    assert.equal(await balanceOf(customer), 100);
    await refund(customer, 0);
    assert.equal(await balanceOf(customer), 0);
  });

  test('that are paid with what a year gives back are those of its payment', async () => {
    const customer = await upgraded('PRO', 'month');
    await shop.advance(31);
    await giveDueCredits(shop.services);
    assert.equal(await balanceOf(customer), 500);
    await refund(customer, 0);
    assert.equal(await balanceOf(customer), 0);
  });

  test('that are paid with what a year gives back, also where nobody has told of that before', async (t) => {
    const deaf = await openShop({ catalog: planCatalog(), withoutWebhooks: true });
    t.after(() => deaf.close());
    const customer = await deaf.customer();
    const order = orderOf(customer, { plan: 'BASIC', interval: 'year' });
    const { body } = await deaf.post('/v1/checkout/subscription', order);
    const id = String(deaf.simulator.pay(body.sessionId).subscription);
    const { stripe } = deaf.services;
    const { items, customer: payer } = await stripe.subscriptions.retrieve(id);
    const { data } = await stripe.prices.list({ lookup_keys: ['tollgate_PRO_month_usd'], limit: 1 });
    const { latest_invoice: last } = await stripe.subscriptions.update(id, {
      items: [{ id: items.data[0]!.id, price: data[0]!.id }],
      proration_behavior: 'always_invoice',
    });
    await deaf.deliver(eventAbout('invoice.paid', { id: String(last), object: 'invoice', customer: payer }));
    await deaf.idle();
    const { rows } = await deaf.database.pool.query(
      `select d.plan, p.amount::float, p."invoiceId" = d."invoiceId" as own
      from "PaidPeriod" d join "Payment" p on p.id = d."paymentId"
      where d."workspaceId" = $1 order by d.plan`,
      [customer.workspaceId],
    );
    assert.deepEqual(rows, [
      { plan: 'BASIC', amount: 100, own: true },
      { plan: 'PRO', amount: 100, own: false },
    ]);
  });

  test('that cost nothing by a coupon are no other payment’s', async () => {
    const customer = await shop.customer();
    const { id } = await shop.subscribe(customer);
    const { stripe } = shop.services;
    const coupon = await stripe.coupons.create({ percent_off: 100, duration: 'forever' });
    await stripe.subscriptions.update(id, { discounts: [{ coupon: coupon.id }] });
    await shop.advance(MONTH_MS / 86_400_000);
    await shop.advance(0.1);
    assert.equal(await balanceOf(customer), 500);
    await refund(customer, 0);
    assert.equal(await balanceOf(customer), 500);
  });

  test('a year that is taken up in the middle of a month begins no new month', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer);
    await usePoints(customer, 4000);
    await shop.advance(15);
    assert.equal((await change(customer, 'PRO', 'year')).status, 200);
    assert.equal(await balanceOf(customer), 500);
    const { features } = await shop.workspace(customer);
    const points = features.find(({ featureCode }) => featureCode === 'ai.points')!;
    assert.deepEqual([points.limit, points.remaining], [5000, 1000]);
    // The month ends where it would have without the change.
    await shop.advance(16);
    await giveDueCredits(shop.services);
    const next = await shop.workspace(customer);
    assert.equal(next.credit.balance, 500);
    assert.equal(next.features.find(({ featureCode }) => featureCode === 'ai.points')!.remaining, 5000);
    const { rows } = await shop.database.pool.query(
      'select count(*)::int from "PlanCredit" where "workspaceId" = $1',
      [customer.workspaceId],
    );
    assert.deepEqual(rows, [{ count: 2 }]);
  });

  test('up and down at Stripe itself, again and again: never more than the better plan, nor its allowance', async () => {
    const customer = await shop.customer();
    const { id, items } = await shop.subscribe(customer, { plan: 'BASIC' });
    await usePoints(customer, 1500);
    const { stripe } = shop.services;
    const priceOf = async (plan: string) => {
      const { data } = await stripe.prices.list({ lookup_keys: [`tollgate_${plan}_month_usd`], limit: 1 });
      return data[0]!.id;
    };
    for (const plan of ['PRO', 'BASIC', 'PRO', 'BASIC', 'PRO']) {
      await stripe.subscriptions.update(id, {
        items: [{ id: items.data[0]!.id, price: await priceOf(plan) }],
        proration_behavior: 'always_invoice',
      });
      await shop.idle();
    }
    const { plan, credit, features } = await shop.workspace(customer);
    assert.deepEqual([plan, credit.balance], ['PRO', 500]);
    assert.equal(features.find(({ featureCode }) => featureCode === 'ai.points')!.remaining, 3500);
  });

  test('of months that end early come once for each, and periods end where Stripe’s do', async () => {
    const year = shop.clock.now().getUTCFullYear() + 1;
    const leap = year + ((4 - (year % 4)) % 4);
    await shop.advanceTo(`${leap}-01-31T10:00:00Z`);
    const monthly = await shop.customer();
    await shop.subscribe(monthly);
    const seen = [];
    for (const day of ['02-29', '03-31', '04-30']) {
      seen.push((await shop.workspace(monthly)).subscription!.endDate.slice(5, 10));
      await shop.advanceTo(`${leap}-${day}T12:00:00Z`);
      await giveDueCredits(shop.services);
      assert.equal(await balanceOf(monthly), 500, day);
    }
    assert.deepEqual(seen, ['02-29', '03-31', '04-30']);
    const { rows } = await shop.database.pool.query(
      'select month from "PlanCredit" where "workspaceId" = $1 order by month',
      [monthly.workspaceId],
    );
    assert.deepEqual(
      rows.map(({ month }) => month.toISOString().slice(5, 10)),
      ['01-31', '02-29', '03-31', '04-30'],
    );
  });

  test('a preview says what allowances and credits will be, and changes none', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer, { plan: 'BASIC' });
    await usePoints(customer, 1500);
    const before = await shop.workspace(customer);
    const preview = async (plan: string) =>
      (await shop.post(`/v1/subscriptions/${customer.workspaceId}/preview`, { plan, interval: 'month' }))
        .body;
    const { features, credits } = await preview('PRO');
    assert.deepEqual(credits, { before: 100, after: 500 });
    assert.deepEqual(
      features.find((one: { featureCode: string }) => one.featureCode === 'ai.points'),
      {
        featureCode: 'ai.points',
        before: { limit: 2000, remaining: 500 },
        after: { limit: 5000, remaining: 3500 },
      },
    );
    assert.deepEqual(await shop.workspace(customer), before);
    const promised = features;
    await change(customer, 'PRO', 'month');
    const now = await shop.workspace(customer);
    for (const { featureCode, after } of promised) {
      const { limit, remaining } = now.features.find((one) => one.featureCode === featureCode)!;
      assert.deepEqual({ limit, remaining }, after, featureCode);
    }
    assert.equal(now.credit.balance, credits.after);
    // What is less comes with a new month, and its allowance is whole.
    const less = await preview('BASIC');
    assert.deepEqual(
      less.features.find((one: { featureCode: string }) => one.featureCode === 'ai.points').after,
      { limit: 2000, remaining: 2000 },
    );
  });
});
