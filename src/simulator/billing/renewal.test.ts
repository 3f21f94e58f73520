import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type Stripe from 'stripe';
import type { Dunning } from '../simulator.ts';
import { eventsSince, payer, useShop } from '../testing.ts';

const at = (iso: string) => Date.parse(iso) / 1000;
const iso = (seconds: number) => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

async function useRunning(t: Parameters<typeof useShop>[0], start: string, dunning?: Dunning) {
  const shop = await useShop(t, start, dunning === undefined ? {} : { dunning });
  const customer = await payer(shop.stripe);
  const subscription = await shop.stripe.subscriptions.create({
    customer,
    items: [{ price: shop.prices.pro }],
  });
  const { id } = subscription;
  const card = String(
    ((await shop.stripe.customers.retrieve(customer)) as Stripe.Customer).invoice_settings
      .default_payment_method,
  );
  return { ...shop, customer, id, card, read: () => shop.stripe.subscriptions.retrieve(id) };
}

test('a year makes twelve renewals, each at its own time', async (t) => {
  const { moveTo, stripe, id, read } = await useRunning(t, '2027-01-31T10:00:00Z');
  moveTo('2028-01-31T10:00:00Z');
  const invoices = (await stripe.invoices.list({ subscription: id, limit: 100 })).data.reverse();
  assert.equal(
    invoices.map(({ created }) => iso(created).slice(2, 10)).join(' '),
    '27-01-31 27-02-28 27-03-31 27-04-30 27-05-31 27-06-30 27-07-31 27-08-31 27-09-30 27-10-31 27-11-30 27-12-31 28-01-31',
  );
  assert.ok(invoices.every(({ created }) => iso(created).endsWith('T10:00:00Z')));
  const paid = invoices.slice(1, -1);
  assert.ok(paid.every(({ status, amount_paid }) => status === 'paid' && amount_paid === 3000));
  assert.ok(
    paid.every(({ created, status_transitions: { paid_at } }) => paid_at === created + 3600),
    'an hour as a draft',
  );
  assert.deepEqual(
    [invoices[1]?.period_start, invoices[1]?.period_end],
    [at('2027-01-31T10:00:00Z'), at('2027-02-28T10:00:00Z')],
  );
  assert.equal(invoices.at(-1)?.status, 'draft');
  assert.equal((await read()).items.data[0]?.current_period_end, at('2028-02-29T10:00:00Z'));
});

test('a renewal is announced, drafted, and paid an hour later', async (t) => {
  const { moveTo, simulator } = await useRunning(t, '2027-01-01T00:00:00Z');
  moveTo('2027-02-01T02:00:00Z');
  const made = simulator
    .events()
    .filter(({ created }) => created > at('2027-01-01T00:00:00Z'))
    .map(({ type, created }) => [type, iso(created)]);
  assert.deepEqual(made, [
    ['invoice.upcoming', '2027-01-25T00:00:00Z'],
    ['customer.subscription.updated', '2027-02-01T00:00:00Z'],
    ['invoice.created', '2027-02-01T00:00:00Z'],
    ...[
      'invoice.finalized',
      'payment_intent.created',
      'charge.succeeded',
      'payment_intent.succeeded',
      'invoice_payment.paid',
      'invoice.updated',
      'invoice.paid',
      'invoice.payment_succeeded',
    ].map((type) => [type, '2027-02-01T01:00:00Z']),
  ]);
  const upcoming = simulator.events().find(({ type }) => type === 'invoice.upcoming')?.data
    .object as Partial<Stripe.Invoice>;
  assert.deepEqual([upcoming.id, upcoming.amount_due], [undefined, 3000]);
});

describe('an invoice that cannot be paid is tried again, and then', () => {
  for (const [outcome, status] of [
    ['cancel', 'canceled'],
    ['unpaid', 'unpaid'],
    ['past_due', 'past_due'],
  ] as const) {
    test(`the subscription is ${status}`, async (t) => {
      const dunning = { outcome, retryDays: [1, 3, 5] };
      const { moveTo, simulator, stripe, id, card, read } = await useRunning(
        t,
        '2027-01-01T00:00:00Z',
        dunning,
      );
      simulator.setCard(card, 'insufficient_funds');
      moveTo('2027-02-01T01:00:00Z');
      assert.equal((await read()).status, 'past_due');
      const [late] = (await stripe.invoices.list({ subscription: id })).data;
      assert.deepEqual(
        [late?.status, late?.attempt_count, iso(late?.next_payment_attempt ?? 0)],
        ['open', 1, '2027-02-02T01:00:00Z'],
      );
      moveTo('2027-02-10T00:00:00Z');
      const failed = simulator.events().filter(({ type }) => type === 'invoice.payment_failed');
      assert.deepEqual(
        failed.map(({ created }) => iso(created)),
        ['2027-02-01T01:00:00Z', '2027-02-02T01:00:00Z', '2027-02-04T01:00:00Z', '2027-02-06T01:00:00Z'],
      );
      const after = await read();
      assert.equal(after.status, status);
      const invoice = await stripe.invoices.retrieve(late!.id);
      assert.deepEqual(
        [invoice.status, invoice.attempt_count, invoice.next_payment_attempt],
        ['open', 4, null],
      );
      if (outcome === 'cancel') {
        assert.equal(after.cancellation_details?.reason, 'payment_failed');
        assert.equal(iso(after.ended_at ?? 0), '2027-02-06T01:00:00Z');
        return;
      }
      simulator.setCard(card, null);
      await stripe.invoices.pay(invoice.id);
      assert.equal((await read()).status, 'active');
    });
  }
});

test('a card that works again ends the retries', async (t) => {
  const { moveTo, simulator, stripe, id, card, read } = await useRunning(t, '2027-01-01T00:00:00Z');
  simulator.setCard(card, 'insufficient_funds');
  moveTo('2027-02-01T01:00:00Z');
  simulator.setCard(card, null);
  moveTo('2027-02-02T01:00:00Z');
  assert.equal((await read()).status, 'active');
  const [paid] = (await stripe.invoices.list({ subscription: id })).data;
  assert.deepEqual([paid?.status, paid?.attempt_count], ['paid', 2]);
});

test('a card that was detached pays nothing more: the renewal fails, and a phase that comes begins', async (t) => {
  const { moveTo, stripe, prices, customer } = await useRunning(t, '2027-01-01T00:00:00Z');
  const { id: card } = await stripe.paymentMethods.attach('pm_card_visa', { customer });
  const { id } = await stripe.subscriptions.create({
    customer,
    items: [{ price: prices.pro }],
    default_payment_method: card,
  });
  const schedule = await stripe.subscriptionSchedules.create({ from_subscription: id });
  const [{ start_date, end_date } = schedule.phases[0]!] = schedule.phases;
  await stripe.subscriptionSchedules.update(schedule.id, {
    phases: [
      { items: [{ price: prices.pro }], start_date, end_date },
      { items: [{ price: prices.basic }], default_payment_method: card },
    ],
  });
  await stripe.customers.update(customer, { invoice_settings: { default_payment_method: '' } });
  await stripe.paymentMethods.detach(card);
  moveTo('2027-02-01T02:00:00Z');
  const { status, default_payment_method: left, items } = await stripe.subscriptions.retrieve(id);
  assert.deepEqual([status, left, items.data[0]!.price.id], ['past_due', null, prices.basic]);
});

test('a holder who has to confirm is asked to, and the invoice is paid once they do', async (t) => {
  const { moveTo, simulator, stripe, id, card, read } = await useRunning(t, '2027-01-01T00:00:00Z');
  simulator.setCard(card, 'authentication_required');
  moveTo('2027-02-01T01:00:00Z');
  assert.equal((await read()).status, 'past_due');
  assert.ok(eventsSince(simulator, 0).includes('invoice.payment_action_required'));
  const [open] = (await stripe.invoices.list({ subscription: id, expand: ['data.payments'] })).data;
  simulator.authenticate(String(open?.payments?.data[0]?.payment.payment_intent));
  assert.equal((await read()).status, 'active');
  assert.equal((await stripe.invoices.retrieve(open!.id)).status, 'paid');
});

describe('a trial', () => {
  test('is announced three days before its end, once', async (t) => {
    const { moveTo, simulator, stripe, prices } = await useShop(t, '2027-01-01T00:00:00Z');
    const customer = await payer(stripe);
    const { id } = await stripe.subscriptions.create({
      customer,
      items: [{ price: prices.pro }],
      trial_period_days: 14,
    });
    moveTo('2027-01-20T00:00:00Z');
    const told = simulator.events().filter(({ type }) => type === 'customer.subscription.trial_will_end');
    assert.deepEqual(
      told.map(({ created }) => iso(created)),
      ['2027-01-12T00:00:00Z'],
    );
    const running = await stripe.subscriptions.retrieve(id);
    assert.deepEqual(
      [running.status, running.billing_cycle_anchor, running.items.data[0]?.current_period_end],
      ['active', at('2027-01-15T00:00:00Z'), at('2027-02-15T00:00:00Z')],
    );
  });

  test('that is shortened is announced at once; ended now, it is paid for now', async (t) => {
    const { simulator, stripe, prices } = await useShop(t, '2027-01-01T00:00:00Z');
    const customer = await payer(stripe);
    const { id } = await stripe.subscriptions.create({
      customer,
      items: [{ price: prices.pro }],
      trial_period_days: 14,
    });
    await stripe.subscriptions.update(id, { trial_end: at('2027-01-02T00:00:00Z') });
    assert.equal(eventsSince(simulator, 0).at(-1), 'customer.subscription.trial_will_end');
    const running = await stripe.subscriptions.update(id, {
      trial_end: 'now',
      expand: ['latest_invoice'],
    });
    const invoice = running.latest_invoice as Stripe.Invoice;
    assert.deepEqual([running.status, invoice.amount_paid, invoice.status], ['active', 3000, 'paid']);
  });

  for (const [behavior, status] of [
    ['create_invoice', 'past_due'],
    ['cancel', 'canceled'],
    ['pause', 'paused'],
  ] as const) {
    test(`without a card: ${behavior} makes it ${status}`, async (t) => {
      const { moveTo, stripe, prices } = await useShop(t, '2027-01-01T00:00:00Z');
      const { id: customer } = await stripe.customers.create({});
      const { id } = await stripe.subscriptions.create({
        customer,
        items: [{ price: prices.pro }],
        trial_period_days: 7,
        trial_settings: { end_behavior: { missing_payment_method: behavior } },
      });
      moveTo('2027-01-08T02:00:00Z');
      assert.equal((await stripe.subscriptions.retrieve(id)).status, status);
    });
  }
});

test('a paused subscription makes no invoices; resumed, it begins afresh', async (t) => {
  const { clock, moveTo, stripe, id } = await useRunning(t, '2027-01-01T00:00:00Z');
  clock.set('2027-01-16T12:00:00Z');
  const paused = await stripe.subscriptions.pause(id);
  assert.deepEqual(
    [paused.status, paused.status_details?.paused.subscription.type],
    ['paused', 'pause_requested'],
  );
  moveTo('2027-04-10T00:00:00Z');
  assert.equal((await stripe.invoices.list({ subscription: id })).data.length, 1);
  const resumed = await stripe.subscriptions.resume(id, { expand: ['latest_invoice'] });
  const invoice = resumed.latest_invoice as Stripe.Invoice;
  assert.deepEqual(
    [resumed.status, resumed.status_details, iso(resumed.billing_cycle_anchor), invoice.amount_paid],
    ['active', undefined, '2027-04-10T00:00:00Z', 1500],
    'half of January was not used',
  );
});

for (const [behavior, status] of [
  ['void', 'void'],
  ['mark_uncollectible', 'uncollectible'],
  ['keep_as_draft', 'draft'],
] as const) {
  test(`while collection is paused, invoices are ${status}, until it is resumed by the clock`, async (t) => {
    const { moveTo, stripe, id, read } = await useRunning(t, '2027-01-01T00:00:00Z');
    await stripe.subscriptions.update(id, {
      pause_collection: { behavior, resumes_at: at('2027-02-15T00:00:00Z') },
    });
    moveTo('2027-03-01T02:00:00Z');
    const invoices = (await stripe.invoices.list({ subscription: id })).data;
    assert.deepEqual(
      invoices.map((invoice) => invoice.status),
      ['paid', status, 'paid'],
    );
    assert.deepEqual([(await read()).status, (await read()).pause_collection], ['active', null]);
  });
}
