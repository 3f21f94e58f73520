import assert from 'node:assert/strict';
import { test } from 'node:test';
import Stripe from 'stripe';
import type { Simulator } from '../simulator.ts';
import { refusalOf, useSimulator } from '../testing.ts';

const typesOf = (simulator: Simulator, from = 0) =>
  simulator
    .events()
    .slice(from)
    .map(({ type }) => type);

/** A customer with a saved card, and how to charge it while the customer is away. */
async function useSavedCard(stripe: Stripe, card = 'pm_card_visa') {
  const customer = await stripe.customers.create({ payment_method: card });
  const [method] = (await stripe.customers.listPaymentMethods(customer.id)).data;
  const params = {
    amount: 1000,
    currency: 'usd',
    customer: customer.id,
    payment_method: method!.id,
    off_session: true,
    confirm: true,
  };
  const charge = (options?: Stripe.RequestOptions) => stripe.paymentIntents.create(params, options);
  return { customer, method: method!.id, params, charge };
}

test('a saved card is charged while its holder is away', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { customer, method, charge } = await useSavedCard(stripe);
  const intent = await charge();
  assert.deepEqual(
    [intent.status, intent.amount_received, intent.customer, intent.payment_method],
    ['succeeded', 1000, customer.id, method],
  );
  const made = await stripe.charges.retrieve(String(intent.latest_charge));
  assert.deepEqual(
    [made.customer, made.payment_method, made.outcome?.type],
    [customer.id, method, 'authorized'],
  );
  assert.equal((await charge()).status, 'succeeded');
  assert.deepEqual(typesOf(simulator, 2).slice(0, 3), [
    'payment_intent.created',
    'charge.succeeded',
    'payment_intent.succeeded',
  ]);
});

test('a saved card goes bad and good again', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { method, charge } = await useSavedCard(stripe);
  simulator.setCard(method, 'insufficient_funds');
  const refusal = await refusalOf(charge());
  assert.ok(refusal instanceof Stripe.errors.StripeCardError);
  const { statusCode, code, decline_code: declineCode, advice_code: advice } = refusal;
  assert.deepEqual(
    [statusCode, code, declineCode, advice],
    [402, 'card_declined', 'insufficient_funds', 'try_again_later'],
  );
  assert.equal(refusal.payment_intent?.status, 'requires_payment_method');
  assert.equal(refusal.payment_method?.id, method);
  const kept = await stripe.paymentIntents.retrieve(String(refusal.payment_intent?.id), {
    expand: ['latest_charge'],
  });
  const failed = kept.latest_charge;
  assert.ok(typeof failed === 'object' && failed?.outcome?.reason === 'insufficient_funds');
  assert.equal(kept.last_payment_error?.charge, failed.id);
  assert.deepEqual(typesOf(simulator, -2), ['charge.failed', 'payment_intent.payment_failed']);
  simulator.setCard(method, null);
  const again = await stripe.paymentIntents.confirm(kept.id, { payment_method: method, off_session: true });
  assert.deepEqual([again.status, again.last_payment_error], ['succeeded', null]);
});

test('a decline is the answer to its idempotency key, even when the card is good again', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { method, params, charge } = await useSavedCard(stripe);
  simulator.setCard(method, 'lost_card');
  const first = await refusalOf(charge({ idempotencyKey: 'top-up-1' }));
  const events = simulator.events().length;
  simulator.setCard(method, null);
  const second = await refusalOf(charge({ idempotencyKey: 'top-up-1' }));
  assert.deepEqual([second.statusCode, second.payment_intent?.id], [402, first.payment_intent?.id]);
  assert.equal(second.headers?.['idempotent-replayed'], 'true');
  assert.equal(simulator.events().length, events);
  const other = stripe.paymentIntents.create({ ...params, amount: 2000 }, { idempotencyKey: 'top-up-1' });
  assert.equal((await refusalOf(other)).type, 'StripeIdempotencyError');
  assert.equal((await charge({ idempotencyKey: 'top-up-2' })).status, 'succeeded');
});

test('a card to be authenticated is declined while its holder is away, and then confirmed with them', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { method, charge } = await useSavedCard(stripe, 'pm_card_authenticationRequired');
  const refusal = await refusalOf(charge());
  assert.deepEqual(
    [refusal.statusCode, refusal.code, refusal.decline_code, refusal.payment_intent?.status],
    [402, 'authentication_required', 'authentication_required', 'requires_payment_method'],
  );
  const { id } = refusal.payment_intent!;
  const waiting = await stripe.paymentIntents.confirm(id, {
    payment_method: method,
    return_url: 'http://shop.test/back',
  });
  assert.equal(waiting.status, 'requires_action');
  assert.equal(waiting.next_action?.redirect_to_url?.url, `${simulator.url}/c/3ds/${id}`);
  assert.equal(waiting.next_action?.redirect_to_url?.return_url, 'http://shop.test/back');
  const refused = simulator.authenticate(id, 'fail');
  assert.deepEqual(
    [refused.status, refused.last_payment_error?.code],
    ['requires_payment_method', 'payment_intent_authentication_failure'],
  );
  assert.throws(() => simulator.authenticate(id), /does not wait/);
  await stripe.paymentIntents.confirm(id, { payment_method: method });
  assert.equal(simulator.authenticate(id).status, 'succeeded');
  assert.equal((await stripe.charges.list({ payment_intent: id })).data.length, 2);
});

test('a card that was set up with its holder is charged without them; one that was only attached is not', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { customer, method, params, charge } = await useSavedCard(
    stripe,
    'pm_card_authenticationRequiredOnSetup',
  );
  assert.equal((await refusalOf(charge())).code, 'authentication_required');
  const present = await stripe.paymentIntents.create({
    amount: 500,
    currency: 'usd',
    customer: customer.id,
    payment_method: method,
    setup_future_usage: 'off_session',
    confirm: true,
  });
  assert.equal(present.status, 'requires_action');
  simulator.authenticate(present.id);
  assert.equal((await charge()).status, 'succeeded');
  const strict = await refusalOf(
    stripe.paymentIntents.create({ ...params, off_session: false, error_on_requires_action: true }),
  );
  assert.equal(strict.code, 'authentication_required');
});

test('a method is charged once by a guest, and again only by the customer that it was saved for', async (t) => {
  const { stripe } = await useSimulator(t);
  const { id: customer } = await stripe.customers.create({});
  const create = async (more: Partial<Stripe.PaymentIntentCreateParams>) =>
    stripe.paymentIntents.create({ amount: 1000, currency: 'usd', confirm: true, ...more });
  const { payment_method: guest } = await create({ payment_method: 'pm_card_visa' });
  assert.match((await refusalOf(create({ payment_method: String(guest) }))).message, /may not be used again/);
  const { payment_method: saved } = await create({
    payment_method: 'pm_card_visa',
    customer,
    setup_future_usage: 'off_session',
  });
  const again = { payment_method: String(saved) };
  assert.equal((await stripe.paymentMethods.retrieve(again.payment_method)).customer, customer);
  assert.match((await refusalOf(create(again))).message, /belongs to a Customer/);
  assert.equal((await create({ ...again, customer })).status, 'succeeded');
});

test('an intent is made, changed, confirmed and found; a finished one is not changed any more', async (t) => {
  const { stripe } = await useSimulator(t);
  const { id: customer } = await stripe.customers.create({ payment_method: 'pm_card_visa' });
  const made = await stripe.paymentIntents.create({ amount: 1000, currency: 'USD', metadata: { a: '1' } });
  assert.deepEqual([made.status, made.currency], ['requires_payment_method', 'usd']);
  assert.match((await refusalOf(stripe.paymentIntents.confirm(made.id))).message, /missing a payment method/);
  const [method] = (await stripe.customers.listPaymentMethods(customer)).data;
  const changed = await stripe.paymentIntents.update(made.id, {
    amount: 1500,
    customer,
    description: 'credits',
    metadata: { b: '2' },
    payment_method: method!.id,
  });
  assert.deepEqual(
    [changed.status, changed.amount, changed.metadata],
    ['requires_confirmation', 1500, { a: '1', b: '2' }],
  );
  const paid = await stripe.paymentIntents.confirm(made.id, { receipt_email: 'ada@example.com' });
  assert.deepEqual(
    [paid.status, paid.amount_received, paid.receipt_email],
    ['succeeded', 1500, 'ada@example.com'],
  );
  const late = await refusalOf(stripe.paymentIntents.update(made.id, { amount: 2000 }));
  assert.equal(late.code, 'payment_intent_unexpected_state');
  assert.equal((await stripe.paymentIntents.update(made.id, { metadata: { b: '' } })).metadata.b, undefined);
  assert.deepEqual(
    (await stripe.paymentIntents.list({ customer })).data.map(({ id }) => id),
    [made.id],
  );
});

test('money is held, captured in part, or let go', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const hold = () =>
    stripe.paymentIntents.create({
      amount: 1000,
      currency: 'usd',
      payment_method: 'pm_card_visa',
      capture_method: 'manual',
      confirm: true,
    });
  const held = await hold();
  assert.deepEqual(
    [held.status, held.amount_capturable, held.amount_received],
    ['requires_capture', 1000, 0],
  );
  const tooMuch = stripe.paymentIntents.capture(held.id, { amount_to_capture: 1001 });
  assert.equal((await refusalOf(tooMuch)).code, 'amount_too_large');
  const captured = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 700 });
  assert.deepEqual([captured.status, captured.amount_received], ['succeeded', 700]);
  assert.deepEqual(typesOf(simulator), [
    'payment_intent.created',
    'charge.succeeded',
    'payment_intent.amount_capturable_updated',
    'charge.captured',
    'payment_intent.succeeded',
  ]);
  assert.equal((await refusalOf(stripe.paymentIntents.cancel(held.id))).statusCode, 400);
  const dropped = await stripe.paymentIntents.cancel((await hold()).id, { cancellation_reason: 'abandoned' });
  assert.deepEqual([dropped.status, dropped.cancellation_reason], ['canceled', 'abandoned']);
  const charge = await stripe.charges.retrieve(String(dropped.latest_charge));
  assert.deepEqual([charge.captured, charge.refunded], [false, true]);
});

test('a saved bank account is charged now and answers later', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { charge } = await useSavedCard(stripe, 'pm_usBankAccount');
  const [good, bad] = [await charge(), await charge()];
  assert.equal(good.status, 'processing');
  assert.equal(simulator.settleIntent(good.id).status, 'succeeded');
  assert.equal(simulator.settleIntent(bad.id, 'fail').status, 'requires_payment_method');
  assert.throws(() => simulator.settleIntent(good.id), /does not wait for a bank/);
});

test('what cannot be charged is refused, and no intent is left', async (t) => {
  const { stripe } = await useSimulator(t);
  const create = (more: Partial<Stripe.PaymentIntentCreateParams>) =>
    stripe.paymentIntents.create({ amount: 1000, currency: 'usd', ...more });
  for (const [call, message] of [
    [create({ amount: 10 }), /at least \$0\.50/],
    [create({ off_session: true }), /only be passed when confirm=true/],
    [create({ payment_method: 'pm_none' }), /No such PaymentMethod/],
    [create({ customer: 'cus_none' }), /No such customer/],
    [create({ confirm: true, payment_method: 'pm_sepaDebit' }), /not allowed for this PaymentIntent/],
    [create({ transfer_group: 'x' }), /unknown parameter/],
  ] as const) {
    assert.match((await refusalOf(call)).message, message);
  }
  assert.equal((await stripe.paymentIntents.list()).data.length, 0);
});
