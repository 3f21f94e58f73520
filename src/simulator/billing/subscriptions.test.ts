import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type Stripe from 'stripe';
import { eventsSince, payer, refusalOf, useShop } from '../testing.ts';

const NOON = '2027-01-31T12:00:00Z';
const at = (iso: string) => Date.parse(iso) / 1000;

test('a subscription is active once its first invoice is paid, and says so in this order', async (t) => {
  const { simulator, stripe, prices } = await useShop(t, NOON);
  const customer = await payer(stripe);
  const count = simulator.events().length;
  const subscription = await stripe.subscriptions.create({
    customer,
    items: [{ price: prices.basic, quantity: 2 }],
    metadata: { workspace: 'ws_1' },
    expand: ['latest_invoice.payments.data.payment.payment_intent'],
  });
  assert.equal(subscription.status, 'active');
  const item = subscription.items.data[0]!;
  assert.deepEqual(
    [item.current_period_start, item.current_period_end, subscription.billing_cycle_anchor],
    [at(NOON), at('2027-02-28T12:00:00Z'), at(NOON)],
  );
  const invoice = subscription.latest_invoice as Stripe.Invoice;
  assert.deepEqual(
    [
      invoice.status,
      invoice.billing_reason,
      invoice.amount_paid,
      invoice.amount_remaining,
      invoice.attempt_count,
    ],
    ['paid', 'subscription_create', 2000, 0, 1],
  );
  assert.equal(invoice.parent?.subscription_details?.subscription, subscription.id);
  assert.deepEqual(invoice.parent?.subscription_details?.metadata, { workspace: 'ws_1' });
  const line = invoice.lines.data[0]!;
  assert.equal(line.description, '2 × Basic (at $10.00 / month)');
  assert.equal(line.pricing?.price_details?.price, prices.basic);
  assert.equal(line.parent?.subscription_item_details?.proration, false);
  const payment = invoice.payments?.data[0];
  assert.equal(payment?.status, 'paid');
  const intent = payment?.payment.payment_intent as Stripe.PaymentIntent;
  assert.deepEqual([intent.status, intent.amount_received, intent.customer], ['succeeded', 2000, customer]);
  assert.deepEqual(eventsSince(simulator, count), [
    'customer.subscription.created',
    'invoice.created',
    'invoice.finalized',
    'payment_intent.created',
    'charge.succeeded',
    'payment_intent.succeeded',
    'invoice_payment.paid',
    'invoice.updated',
    'invoice.paid',
    'invoice.payment_succeeded',
    'customer.subscription.updated',
  ]);
  const listed = await stripe.invoicePayments.list({
    payment: { type: 'payment_intent', payment_intent: intent.id },
  });
  assert.deepEqual(
    listed.data.map((row) => row.invoice),
    [invoice.id],
  );
});

describe('a first payment that fails', () => {
  test('leaves an incomplete subscription, which is over after 23 hours', async (t) => {
    const { moveTo, stripe, prices } = await useShop(t, NOON);
    const customer = await payer(stripe, 'pm_card_chargeCustomerFail');
    const { id, status, latest_invoice } = await stripe.subscriptions.create({
      customer,
      items: [{ price: prices.basic }],
    });
    assert.equal(status, 'incomplete');
    moveTo(at(NOON) + 23 * 3600 - 1);
    assert.equal((await stripe.subscriptions.retrieve(id)).status, 'incomplete');
    moveTo(at(NOON) + 30 * 3600);
    const over = await stripe.subscriptions.retrieve(id);
    assert.deepEqual([over.status, over.ended_at], ['incomplete_expired', at(NOON) + 23 * 3600]);
    assert.equal((await stripe.invoices.retrieve(String(latest_invoice))).status, 'void');
  });

  test('leaves nothing with error_if_incomplete', async (t) => {
    const { simulator, stripe, prices } = await useShop(t, NOON);
    const customer = await payer(stripe, 'pm_card_chargeCustomerFail');
    const count = simulator.events().length;
    const refusal = await refusalOf(
      stripe.subscriptions.create({
        customer,
        items: [{ price: prices.basic }],
        payment_behavior: 'error_if_incomplete',
      }),
    );
    assert.deepEqual(
      [refusal.statusCode, refusal.type, refusal.code],
      [402, 'StripeCardError', 'card_declined'],
    );
    assert.equal((await stripe.subscriptions.list({ customer, status: 'all' })).data.length, 0);
    assert.equal(simulator.events().length, count);
  });

  test('is made good by paying the invoice with another card', async (t) => {
    const { stripe, prices } = await useShop(t, NOON);
    const customer = await payer(stripe, 'pm_card_chargeCustomerFail');
    const { id, latest_invoice } = await stripe.subscriptions.create({
      customer,
      items: [{ price: prices.basic }],
    });
    const good = await stripe.paymentMethods.attach('pm_card_visa', { customer });
    const paid = await stripe.invoices.pay(String(latest_invoice), { payment_method: good.id });
    assert.equal(paid.status, 'paid');
    assert.equal((await stripe.subscriptions.retrieve(id)).status, 'active');
  });
});

test('an invoice is paid on its page', async (t) => {
  const { stripe, prices } = await useShop(t, NOON);
  const customer = await payer(stripe, 'pm_card_chargeCustomerFail');
  const items = [{ price: prices.basic }];
  const { id, latest_invoice } = await stripe.subscriptions.create({ customer, items });
  const { hosted_invoice_url: url } = await stripe.invoices.retrieve(String(latest_invoice));
  const send = (card: string) =>
    fetch(url!, { method: 'POST', body: new URLSearchParams({ pay_with: card }) });
  assert.match(await (await fetch(url!)).text(), /1 × Basic.*\$10\.00/s);
  assert.equal((await send('4000000000009995')).status, 402);
  const answer = await send('4242424242424242');
  assert.match(await answer.text(), /This is paid/);
  assert.equal((await stripe.subscriptions.retrieve(id)).status, 'active');
});

test('default_incomplete leaves an intent that the customer confirms', async (t) => {
  const { stripe, prices } = await useShop(t, NOON);
  const { id: customer } = await stripe.customers.create({});
  const subscription = await stripe.subscriptions.create({
    customer,
    items: [{ price: prices.basic }],
    payment_behavior: 'default_incomplete',
    expand: ['latest_invoice.payments', 'latest_invoice.confirmation_secret'],
  });
  const invoice = subscription.latest_invoice as Stripe.Invoice;
  assert.deepEqual([subscription.status, invoice.status, invoice.attempted], ['incomplete', 'open', false]);
  const intent = String(invoice.payments?.data[0]?.payment.payment_intent);
  assert.match(invoice.confirmation_secret?.client_secret ?? '', new RegExp(`^${intent}_secret_`));
  await stripe.paymentIntents.confirm(intent, { payment_method: 'pm_card_visa' });
  assert.equal((await stripe.subscriptions.retrieve(subscription.id)).status, 'active');
  assert.equal((await stripe.invoices.retrieve(invoice.id)).status, 'paid');
});

test('without a card there is no subscription to pay for', async (t) => {
  const { stripe, prices } = await useShop(t, NOON);
  const { id: customer } = await stripe.customers.create({});
  const refusal = await refusalOf(
    stripe.subscriptions.create({ customer, items: [{ price: prices.basic }] }),
  );
  assert.match(refusal.message, /no attached payment source or default payment method/);
});

test('subscriptions are listed by customer, price, status and period', async (t) => {
  const { stripe, prices } = await useShop(t, NOON);
  const customer = await payer(stripe);
  const other = await payer(stripe);
  const create = async (owner: string, price: string) =>
    (await stripe.subscriptions.create({ customer: owner, items: [{ price }] })).id;
  const [one, two, gone] = [
    await create(customer, prices.basic),
    await create(other, prices.yearly),
    await create(customer, prices.pro),
  ];
  await stripe.subscriptions.cancel(gone);
  const ids = async (params: Stripe.SubscriptionListParams) =>
    (await stripe.subscriptions.list(params)).data.map(({ id }) => id);
  assert.deepEqual(await ids({}), [two, one]);
  assert.deepEqual(await ids({ customer }), [one]);
  assert.deepEqual(await ids({ customer, status: 'all' }), [gone, one]);
  assert.deepEqual(await ids({ status: 'ended' }), [gone]);
  assert.deepEqual(await ids({ price: prices.yearly }), [two]);
  assert.deepEqual(await ids({ current_period_end: { lt: at('2027-03-01T00:00:00Z') } }), [one]);
});

test('a customer who is deleted leaves no subscription', async (t) => {
  const { simulator, stripe, prices } = await useShop(t, NOON);
  const customer = await payer(stripe);
  const { id } = await stripe.subscriptions.create({ customer, items: [{ price: prices.basic }] });
  await stripe.customers.del(customer);
  assert.equal((await stripe.subscriptions.retrieve(id)).status, 'canceled');
  assert.ok(eventsSince(simulator, 0).includes('customer.subscription.deleted'));
});

describe('cancelling', () => {
  test('at the end of the period: it runs until then, and can be kept after all', async (t) => {
    const { moveTo, simulator, stripe, prices } = await useShop(t, NOON);
    const customer = await payer(stripe);
    const { id } = await stripe.subscriptions.create({ customer, items: [{ price: prices.basic }] });
    const end = at('2027-02-28T12:00:00Z');
    const canceled = await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    assert.deepEqual(
      [canceled.status, canceled.cancel_at, canceled.canceled_at, canceled.cancellation_details?.reason],
      ['active', end, at(NOON), 'cancellation_requested'],
    );
    const kept = await stripe.subscriptions.update(id, { cancel_at_period_end: false });
    assert.deepEqual([kept.cancel_at, kept.canceled_at], [null, null]);
    await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    moveTo(end + 10);
    const over = await stripe.subscriptions.retrieve(id);
    assert.deepEqual([over.status, over.ended_at], ['canceled', end]);
    const deleted = simulator.events().find(({ type }) => type === 'customer.subscription.deleted');
    assert.equal(deleted?.created, end);
    assert.equal((await stripe.invoices.list({ subscription: id })).data.length, 1);
  });

  test('at once, with money back for the rest of the period', async (t) => {
    const { moveTo, stripe, prices } = await useShop(t, '2027-01-01T00:00:00Z');
    const customer = await payer(stripe);
    const { id } = await stripe.subscriptions.create({ customer, items: [{ price: prices.pro }] });
    moveTo('2027-01-11T08:00:00Z'); // a third of January
    const canceled = await stripe.subscriptions.cancel(id, {
      cancellation_details: { feedback: 'unused' },
      invoice_now: true,
      prorate: true,
    });
    assert.deepEqual([canceled.status, canceled.cancellation_details?.feedback], ['canceled', 'unused']);
    const invoice = await stripe.invoices.retrieve(String(canceled.latest_invoice));
    assert.deepEqual([invoice.total, invoice.amount_due, invoice.ending_balance], [-2000, 0, -2000]);
    const after = (await stripe.customers.retrieve(customer)) as Stripe.Customer;
    assert.equal(after.balance, -2000);
    const next = await stripe.subscriptions.create({ customer, items: [{ price: prices.pro }] });
    const paid = await stripe.invoices.retrieve(String(next.latest_invoice));
    assert.deepEqual([paid.total, paid.starting_balance, paid.amount_paid], [3000, -2000, 1000]);
  });
});
