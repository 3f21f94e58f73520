import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type Stripe from 'stripe';
import { Contradiction } from './change.ts';
import { outcomeOf } from './sessions.ts';

const intent = (status: string) => ({ id: 'pi_1', status }) as Stripe.PaymentIntent;

for (const [status, payment, paymentIntent, outcome] of [
  ['open', 'unpaid', null, 'pending'],
  ['open', 'unpaid', intent('requires_payment_method'), 'pending'],
  ['open', 'no_payment_required', null, 'pending'],
  ['complete', 'paid', intent('succeeded'), 'paid'],
  ['complete', 'paid', null, 'paid'],
  ['complete', 'no_payment_required', null, 'paid'],
  ['complete', 'unpaid', intent('processing'), 'pending'],
  ['complete', 'unpaid', intent('some_new'), 'pending'],
  ['complete', 'unpaid', 'pi_1', 'pending'],
  ['complete', 'unpaid', null, 'pending'],
  ['complete', 'unpaid', intent('requires_payment_method'), 'failed'],
  ['complete', 'unpaid', intent('canceled'), 'failed'],
  ['expired', 'unpaid', null, 'expired'],
  ['expired', 'unpaid', intent('canceled'), 'expired'],
] as const) {
  const of = typeof paymentIntent === 'object' ? (paymentIntent?.status ?? 'no intent') : 'an intent by id';
  test(`a session that is ${status} and ${payment}, with ${of}: ${outcome}`, () => {
    assert.equal(outcomeOf({ status, payment_status: payment, payment_intent: paymentIntent }), outcome);
  });
}

test('what Stripe may add one day is no payment', () => {
  for (const session of [
    { status: 'some_new', payment_status: 'paid' },
    { status: null, payment_status: 'paid' },
    { status: 'complete', payment_status: 'some_new' },
  ]) {
    assert.throws(
      () => outcomeOf({ ...session, payment_intent: null } as Stripe.Checkout.Session),
      Contradiction,
    );
  }
});

// The folder with Stripe's own examples, where there is one.
const contract = process.env.TOLLGATE_STRIPE_CONTRACT;
for (const name of ['fixtures-endive.json', 'fixtures-dahlia.json']) {
  const path = join(contract ?? '', name);
  const skip = contract === undefined || !existsSync(path);
  test(`Stripe’s own example of a session is understood: ${name}`, { skip }, () => {
    const { resources } = JSON.parse(readFileSync(path, 'utf8'));
    const session = resources['checkout.session'] as Stripe.Checkout.Session;
    assert.equal(session.object, 'checkout.session');
    assert.ok(
      ['paid', 'pending', 'failed', 'expired'].includes(
        outcomeOf({ ...session, status: session.status ?? 'open' }),
      ),
    );
  });
}
