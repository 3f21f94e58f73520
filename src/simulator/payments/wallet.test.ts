import assert from 'node:assert/strict';
import { test } from 'node:test';
import Stripe from 'stripe';
import { refusalOf, useSimulator } from '../testing.ts';

const typesOf = (events: Stripe.Event[]) => events.map(({ type }) => type);

test('a card is saved, found, changed and let go for good', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const customer = await stripe.customers.create({});
  const card = await stripe.paymentMethods.create({
    type: 'card',
    card: { token: 'tok_visa' },
    billing_details: { email: 'ada@example.com', address: { city: 'London' } },
    metadata: { a: '1' },
  });
  assert.deepEqual([card.customer, card.card?.last4, card.metadata], [null, '4242', { a: '1' }]);
  const attached = await stripe.paymentMethods.attach(card.id, { customer: customer.id });
  assert.equal(attached.customer, customer.id);
  const changed = await stripe.paymentMethods.update(card.id, {
    billing_details: { name: 'Ada' },
    card: { exp_month: 3, exp_year: 2031 },
    metadata: { a: '', b: '2' },
  });
  const { billing_details: billing, card: shown, metadata } = changed;
  assert.deepEqual([billing.name, billing.address?.city], ['Ada', 'London']);
  assert.deepEqual([shown?.exp_year, metadata], [2031, { b: '2' }]);
  assert.deepEqual(await stripe.customers.retrievePaymentMethod(customer.id, card.id), changed);
  const detached = await stripe.paymentMethods.detach(card.id);
  assert.equal(detached.customer, null);
  assert.deepEqual(typesOf(simulator.events()).slice(1), [
    'payment_method.attached',
    'payment_method.updated',
    'payment_method.detached',
  ]);
  const again = await refusalOf(stripe.paymentMethods.attach(card.id, { customer: customer.id }));
  assert.match(again.message, /may not be used again/);
  assert.equal(
    (await refusalOf(stripe.customers.retrievePaymentMethod(customer.id, card.id))).statusCode,
    404,
  );
});

test('methods are listed by customer and type', async (t) => {
  const { stripe } = await useSimulator(t);
  const { id: customer } = await stripe.customers.create({});
  const ids: string[] = [];
  for (const pm of ['pm_card_visa', 'pm_card_mastercard', 'pm_usBankAccount', 'pm_sepaDebit']) {
    ids.unshift((await stripe.paymentMethods.attach(pm, { customer })).id);
  }
  await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } });
  const listed = async (params: Stripe.PaymentMethodListParams) =>
    (await stripe.paymentMethods.list(params)).data.map(({ id }) => id);
  assert.deepEqual(await listed({ customer }), ids);
  assert.deepEqual(await listed({ customer, type: 'card' }), ids.slice(2));
  assert.deepEqual(await listed({ customer, type: 'sepa_debit' }), ids.slice(0, 1));
  assert.equal((await listed({})).length, 1);
  const page = await stripe.customers.listPaymentMethods(customer, { limit: 1, starting_after: ids[0]! });
  assert.deepEqual([page.data[0]?.id, page.has_more], [ids[1], true]);
  const other = await stripe.customers.create({});
  const taken = await refusalOf(stripe.paymentMethods.attach(ids[0]!, { customer: other.id }));
  assert.match(taken.message, /already been attached/);
});

test('a card that is declined at once cannot be saved; one that is declined later can', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { id: customer } = await stripe.customers.create({});
  const refusal = await refusalOf(
    stripe.paymentMethods.attach('pm_card_visa_chargeDeclinedLostCard', { customer }),
  );
  assert.ok(refusal instanceof Stripe.errors.StripeCardError);
  const { statusCode, code, decline_code: declineCode, advice_code: advice } = refusal;
  assert.deepEqual(
    [statusCode, code, declineCode, advice],
    [402, 'card_declined', 'lost_card', 'do_not_try_again'],
  );
  const creating = stripe.customers.create({ payment_method: 'pm_card_chargeDeclined' });
  assert.equal((await refusalOf(creating)).statusCode, 402);
  assert.equal((await stripe.customers.list()).data.length, 1);
  assert.equal(
    (await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer })).customer,
    customer,
  );
  assert.equal(typesOf(simulator.events()).at(-1), 'payment_method.attached');
});

test('a customer has a default method, from the start or later, until that is detached', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const made = await stripe.customers.create({
    payment_method: 'pm_card_visa',
    invoice_settings: { default_payment_method: 'pm_card_visa' },
  });
  const { data } = await stripe.customers.listPaymentMethods(made.id);
  assert.deepEqual([made.invoice_settings.default_payment_method, data.length], [data[0]?.id, 1]);
  const expanded = await stripe.customers.retrieve(made.id, {
    expand: ['invoice_settings.default_payment_method'],
  });
  assert.ok(expanded.deleted !== true);
  const chosen = expanded.invoice_settings.default_payment_method;
  assert.ok(typeof chosen === 'object' && chosen?.card?.last4 === '4242');
  const other = await stripe.customers.create({ source: 'tok_mastercard' });
  assert.match(String(other.default_source), /^pm_/);
  const foreign = stripe.customers.update(other.id, {
    invoice_settings: { default_payment_method: data[0]!.id },
  });
  assert.match((await refusalOf(foreign)).message, /must be attached to the customer/);
  await stripe.paymentMethods.detach(data[0]!.id);
  const after = await stripe.customers.retrieve(made.id);
  assert.ok(after.deleted !== true && after.invoice_settings.default_payment_method === null);
  assert.deepEqual(typesOf(simulator.events()).slice(-2), ['payment_method.detached', 'customer.updated']);
});

test('a customer that is deleted leaves no method behind', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { id } = await stripe.customers.create({ payment_method: 'pm_card_visa' });
  const [method] = (await stripe.customers.listPaymentMethods(id)).data;
  await stripe.customers.del(id);
  assert.equal((await stripe.paymentMethods.retrieve(method!.id)).customer, null);
  assert.ok(typesOf(simulator.events()).includes('payment_method.detached'));
});

test('what is not a method, a token or a known field is refused', async (t) => {
  const { stripe } = await useSimulator(t);
  const { id: customer } = await stripe.customers.create({});
  for (const [call, message] of [
    [stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_none' } }), /No such token/],
    [stripe.paymentMethods.create({ type: 'card', card: { number: '4111111111111111' } }), /test cards/],
    [stripe.paymentMethods.create({ type: 'card' }), /Missing required param: card/],
    [stripe.paymentMethods.create({ type: 'paypal' }), /must be one of/],
    [stripe.paymentMethods.attach('pm_card_none', { customer }), /No such PaymentMethod/],
    [stripe.customers.create({ source: 'tok_none' }), /No such token/],
  ] as const) {
    assert.match((await refusalOf(call)).message, message);
  }
});
