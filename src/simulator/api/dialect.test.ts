import assert from 'node:assert/strict';
import { test } from 'node:test';
import type Stripe from 'stripe';
import { MovableClock } from '../../lib/clock.ts';
import { order, refusalOf, useSimulator } from '../testing.ts';

/** Calls as Stripe's own command line does: it names no version, and nothing is typed. */
async function call(url: string, method: 'GET' | 'POST', path: string, params: Record<string, string> = {}) {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: 'Bearer sk_test_12345' },
    ...(method === 'GET' ? {} : { body: new URLSearchParams(params) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: whatever it answers
  return { status: response.status, body: (await response.json()) as any };
}

const ADDRESS = { city: 'San Francisco', country: 'US', line1: '510 Townsend St', postal_code: '94103' };

test('a session is paid through its page as the command line pays it, and what was bought is sent somewhere', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { url } = simulator;
  const shipping = { name: 'Jenny Rosen', address: ADDRESS };
  const { id } = await stripe.checkout.sessions.create(order({ payment_intent_data: { shipping } }));
  const page = await call(url, 'GET', `/v1/payment_pages/${id}`);
  assert.deepEqual([page.body.amount_total, page.body.status], [1000, 'open']);
  const method = await call(url, 'POST', '/v1/payment_methods', {
    type: 'card',
    'card[token]': 'tok_visa',
    'billing_details[email]': 'jenny@example.com',
  });
  const confirm = (expected: number, payment_method = method.body.id) =>
    call(url, 'POST', `/v1/payment_pages/${id}/confirm`, {
      payment_method,
      expected_amount: String(expected),
    });
  assert.equal((await confirm(999)).body.error.param, 'expected_amount');
  assert.equal((await confirm(1000, 'pm_card_chargeDeclined')).body.error.code, 'card_declined');
  assert.equal((await confirm(1000)).body.status, 'complete');
  const session = await stripe.checkout.sessions.retrieve(id, { expand: ['payment_intent.latest_charge'] });
  assert.deepEqual([session.payment_status, session.customer_details?.email], ['paid', 'jenny@example.com']);
  const intent = session.payment_intent as Stripe.PaymentIntent;
  const charge = intent.latest_charge as Stripe.Charge;
  assert.equal(intent.payment_method, method.body.id);
  assert.deepEqual(intent.shipping?.address, { ...ADDRESS, line2: null, state: null });
  assert.deepEqual(charge.shipping, intent.shipping);
  assert.equal((await confirm(1000)).status, 400);
});

test('who names no version may use the names of before; who names one may not', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const { body } = await call(simulator.url, 'POST', '/v1/payment_intents', {
    ...{ amount: '1000', currency: 'usd', confirm: 'true', 'payment_method_types[]': 'card' },
    ...{ payment_method: 'pm_card_visa', capture_method: 'manual', confirmation_method: 'manual' },
  });
  assert.deepEqual(
    [body.status, body.confirmation_method, body.allowed_payment_method_types],
    ['requires_capture', 'manual', ['card']],
  );
  const params = { amount: 1000, currency: 'usd', payment_method_types: ['card'] };
  assert.match((await refusalOf(stripe.paymentIntents.create(params))).message, /payment_method_types/);
});

for (const [iban, outcome, intentStatus] of [
  ['AT611904300234573201', 'succeeded', 'succeeded'],
  ['IT60 X054 2811 1010 0000 0123 456', 'failed', 'requires_payment_method'],
] as const) {
  test(`the bank of ${iban} answers by itself: ${outcome}`, async (t) => {
    const clock = new MovableClock();
    const { simulator, stripe } = await useSimulator(t, { clock });
    const line = { currency: 'eur', unit_amount: 1500, product_data: { name: 'Credits' } };
    const { id } = await stripe.checkout.sessions.create(
      order({ line_items: [{ quantity: 2, price_data: line }] }),
    );
    const method = await stripe.paymentMethods.create({
      type: 'sepa_debit',
      sepa_debit: { iban },
      billing_details: { email: 'jenny@example.com', name: 'Jenny Rosen' },
    });
    await call(simulator.url, 'POST', `/v1/payment_pages/${id}/confirm`, {
      payment_method: method.id,
      expected_amount: '3000',
    });
    const { payment_status: before } = await stripe.checkout.sessions.retrieve(id);
    assert.equal(before, 'unpaid');
    clock.offsetMs += 60_000;
    simulator.tick();
    const session = await stripe.checkout.sessions.retrieve(id, { expand: ['payment_intent'] });
    assert.equal((session.payment_intent as Stripe.PaymentIntent).status, intentStatus);
    const types = simulator.events().map(({ type }) => type);
    assert.ok(types.includes(`checkout.session.async_payment_${outcome}`));
  });
}

test('what is noted on a refund or a dispute is kept, and told', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const pay = (payment_method: string) =>
    stripe.paymentIntents.create({ amount: 1000, currency: 'usd', payment_method, confirm: true });
  const metadata = { order_id: '6735' };
  const refund = await stripe.refunds.create({ payment_intent: (await pay('pm_card_visa')).id });
  assert.deepEqual((await stripe.refunds.update(refund.id, { metadata })).metadata, metadata);
  const { id: payment_intent } = await pay('pm_card_createDispute');
  const [dispute] = (await stripe.disputes.list({ payment_intent })).data;
  assert.deepEqual((await stripe.disputes.update(dispute!.id, { metadata })).metadata, metadata);
  const types = simulator.events().map(({ type }) => type);
  for (const type of ['refund.updated', 'charge.refund.updated', 'charge.dispute.updated'] as const) {
    assert.ok(types.includes(type), type);
  }
});
