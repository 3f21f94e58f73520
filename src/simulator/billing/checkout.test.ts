import assert from 'node:assert/strict';
import { test } from 'node:test';
import type Stripe from 'stripe';
import { eventsSince, refusalOf, useShop } from '../testing.ts';

const NOON = '2027-01-31T12:00:00Z';
const at = (iso: string) => Date.parse(iso) / 1000;

async function useSession(
  t: Parameters<typeof useShop>[0],
  more: Partial<Stripe.Checkout.SessionCreateParams> = {},
) {
  const shop = await useShop(t, NOON);
  const session = await shop.stripe.checkout.sessions.create({
    mode: 'subscription',
    success_url: 'http://shop.test/thanks',
    line_items: [{ price: shop.prices.pro, quantity: 1 }],
    ...more,
  });
  return { ...shop, session };
}

test('a session sells a subscription, and its events come in this order', async (t) => {
  const { simulator, stripe, session, prices } = await useSession(t, {
    subscription_data: { metadata: { workspace: 'ws_1' } },
  });
  assert.deepEqual(
    [session.mode, session.amount_total, session.subscription, session.payment_method_collection],
    ['subscription', 3000, null, 'always'],
  );
  const count = simulator.events().length;
  const paid = simulator.pay(session.id);
  assert.deepEqual([paid.status, paid.payment_status, paid.payment_intent], ['complete', 'paid', null]);
  const subscription = await stripe.subscriptions.retrieve(String(paid.subscription));
  assert.deepEqual(
    [subscription.status, subscription.metadata, subscription.items.data[0]?.price.id, subscription.customer],
    ['active', { workspace: 'ws_1' }, prices.pro, paid.customer],
  );
  const invoice = await stripe.invoices.retrieve(String(paid.invoice));
  assert.deepEqual(
    [invoice.status, invoice.billing_reason, invoice.amount_paid],
    ['paid', 'subscription_create', 3000],
  );
  const method = await stripe.paymentMethods.retrieve(String(subscription.default_payment_method));
  assert.equal(method.customer, paid.customer);
  assert.deepEqual(eventsSince(simulator, count), [
    'customer.created',
    'customer.subscription.created',
    'invoice.created',
    'invoice.finalized',
    'payment_intent.created',
    'payment_method.attached',
    'charge.succeeded',
    'payment_intent.succeeded',
    'invoice_payment.paid',
    'invoice.updated',
    'invoice.paid',
    'invoice.payment_succeeded',
    'customer.subscription.updated',
    'checkout.session.completed',
  ]);
});

test('its card renews the subscription', async (t) => {
  const { moveTo, simulator, stripe, session } = await useSession(t);
  const { subscription } = simulator.pay(session.id);
  moveTo('2027-02-28T13:00:00Z');
  const [renewal] = (await stripe.invoices.list({ subscription: String(subscription) })).data;
  assert.deepEqual([renewal?.billing_reason, renewal?.status], ['subscription_cycle', 'paid']);
});

test('a declined card leaves the session open, and begins nothing', async (t) => {
  const { simulator, stripe, session } = await useSession(t);
  const declined = simulator.decline(session.id, 'insufficient_funds');
  assert.deepEqual([declined.status, declined.subscription], ['open', null]);
  assert.equal((await stripe.subscriptions.list({ status: 'all' })).data.length, 0);
  assert.ok(eventsSince(simulator, 0).includes('charge.failed'));
  assert.equal(simulator.pay(session.id).payment_status, 'paid');
});

test('a card with 3D Secure completes the session once its holder has confirmed', async (t) => {
  const { simulator, stripe, session } = await useSession(t);
  const waiting = simulator.pay(session.id, { card: '4000002760003184' });
  assert.equal(waiting.status, 'open');
  const [intent] = (await stripe.paymentIntents.list()).data;
  assert.equal(intent?.next_action?.redirect_to_url?.return_url, 'http://shop.test/thanks');
  simulator.authenticate(intent!.id);
  const paid = await stripe.checkout.sessions.retrieve(session.id);
  assert.deepEqual([paid.status, paid.payment_status], ['complete', 'paid']);
  assert.equal((await stripe.subscriptions.retrieve(String(paid.subscription))).status, 'active');
});

test('whoever does not confirm can pay with another card', async (t) => {
  const { simulator, stripe, session } = await useSession(t);
  simulator.pay(session.id, { card: '4000002760003184' });
  const [intent] = (await stripe.paymentIntents.list()).data;
  simulator.authenticate(intent!.id, 'fail');
  assert.equal((await stripe.checkout.sessions.retrieve(session.id)).status, 'open');
  const { subscription } = simulator.pay(session.id);
  assert.equal((await stripe.subscriptions.list({ status: 'all' })).data.length, 1);
  assert.equal((await stripe.subscriptions.retrieve(String(subscription))).status, 'active');
});

test('a bank debit is trusted until the bank says no', async (t) => {
  const { simulator, stripe, session } = await useSession(t);
  const waiting = simulator.pay(session.id, { delayed: true });
  assert.deepEqual([waiting.status, waiting.payment_status], ['complete', 'unpaid']);
  const id = String(waiting.subscription);
  assert.equal((await stripe.subscriptions.retrieve(id)).status, 'active');
  simulator.settleDelayed(session.id, 'fail');
  assert.equal((await stripe.subscriptions.retrieve(id)).status, 'past_due');
  assert.ok(eventsSince(simulator, 0).includes('checkout.session.async_payment_failed'));
});

test('a trial asks for a card, which is charged when it is over', async (t) => {
  const { moveTo, simulator, stripe, session } = await useSession(t, {
    subscription_data: { trial_period_days: 14 },
  });
  assert.deepEqual([session.amount_total, session.payment_status], [0, 'no_payment_required']);
  assert.throws(() => simulator.pay(session.id, { card: null }), /asks for a payment method/);
  const paid = simulator.pay(session.id);
  assert.equal(paid.payment_status, 'no_payment_required');
  const id = String(paid.subscription);
  const trial = await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] });
  const first = trial.latest_invoice as Stripe.Invoice;
  assert.deepEqual(
    [trial.status, trial.trial_end, first.status, first.amount_paid],
    ['trialing', at('2027-02-14T12:00:00Z'), 'paid', 0],
  );
  moveTo('2027-02-14T13:00:00Z');
  const running = await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] });
  const second = running.latest_invoice as Stripe.Invoice;
  assert.deepEqual([running.status, second.status, second.amount_paid], ['active', 'paid', 3000]);
});

test('a trial without a card pauses when it is over, if that was said', async (t) => {
  const { moveTo, simulator, stripe, session } = await useSession(t, {
    payment_method_collection: 'if_required',
    subscription_data: {
      trial_period_days: 7,
      trial_settings: { end_behavior: { missing_payment_method: 'pause' } },
    },
  });
  const answer = await fetch(session.url!, {
    method: 'POST',
    body: new URLSearchParams({ pay_with: 'none', email: 'ada@example.com' }),
    redirect: 'manual',
  });
  assert.equal(answer.status, 303);
  const { subscription } = await stripe.checkout.sessions.retrieve(session.id);
  moveTo('2027-02-10T00:00:00Z');
  const paused = await stripe.subscriptions.retrieve(String(subscription));
  assert.deepEqual(
    [paused.status, paused.status_details?.paused.subscription.type],
    ['paused', 'trial_end_without_payment_method'],
  );
  assert.ok(eventsSince(simulator, 0).includes('customer.subscription.paused'));
});

test('goods are not sold in a subscription, nor subscriptions as goods', async (t) => {
  const { stripe, prices } = await useSession(t);
  const sell = (mode: 'payment' | 'subscription', price: string) =>
    refusalOf(
      stripe.checkout.sessions.create({
        mode,
        success_url: 'http://shop.test',
        line_items: [{ price, quantity: 1 }],
      }),
    );
  assert.match((await sell('payment', prices.pro)).message, /switch to `subscription` mode/);
  const once = await stripe.prices.create({
    currency: 'usd',
    product_data: { name: 'Once' },
    unit_amount: 500,
  });
  assert.match((await sell('subscription', once.id)).message, /recurring prices only/);
});
