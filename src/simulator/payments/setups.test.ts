import assert from 'node:assert/strict';
import { test } from 'node:test';
import type Stripe from 'stripe';
import { refusalOf, useSimulator } from '../testing.ts';

const typesOf = (events: Stripe.Event[]) => events.map(({ type }) => type);

test('a card is set up without a charge, and charged later', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { id: customer } = await stripe.customers.create({});
  const made = await stripe.setupIntents.create({ customer, description: 'top-ups', metadata: { a: '1' } });
  assert.deepEqual(
    [made.status, made.usage, made.metadata],
    ['requires_payment_method', 'off_session', { a: '1' }],
  );
  assert.match((await refusalOf(stripe.setupIntents.confirm(made.id))).message, /missing a payment method/);
  const done = await stripe.setupIntents.confirm(made.id, { payment_method: 'pm_card_visa' });
  assert.equal(done.status, 'succeeded');
  assert.deepEqual(typesOf(simulator.events()).slice(1), [
    'setup_intent.created',
    'payment_method.attached',
    'setup_intent.succeeded',
  ]);
  const expanded = await stripe.setupIntents.retrieve(made.id, { expand: ['payment_method', 'customer'] });
  const method = expanded.payment_method;
  assert.ok(typeof method === 'object' && method?.customer === customer);
  const paid = await stripe.paymentIntents.create({
    amount: 1000,
    currency: 'usd',
    customer,
    payment_method: method.id,
    off_session: true,
    confirm: true,
  });
  assert.equal(paid.status, 'succeeded');
  const late = await refusalOf(stripe.setupIntents.cancel(made.id));
  assert.equal(late.code, 'setup_intent_unexpected_state');
});

test('a card whose holder has to confirm is set up once they have', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { id: customer } = await stripe.customers.create({});
  const params = { customer, payment_method: 'pm_card_authenticationRequiredOnSetup', confirm: true };
  const made = await stripe.setupIntents.create({ ...params, return_url: 'http://shop.test/back' });
  assert.equal(made.status, 'requires_action');
  assert.equal(made.next_action?.redirect_to_url?.url, `${simulator.url}/c/3ds/${made.id}`);
  const refused = simulator.authenticateSetup(made.id, 'fail');
  assert.deepEqual(
    [refused.status, refused.last_setup_error?.code],
    ['requires_payment_method', 'setup_intent_authentication_failure'],
  );
  assert.deepEqual((await stripe.customers.listPaymentMethods(customer)).data, []);
  const again = await stripe.setupIntents.create(params);
  simulator.authenticateSetup(again.id);
  assert.throws(() => simulator.authenticateSetup(again.id), /does not wait/);
  const [card] = (await stripe.customers.listPaymentMethods(customer)).data;
  const paid = await stripe.paymentIntents.create({
    amount: 1000,
    currency: 'usd',
    customer,
    payment_method: card!.id,
    off_session: true,
    confirm: true,
  });
  assert.equal(paid.status, 'succeeded');
  assert.deepEqual(
    typesOf(simulator.events()).filter((type) => type.startsWith('setup_intent')),
    [
      'setup_intent.created',
      'setup_intent.requires_action',
      'setup_intent.setup_failed',
      'setup_intent.created',
      'setup_intent.requires_action',
      'setup_intent.succeeded',
    ],
  );
});

test('a declined card is not set up: 402, and the intent is open for another', async (t) => {
  const { stripe } = await useSimulator(t);
  const declined = await refusalOf(
    stripe.setupIntents.create({ payment_method: 'pm_card_chargeDeclinedExpiredCard', confirm: true }),
  );
  assert.deepEqual(
    [declined.statusCode, declined.code, declined.setup_intent?.status],
    [402, 'expired_card', 'requires_payment_method'],
  );
  const kept = await stripe.setupIntents.retrieve(String(declined.setup_intent?.id));
  assert.equal(kept.last_setup_error?.code, 'expired_card');
  const done = await stripe.setupIntents.confirm(kept.id, { payment_method: 'pm_card_mastercard' });
  assert.deepEqual([done.status, done.last_setup_error], ['succeeded', null]);
});

test('setups are changed, canceled and listed', async (t) => {
  const { stripe } = await useSimulator(t);
  const { id: customer } = await stripe.customers.create({});
  const made = await stripe.setupIntents.create({ usage: 'on_session' });
  const changed = await stripe.setupIntents.update(made.id, { customer, payment_method: 'pm_card_visa' });
  assert.deepEqual([changed.status, changed.customer], ['requires_confirmation', customer]);
  await stripe.setupIntents.create({});
  const method = String(changed.payment_method);
  for (const params of [{ customer }, { payment_method: method }]) {
    assert.deepEqual(
      (await stripe.setupIntents.list(params)).data.map(({ id }) => id),
      [made.id],
    );
  }
  const canceled = await stripe.setupIntents.cancel(made.id, { cancellation_reason: 'abandoned' });
  assert.deepEqual([canceled.status, canceled.cancellation_reason], ['canceled', 'abandoned']);
  assert.equal((await stripe.setupIntents.list({ limit: 1 })).has_more, true);
  const early = stripe.setupIntents.create({ return_url: 'http://shop.test/back' });
  assert.match((await refusalOf(early)).message, /confirm=true/);
});

const setupSession = (more: Partial<Stripe.Checkout.SessionCreateParams> = {}) => ({
  mode: 'setup' as const,
  success_url: 'http://shop.test/thanks',
  ...more,
});

test('a session in setup mode saves a card for its customer and charges nothing', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { id: customer } = await stripe.customers.create({ email: 'ada@example.com' });
  const session = await stripe.checkout.sessions.create(
    setupSession({ customer, setup_intent_data: { metadata: { op: '1' } } }),
  );
  assert.deepEqual(
    [session.amount_total, session.payment_status, session.payment_method_types],
    [null, 'no_payment_required', ['card']],
  );
  assert.equal(simulator.decline(session.id, 'lost_card').status, 'open');
  assert.deepEqual((await stripe.customers.listPaymentMethods(customer)).data, []);
  const done = simulator.pay(session.id, { card: '5555555555554444' });
  const setup = await stripe.setupIntents.retrieve(String(done.setup_intent));
  assert.deepEqual([done.status, setup.status, setup.metadata], ['complete', 'succeeded', { op: '1' }]);
  const [card] = (await stripe.customers.listPaymentMethods(customer)).data;
  assert.deepEqual([card?.id, card?.card?.last4], [setup.payment_method, '4444']);
  assert.equal(typesOf(simulator.events()).at(-1), 'checkout.session.completed');
  assert.deepEqual((await stripe.charges.list()).data, []);
});

test('a card that is to be confirmed is saved by a session once it is, on its page as well', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const session = await stripe.checkout.sessions.create(setupSession({ customer_creation: 'always' }));
  const page = await (await fetch(session.url ?? '')).text();
  assert.ok(page.includes('Save a card') && page.includes('<button>Save</button>'));
  const body = new URLSearchParams({ pay_with: '4000002500003155', email: 'ada@example.com' });
  const sent = await fetch(session.url ?? '', { method: 'POST', body, redirect: 'manual' });
  assert.match(sent.headers.get('location') ?? '', /\/c\/3ds\/seti_/);
  simulator.authenticateSetup(String(session.setup_intent));
  const done = await stripe.checkout.sessions.retrieve(session.id);
  assert.equal(done.status, 'complete');
  assert.equal((await stripe.customers.listPaymentMethods(String(done.customer))).data.length, 1);
  assert.match(await (await fetch(session.url ?? '')).text(), /This is saved/);
});

test('what belongs to another mode is refused', async (t) => {
  const { stripe } = await useSimulator(t);
  const cases: [Partial<Stripe.Checkout.SessionCreateParams>, RegExp][] = [
    [{ submit_type: 'pay' }, /`submit_type` in `setup` mode/],
    [{ line_items: [{ price: 'price_x', quantity: 1 }] }, /`line_items` in `setup` mode/],
    [{ mode: 'payment', currency: 'usd' }, /`currency` in `payment` mode/],
    [{ mode: 'subscription' }, /Missing required param: line_items/],
  ];
  for (const [more, message] of cases) {
    const call = stripe.checkout.sessions.create(setupSession(more));
    assert.match((await refusalOf(call)).message, message);
  }
});
