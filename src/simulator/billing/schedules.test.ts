import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type Stripe from 'stripe';
import { eventsSince, payer, refusalOf, useShop } from '../testing.ts';

const START = '2027-01-15T00:00:00Z';
const END = '2027-02-15T00:00:00Z';
const at = (iso: string) => Date.parse(iso) / 1000;

/** A subscription to Pro that becomes another plan when its period is over. */
async function useDowngrade(
  t: Parameters<typeof useShop>[0],
  to: 'basic' | 'yearly',
  more: Partial<Stripe.SubscriptionScheduleUpdateParams.Phase> = {},
) {
  const shop = await useShop(t, START);
  const { prices, stripe } = shop;
  const customer = await payer(stripe);
  const { id } = await stripe.subscriptions.create({ customer, items: [{ price: prices.pro }] });
  const made = await stripe.subscriptionSchedules.create({ from_subscription: id });
  const schedule = await stripe.subscriptionSchedules.update(made.id, {
    end_behavior: 'release',
    phases: [
      { items: [{ price: prices.pro, quantity: 1 }], start_date: at(START), end_date: at(END) },
      {
        items: [{ price: prices[to], quantity: 1 }],
        duration: { interval: 'month', interval_count: 1 },
        proration_behavior: 'none',
        metadata: { plan: to },
        ...more,
      },
    ],
  });
  return { ...shop, id, made, schedule, read: () => stripe.subscriptions.retrieve(id) };
}

test('a schedule begins with what the subscription is, and is named by it', async (t) => {
  const { made, schedule, prices, read } = await useDowngrade(t, 'basic');
  assert.deepEqual(
    [made.status, made.end_behavior, made.phases.length, made.phases[0]?.items[0]?.price],
    ['active', 'release', 1, prices.pro],
  );
  assert.deepEqual(made.current_phase, { start_date: at(START), end_date: at(END) });
  assert.equal((await read()).schedule, made.id);
  assert.deepEqual(
    schedule.phases.map((phase) => [phase.start_date, phase.end_date]),
    [
      [at(START), at(END)],
      [at(END), at('2027-03-15T00:00:00Z')],
    ],
  );
});

test('the next phase begins with the next period, without proration, and then the schedule lets go', async (t) => {
  const { moveTo, simulator, stripe, id, schedule, prices, read } = await useDowngrade(t, 'basic');
  const preview = await stripe.invoices.createPreview({ subscription: id });
  moveTo(at(END) - 1);
  assert.equal((await read()).items.data[0]?.price.id, prices.pro);
  moveTo(at(END) + 3600);
  const after = await read();
  assert.deepEqual(
    [after.items.data[0]?.price.id, after.metadata, after.items.data[0]?.current_period_end],
    [prices.basic, { plan: 'basic' }, at('2027-03-15T00:00:00Z')],
  );
  const [invoice] = (await stripe.invoices.list({ subscription: id })).data;
  const lines = (of: Stripe.Invoice) => of.lines.data.map(({ amount, description }) => [amount, description]);
  assert.deepEqual(lines(invoice!), [[1000, '1 × Basic (at $10.00 / month)']]);
  assert.deepEqual(lines(preview), lines(invoice!));
  assert.equal((await stripe.subscriptionSchedules.retrieve(schedule.id)).current_phase?.start_date, at(END));
  moveTo('2027-03-15T02:00:00Z');
  const released = await stripe.subscriptionSchedules.retrieve(schedule.id);
  assert.deepEqual(
    [released.status, released.subscription, released.released_subscription, (await read()).schedule],
    ['released', null, id, null],
  );
  assert.equal((await read()).status, 'active');
  assert.ok(eventsSince(simulator, 0).includes('subscription_schedule.released'));
});

test('a phase of years begins its year with itself, and is paid at once', async (t) => {
  const { moveTo, stripe, id, read } = await useDowngrade(t, 'yearly', {
    duration: { interval: 'year' },
  });
  const preview = await stripe.invoices.createPreview({ subscription: id });
  assert.equal(preview.amount_due, 30_000);
  moveTo(at(END));
  const [invoice] = (await stripe.invoices.list({ subscription: id })).data;
  assert.deepEqual([invoice?.total, invoice?.status, invoice?.created], [30_000, 'paid', at(END)]);
  assert.equal((await read()).items.data[0]?.current_period_end, at('2028-02-15T00:00:00Z'));
});

describe('a schedule ends', () => {
  test('when it is released: the subscription stays as it is', async (t) => {
    const { moveTo, stripe, schedule, prices, read } = await useDowngrade(t, 'basic');
    const released = await stripe.subscriptionSchedules.release(schedule.id);
    assert.deepEqual([released.status, (await read()).schedule], ['released', null]);
    moveTo(at(END) + 3600);
    assert.equal((await read()).items.data[0]?.price.id, prices.pro);
    const refusal = await refusalOf(stripe.subscriptionSchedules.release(schedule.id));
    assert.match(refusal.message, /currently in the `released` status/);
  });

  test('when it is canceled: the subscription ends with it', async (t) => {
    const { stripe, schedule, read } = await useDowngrade(t, 'basic');
    assert.equal((await stripe.subscriptionSchedules.cancel(schedule.id)).status, 'canceled');
    assert.equal((await read()).status, 'canceled');
  });

  test('with its subscription', async (t) => {
    const { simulator, stripe, id, schedule } = await useDowngrade(t, 'basic');
    await stripe.subscriptions.cancel(id);
    assert.equal((await stripe.subscriptionSchedules.retrieve(schedule.id)).status, 'canceled');
    assert.ok(eventsSince(simulator, 0).includes('subscription_schedule.canceled'));
  });

  test('with its last phase, and then the subscription, if it says so', async (t) => {
    const { moveTo, stripe, schedule, read } = await useDowngrade(t, 'basic');
    await stripe.subscriptionSchedules.update(schedule.id, { end_behavior: 'cancel' });
    moveTo('2027-03-15T00:00:00Z');
    assert.equal((await stripe.subscriptionSchedules.retrieve(schedule.id)).status, 'completed');
    assert.deepEqual(
      [(await read()).status, (await read()).ended_at],
      ['canceled', at('2027-03-15T00:00:00Z')],
    );
  });
});

test('a change of the subscription is a change of the phase that runs', async (t) => {
  const { moveTo, stripe, id, schedule, prices, read } = await useDowngrade(t, 'basic');
  const item = (await read()).items.data[0]!.id;
  await stripe.subscriptions.update(id, { items: [{ id: item, quantity: 3 }], proration_behavior: 'none' });
  const { phases } = await stripe.subscriptionSchedules.retrieve(schedule.id);
  assert.deepEqual(
    phases.map(({ items }) => [items[0]?.price, items[0]?.quantity]),
    [
      [prices.pro, 3],
      [prices.basic, 1],
    ],
  );
  const refusal = await refusalOf(stripe.subscriptions.update(id, { cancel_at_period_end: true }));
  assert.match(refusal.message, /managed by the subscription schedule/);
  moveTo(at(END));
  assert.deepEqual([(await read()).items.data[0]?.quantity, (await read()).items.data[0]?.id], [1, item]);
});

test('phases that do not follow one another are refused', async (t) => {
  const { stripe, schedule, prices } = await useDowngrade(t, 'basic');
  const items = [{ price: prices.pro, quantity: 1 }];
  const update = (phases: Stripe.SubscriptionScheduleUpdateParams.Phase[]) =>
    refusalOf(stripe.subscriptionSchedules.update(schedule.id, { phases }));
  assert.match((await update([{ items, start_date: at(END) }])).message, /start date of the current phase/);
  assert.match((await update([{ items, end_date: at(START) }])).message, /must end after it starts/);
  const gap = [
    { items, end_date: at(END) },
    { items, start_date: at(END) + 1 },
  ];
  assert.match((await update(gap)).message, /end date of the phase before it/);
});
