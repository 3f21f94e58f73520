import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type Stripe from 'stripe';
import { eventsSince, payer, refusalOf, useShop } from '../testing.ts';

const START = '2027-01-01T00:00:00Z'; // January has 2,678,400 seconds
const at = (iso: string) => Date.parse(iso) / 1000;

async function usePlan(t: Parameters<typeof useShop>[0], price: 'basic' | 'pro' | 'yearly', card?: string) {
  const shop = await useShop(t, START);
  const customer = await payer(shop.stripe, card);
  const subscription = await shop.stripe.subscriptions.create({
    customer,
    items: [{ price: shop.prices[price] }],
  });
  return { ...shop, customer, id: subscription.id, item: subscription.items.data[0]!.id };
}

const linesOf = (invoice: Stripe.Invoice) =>
  invoice.lines.data.map(({ amount, description, period }) => [
    amount,
    description,
    new Date(period.start * 1000).toISOString().slice(0, 10),
    new Date(period.end * 1000).toISOString().slice(0, 10),
  ]);

type Change = 'basic' | 'pro' | 'yearly';
const changes: [string, Change, Change, string, unknown[][]][] = [
  [
    'up, halfway',
    'basic',
    'pro',
    '2027-01-16T12:00:00Z',
    [
      [-500, 'Unused time on Basic after 16 Jan 2027', '2027-01-16', '2027-02-01'],
      [1500, 'Remaining time on Pro after 16 Jan 2027', '2027-01-16', '2027-02-01'],
    ],
  ],
  [
    'up, at the first moment',
    'basic',
    'pro',
    START,
    [
      [-1000, 'Unused time on Basic after 01 Jan 2027', '2027-01-01', '2027-02-01'],
      [3000, 'Remaining time on Pro after 01 Jan 2027', '2027-01-01', '2027-02-01'],
    ],
  ],
  [
    'up, after 1,000,000 seconds',
    'basic',
    'pro',
    '2027-01-12T13:46:40Z',
    [
      [-627, 'Unused time on Basic after 12 Jan 2027', '2027-01-12', '2027-02-01'],
      [1880, 'Remaining time on Pro after 12 Jan 2027', '2027-01-12', '2027-02-01'],
    ],
  ],
  [
    'down, halfway',
    'pro',
    'basic',
    '2027-01-16T12:00:00Z',
    [
      [-1500, 'Unused time on Pro after 16 Jan 2027', '2027-01-16', '2027-02-01'],
      [500, 'Remaining time on Basic after 16 Jan 2027', '2027-01-16', '2027-02-01'],
    ],
  ],
  [
    'from months to years, which begin at once',
    'pro',
    'yearly',
    '2027-01-16T12:00:00Z',
    [
      [-1500, 'Unused time on Pro after 16 Jan 2027', '2027-01-16', '2027-02-01'],
      [30_000, '1 × Pro yearly (at $300.00 / year)', '2027-01-16', '2028-01-16'],
    ],
  ],
];

describe('a change that is invoiced at once has the lines that its preview had', () => {
  for (const [what, from, to, when, lines] of changes) {
    test(what, async (t) => {
      const { clock, stripe, prices, id, item } = await usePlan(t, from);
      clock.set(when);
      const items = [{ id: item, price: prices[to] }];
      const proration_behavior = 'always_invoice' as const;
      const preview = await stripe.invoices.createPreview({
        subscription: id,
        subscription_details: { items, proration_behavior },
      });
      const after = await stripe.subscriptions.update(id, { items, proration_behavior });
      const invoice = await stripe.invoices.retrieve(String(after.latest_invoice));
      assert.deepEqual(linesOf(preview), lines);
      assert.deepEqual(linesOf(invoice), lines);
      assert.equal(preview.amount_due, invoice.amount_due);
      assert.equal(invoice.status, 'paid');
      assert.equal(after.items.data[0]?.price.id, prices[to]);
      const prorations = invoice.lines.data.map(({ parent }) => parent?.subscription_item_details?.proration);
      assert.deepEqual(
        prorations,
        lines.map(([, text]) => /time on/.test(String(text))),
      );
    });
  }
});

test('prorations wait for the next invoice unless they are invoiced', async (t) => {
  const { clock, moveTo, stripe, prices, id, item } = await usePlan(t, 'basic');
  clock.set('2027-01-16T12:00:00Z');
  const items = [{ id: item, price: prices.pro }];
  const preview = await stripe.invoices.createPreview({ subscription: id, subscription_details: { items } });
  await stripe.subscriptions.update(id, { items });
  assert.equal((await stripe.invoices.list({ subscription: id })).data.length, 1);
  moveTo('2027-02-01T01:00:00Z');
  const [invoice] = (await stripe.invoices.list({ subscription: id })).data;
  assert.deepEqual(linesOf(invoice!), [
    [-500, 'Unused time on Basic after 16 Jan 2027', '2027-01-16', '2027-02-01'],
    [1500, 'Remaining time on Pro after 16 Jan 2027', '2027-01-16', '2027-02-01'],
    [3000, '1 × Pro (at $30.00 / month)', '2027-02-01', '2027-03-01'],
  ]);
  assert.deepEqual(linesOf(preview), linesOf(invoice!));
  assert.deepEqual([invoice?.amount_paid, invoice?.billing_reason], [4000, 'subscription_cycle']);
});

test('without proration, only the next period costs more', async (t) => {
  const { clock, moveTo, stripe, prices, id, item } = await usePlan(t, 'basic');
  clock.set('2027-01-16T12:00:00Z');
  await stripe.subscriptions.update(id, {
    items: [{ id: item, price: prices.pro }],
    proration_behavior: 'none',
  });
  moveTo('2027-02-01T01:00:00Z');
  const [invoice] = (await stripe.invoices.list({ subscription: id })).data;
  assert.deepEqual(linesOf(invoice!), [[3000, '1 × Pro (at $30.00 / month)', '2027-02-01', '2027-03-01']]);
});

test('what is left of a bigger plan is credit for later invoices', async (t) => {
  const { clock, moveTo, stripe, prices, id, item, customer } = await usePlan(t, 'pro');
  clock.set('2027-01-16T12:00:00Z');
  await stripe.subscriptions.update(id, {
    items: [{ id: item, price: prices.basic }],
    proration_behavior: 'always_invoice',
  });
  assert.equal(((await stripe.customers.retrieve(customer)) as Stripe.Customer).balance, -1000);
  moveTo('2027-02-01T01:00:00Z');
  const [invoice] = (await stripe.invoices.list({ subscription: id })).data;
  assert.deepEqual(
    [invoice?.total, invoice?.starting_balance, invoice?.amount_due, invoice?.status],
    [1000, -1000, 0, 'paid'],
  );
});

describe('a change that waits for its payment', () => {
  const pending = {
    payment_behavior: 'pending_if_incomplete',
    proration_behavior: 'always_invoice',
  } as const;

  test('comes at once when that succeeds', async (t) => {
    const { stripe, prices, id, item } = await usePlan(t, 'basic');
    const after = await stripe.subscriptions.update(id, {
      ...pending,
      items: [{ id: item, price: prices.pro }],
    });
    assert.deepEqual([after.items.data[0]?.price.id, after.pending_update], [prices.pro, null]);
  });

  const declined = async (t: Parameters<typeof useShop>[0]) => {
    const shop = await usePlan(t, 'basic');
    const { stripe, customer, id, item, prices } = shop;
    const bad = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer });
    await stripe.subscriptions.update(id, { default_payment_method: bad.id });
    const count = shop.simulator.events().length;
    const after = await stripe.subscriptions.update(id, {
      ...pending,
      items: [{ id: item, price: prices.pro }],
    });
    assert.deepEqual([after.status, after.items.data[0]?.price.id], ['active', prices.basic]);
    assert.equal(after.pending_update?.subscription_items?.[0]?.price.id, prices.pro);
    assert.equal(after.pending_update?.expires_at, at(START) + 23 * 3600);
    return { ...shop, count, invoice: String(after.latest_invoice) };
  };

  test('comes when the invoice is paid', async (t) => {
    const { simulator, stripe, customer, id, invoice, count, prices } = await declined(t);
    const good = await stripe.paymentMethods.attach('pm_card_visa', { customer });
    await stripe.invoices.pay(invoice, { payment_method: good.id });
    const after = await stripe.subscriptions.retrieve(id);
    assert.deepEqual([after.items.data[0]?.price.id, after.pending_update], [prices.pro, null]);
    assert.equal(eventsSince(simulator, count).at(-1), 'customer.subscription.pending_update_applied');
  });

  test('is given up with its invoice', async (t) => {
    const { simulator, stripe, id, invoice, prices } = await declined(t);
    await stripe.invoices.voidInvoice(invoice);
    const after = await stripe.subscriptions.retrieve(id);
    assert.deepEqual([after.items.data[0]?.price.id, after.pending_update], [prices.basic, null]);
    assert.equal(simulator.events().at(-1)?.type, 'customer.subscription.pending_update_expired');
  });

  test('does not come after 23 hours', async (t) => {
    const { moveTo, simulator, stripe, id, invoice, count, prices } = await declined(t);
    moveTo('2027-01-02T00:00:00Z');
    const after = await stripe.subscriptions.retrieve(id);
    assert.deepEqual([after.items.data[0]?.price.id, after.pending_update], [prices.basic, null]);
    assert.equal((await stripe.invoices.retrieve(invoice)).status, 'void');
    const expired = simulator.events().at(-1);
    assert.equal(expired?.type, 'customer.subscription.pending_update_expired');
    assert.equal(expired?.created, at(START) + 23 * 3600);
    assert.ok(!eventsSince(simulator, count).includes('customer.subscription.pending_update_applied'));
  });
});

test('a declined change is made all the same, or refused, as it is asked', async (t) => {
  const { stripe, prices, id, item, customer } = await usePlan(t, 'basic');
  const bad = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer });
  await stripe.subscriptions.update(id, { default_payment_method: bad.id });
  const change = { items: [{ id: item, price: prices.pro }], proration_behavior: 'always_invoice' as const };
  const refusal = await refusalOf(
    stripe.subscriptions.update(id, { ...change, payment_behavior: 'error_if_incomplete' }),
  );
  assert.equal(refusal.statusCode, 402);
  assert.equal((await stripe.subscriptions.retrieve(id)).items.data[0]?.price.id, prices.basic);
  const after = await stripe.subscriptions.update(id, change);
  assert.deepEqual([after.status, after.items.data[0]?.price.id], ['past_due', prices.pro]);
});

test('items are added, changed and taken away by themselves', async (t) => {
  const { stripe, prices, id, item } = await usePlan(t, 'basic');
  const added = await stripe.subscriptionItems.create({ subscription: id, price: prices.pro, quantity: 3 });
  const changed = await stripe.subscriptionItems.update(added.id, { quantity: 5 });
  assert.deepEqual([changed.quantity, changed.price.id], [5, prices.pro]);
  await stripe.subscriptionItems.del(item);
  const { data } = await stripe.subscriptionItems.list({ subscription: id });
  assert.deepEqual(
    data.map((row) => row.id),
    [added.id],
  );
  assert.match((await refusalOf(stripe.subscriptionItems.del(added.id))).message, /at least one item/);
});

test('what is over can only be described', async (t) => {
  const { stripe, id } = await usePlan(t, 'basic');
  await stripe.subscriptions.cancel(id);
  assert.equal((await stripe.subscriptions.update(id, { metadata: { a: '1' } })).metadata.a, '1');
  const refusal = await refusalOf(stripe.subscriptions.update(id, { cancel_at_period_end: true }));
  assert.equal(refusal.code, 'invalid_canceled_subscription_fields');
});
