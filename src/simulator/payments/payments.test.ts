import assert from 'node:assert/strict';
import { test } from 'node:test';
import type Stripe from 'stripe';
import { order, refusalOf, useSimulator } from '../testing.ts';

const typesOf = (events: Stripe.Event[]) => events.map(({ type }) => type);
const SET_UP = ['product.created', 'price.created'];

test('a paid session is complete, with its intent and charge, and says so in order', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const customer = await stripe.customers.create({ email: 'ada@example.com' });
  const { id } = await stripe.checkout.sessions.create(
    order({
      customer: customer.id,
      payment_intent_data: { metadata: { op: '1' }, description: 'credits', receipt_email: 'r@example.com' },
    }),
  );
  simulator.pay(id);
  const session = await stripe.checkout.sessions.retrieve(id, {
    expand: ['customer', 'payment_intent.latest_charge', 'payment_intent.payment_method'],
  });
  assert.deepEqual([session.status, session.payment_status, session.url], ['complete', 'paid', null]);
  assert.ok(typeof session.customer === 'object' && session.customer?.id === customer.id);
  const intent = session.payment_intent;
  assert.ok(typeof intent === 'object' && intent !== null);
  assert.deepEqual([intent.status, intent.amount_received, intent.currency], ['succeeded', 1000, 'usd']);
  assert.deepEqual(
    [intent.metadata, intent.description, intent.customer],
    [{ op: '1' }, 'credits', customer.id],
  );
  const charge = intent.latest_charge;
  assert.ok(typeof charge === 'object' && charge !== null);
  assert.deepEqual([charge.paid, charge.amount, charge.payment_intent], [true, 1000, intent.id]);
  assert.equal(charge.payment_method_details?.card?.last4, '4242');
  assert.ok(typeof intent.payment_method === 'object' && intent.payment_method?.card?.brand === 'visa');
  assert.deepEqual(typesOf(simulator.events()), [
    'customer.created',
    ...SET_UP,
    'payment_intent.created',
    'charge.succeeded',
    'payment_intent.succeeded',
    'checkout.session.completed',
  ]);
  assert.throws(() => simulator.pay(id), /can no longer be paid/);
});

test('a declined card leaves the session open; the next try uses the same intent', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { id } = await stripe.checkout.sessions.create(order());
  const declined = simulator.decline(id, 'insufficient_funds');
  assert.equal(declined.status, 'open');
  const failed = await stripe.paymentIntents.retrieve(String(declined.payment_intent), {
    expand: ['latest_charge'],
  });
  assert.equal(failed.status, 'requires_payment_method');
  assert.deepEqual(
    [failed.last_payment_error?.code, failed.last_payment_error?.decline_code],
    ['card_declined', 'insufficient_funds'],
  );
  assert.ok(typeof failed.latest_charge === 'object' && failed.latest_charge?.status === 'failed');
  const paid = simulator.pay(id, { card: '5555 5555 5555 4444' });
  assert.equal(paid.payment_intent, declined.payment_intent);
  const charges = await stripe.charges.list({ payment_intent: String(paid.payment_intent) });
  assert.deepEqual(
    charges.data.map(({ status }) => status),
    ['succeeded', 'failed'],
  );
  assert.deepEqual(typesOf(simulator.events()).slice(2), [
    'payment_intent.created',
    'charge.failed',
    'payment_intent.payment_failed',
    'charge.succeeded',
    'payment_intent.succeeded',
    'checkout.session.completed',
  ]);
});

for (const outcome of ['succeed', 'fail'] as const) {
  test(`a bank debit completes unpaid, and then may ${outcome}`, async (t) => {
    const { simulator, stripe } = await useSimulator(t);
    const { id } = await stripe.checkout.sessions.create(order());
    const completed = simulator.pay(id, { delayed: true });
    assert.deepEqual([completed.status, completed.payment_status], ['complete', 'unpaid']);
    const intent = await stripe.paymentIntents.retrieve(String(completed.payment_intent));
    assert.equal(intent.status, 'processing');
    const settled = simulator.settleDelayed(id, outcome);
    assert.equal(settled.payment_status, outcome === 'succeed' ? 'paid' : 'unpaid');
    assert.throws(() => simulator.settleDelayed(id, outcome), /no payment that waits/);
    const end = outcome === 'succeed' ? 'succeeded' : 'failed';
    assert.deepEqual(typesOf(simulator.events()).slice(3), [
      'charge.pending',
      'payment_intent.processing',
      'checkout.session.completed',
      `charge.${end}`,
      `payment_intent.${outcome === 'succeed' ? 'succeeded' : 'payment_failed'}`,
      `checkout.session.async_payment_${end}`,
    ]);
  });
}

test('a bank debit is offered where there is one, and only if the session allows it', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const eur = { currency: 'eur', unit_amount: 1000, product_data: { name: 'x' } };
  const inEuro = await stripe.checkout.sessions.create(
    order({ line_items: [{ quantity: 1, price_data: eur }] }),
  );
  assert.deepEqual(inEuro.payment_method_types, ['card', 'sepa_debit']);
  const byCard = await stripe.checkout.sessions.create(order({ allowed_payment_method_types: ['card'] }));
  assert.throws(
    () => simulator.pay(byCard.id, { delayed: true }),
    /no payment method with a delayed outcome/,
  );
  const byBank = await stripe.checkout.sessions.create(
    order({ allowed_payment_method_types: ['us_bank_account'] }),
  );
  assert.throws(() => simulator.pay(byBank.id), /does not accept card/);
  assert.equal(simulator.pay(byBank.id, { delayed: true }).status, 'complete');
});

test('an order for nothing needs no payment', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const free = { currency: 'usd', unit_amount: 0, product_data: { name: 'Trial credits' } };
  const { id } = await stripe.checkout.sessions.create(
    order({ line_items: [{ quantity: 1, price_data: free }] }),
  );
  const session = simulator.pay(id);
  assert.deepEqual(
    [session.status, session.payment_status, session.payment_intent],
    ['complete', 'no_payment_required', null],
  );
});

test('a guest stays a guest unless the session always creates a customer', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const guest = await stripe.checkout.sessions.create(order());
  const paid = simulator.pay(guest.id, { email: 'guest@shop.test' });
  assert.deepEqual([paid.customer, paid.customer_details?.email], [null, 'guest@shop.test']);
  const always = await stripe.checkout.sessions.create(
    order({ customer_creation: 'always', customer_email: 'new@example.com' }),
  );
  const { customer, payment_intent: intent } = simulator.pay(always.id);
  assert.equal((await stripe.customers.list({ email: 'new@example.com' })).data[0]?.id, customer);
  assert.equal((await stripe.paymentIntents.retrieve(String(intent))).customer, customer);
});

test('a card that is no test card, and a session that is none, are refused', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { id } = await stripe.checkout.sessions.create(order());
  assert.throws(() => simulator.pay(id, { card: '4111111111111111' }), /not one of the test cards/);
  assert.throws(() => simulator.pay(id, { card: '4000000000000002' }), /declined.*generic_decline/);
  assert.throws(() => simulator.decline(id, 'bad_mood'), /No test card/);
  assert.throws(() => simulator.pay('cs_test_none'), /No such checkout.session/);
  assert.equal((await refusalOf(stripe.paymentIntents.retrieve('pi_none'))).statusCode, 404);
});

test('intents and charges are listed by customer', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const customer = await stripe.customers.create({ email: 'ada@example.com' });
  const mine = await stripe.checkout.sessions.create(order({ customer: customer.id }));
  const other = await stripe.checkout.sessions.create(order());
  simulator.pay(mine.id);
  simulator.pay(other.id);
  assert.equal((await stripe.paymentIntents.list()).data.length, 2);
  assert.equal((await stripe.paymentIntents.list({ customer: customer.id })).data.length, 1);
  const [charge] = (await stripe.charges.list({ customer: customer.id, expand: ['data.payment_intent'] }))
    .data;
  assert.ok(typeof charge?.payment_intent === 'object' && charge.payment_intent?.customer === customer.id);
});

test('a session saves the card where that is asked for, so that it can be charged later', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { id: customer } = await stripe.customers.create({ email: 'ada@example.com' });
  const pay = async (data: Stripe.Checkout.SessionCreateParams.PaymentIntentData) => {
    const { id } = await stripe.checkout.sessions.create(order({ customer, payment_intent_data: data }));
    return String(simulator.pay(id).payment_intent);
  };
  await pay({});
  assert.deepEqual((await stripe.customers.listPaymentMethods(customer)).data, []);
  const intent = await stripe.paymentIntents.retrieve(await pay({ setup_future_usage: 'off_session' }));
  const [saved] = (await stripe.customers.listPaymentMethods(customer)).data;
  assert.deepEqual([intent.setup_future_usage, intent.payment_method], ['off_session', saved?.id]);
  const later = await stripe.paymentIntents.create({
    amount: 500,
    currency: 'usd',
    customer,
    payment_method: saved!.id,
    off_session: true,
    confirm: true,
  });
  assert.equal(later.status, 'succeeded');
});

test('a session that is paid with 3D Secure is complete once the card holder has confirmed', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { id } = await stripe.checkout.sessions.create(order());
  const waiting = simulator.pay(id, { card: '4000002760003184' });
  assert.deepEqual([waiting.status, waiting.payment_status], ['open', 'unpaid']);
  const intent = String(waiting.payment_intent);
  simulator.authenticate(intent, 'fail');
  assert.equal((await stripe.checkout.sessions.retrieve(id)).status, 'open');
  simulator.pay(id, { card: '4000002760003184' });
  simulator.authenticate(intent);
  const paid = await stripe.checkout.sessions.retrieve(id);
  assert.deepEqual([paid.status, paid.payment_status], ['complete', 'paid']);
  assert.deepEqual(typesOf(simulator.events()).slice(2), [
    'payment_intent.created',
    'payment_intent.requires_action',
    'payment_intent.payment_failed',
    'payment_intent.requires_action',
    'charge.succeeded',
    'payment_intent.succeeded',
    'checkout.session.completed',
  ]);
});
