import assert from 'node:assert/strict';
import { test } from 'node:test';
import type Stripe from 'stripe';
import { MovableClock } from '../../lib/clock.ts';
import type { Simulator } from '../simulator.ts';
import { order, refusalOf, useSimulator } from '../testing.ts';

/** A paid charge of ten dollars. */
async function chargeOf(
  { simulator, stripe }: { simulator: Simulator; stripe: Stripe },
  card = '4242424242424242',
): Promise<{ charge: string; intent: string }> {
  const { id } = await stripe.checkout.sessions.create(order());
  const intent = String(simulator.pay(id, { card }).payment_intent);
  return { charge: String((await stripe.paymentIntents.retrieve(intent)).latest_charge), intent };
}

const typesAfter = (simulator: Simulator, type: string) => {
  const types: string[] = simulator.events().map((event) => event.type);
  return types.slice(types.lastIndexOf(type) + 1);
};

test('a charge is refunded in parts, and then no more', async (t) => {
  const world = await useSimulator(t);
  const { stripe, simulator } = world;
  const { charge, intent } = await chargeOf(world);
  const first = await stripe.refunds.create({ payment_intent: intent, amount: 333, metadata: { a: '1' } });
  assert.deepEqual(
    [first.status, first.amount, first.charge, first.payment_intent, first.currency, first.metadata],
    ['succeeded', 333, charge, intent, 'usd', { a: '1' }],
  );
  assert.deepEqual(typesAfter(simulator, 'checkout.session.completed'), [
    'charge.refunded',
    'refund.created',
  ]);
  const tooMuch = await refusalOf(stripe.refunds.create({ charge, amount: 668 }));
  assert.deepEqual([tooMuch.statusCode, tooMuch.param], [400, 'amount']);
  assert.match(tooMuch.message, /\(\$6\.68\) is greater than unrefunded amount on charge \(\$6\.67\)/);
  const half = await stripe.charges.retrieve(charge);
  assert.deepEqual([half.amount_refunded, half.refunded], [333, false]);
  const rest = await stripe.refunds.create({ charge });
  assert.equal(rest.amount, 667);
  const whole = await stripe.charges.retrieve(charge);
  assert.deepEqual([whole.amount_refunded, whole.refunded], [1000, true]);
  const again = await refusalOf(stripe.refunds.create({ charge }));
  assert.deepEqual([again.statusCode, again.code], [400, 'charge_already_refunded']);
  const { data } = await stripe.refunds.list({ payment_intent: intent });
  assert.deepEqual(
    data.map(({ id }) => id),
    [rest.id, first.id],
  );
  assert.deepEqual((await stripe.refunds.list({ charge: 'ch_other' })).data, []);
});

test('what was not paid is not refunded, and a refund is about something', async (t) => {
  const world = await useSimulator(t);
  const { stripe, simulator } = world;
  const { id } = await stripe.checkout.sessions.create(order());
  const intent = String(simulator.decline(id).payment_intent);
  assert.match(
    (await refusalOf(stripe.refunds.create({ payment_intent: intent }))).message,
    /does not have a successful charge/,
  );
  assert.equal((await refusalOf(stripe.refunds.create({}))).statusCode, 400);
  const missing = await refusalOf(stripe.refunds.create({ payment_intent: 'pi_none' }));
  assert.deepEqual([missing.code, missing.param], ['resource_missing', 'payment_intent']);
});

test('a refund that fails gives the charge its money back, and says so', async (t) => {
  const world = await useSimulator(t);
  const { stripe, simulator } = world;
  const { charge } = await chargeOf(world);
  const { id } = await stripe.refunds.create({ charge, amount: 400 });
  simulator.failRefund(id);
  assert.deepEqual(typesAfter(simulator, 'refund.created'), [
    'refund.updated',
    'charge.refund.updated',
    'refund.failed',
  ]);
  assert.equal((await stripe.refunds.retrieve(id)).status, 'failed');
  assert.equal((await stripe.charges.retrieve(charge)).amount_refunded, 0);
  assert.throws(() => simulator.failRefund(id), /has failed already/);
});

test('refunds to test cards come to their outcome some time later', async (t) => {
  const clock = new MovableClock();
  const world = await useSimulator(t, { clock });
  const { stripe, simulator } = world;
  const fails = await stripe.refunds.create({ charge: (await chargeOf(world, '4000000000005126')).charge });
  const waits = await stripe.refunds.create({ charge: (await chargeOf(world, '4000000000007726')).charge });
  const good = await stripe.refunds.create({ charge: (await chargeOf(world)).charge });
  const statuses = async () =>
    Promise.all([fails, waits, good].map(async ({ id }) => (await stripe.refunds.retrieve(id)).status));
  assert.deepEqual(await statuses(), ['succeeded', 'pending', 'succeeded']);
  clock.offsetMs += 10_000;
  simulator.tick();
  assert.deepEqual(await statuses(), ['failed', 'succeeded', 'succeeded']);
});

test('a disputed charge has lost its money at once, and is not refunded', async (t) => {
  const world = await useSimulator(t);
  const { stripe, simulator } = world;
  const { charge, intent } = await chargeOf(world, '4000000000000259');
  const { data } = await stripe.disputes.list({ payment_intent: intent });
  const [dispute] = data;
  assert.deepEqual([data.length, dispute!.status, dispute!.amount], [1, 'needs_response', 1000]);
  assert.equal(dispute!.balance_transactions[0]!.amount, -1000);
  assert.equal((await stripe.charges.retrieve(charge)).disputed, true);
  assert.equal((await refusalOf(stripe.refunds.create({ charge }))).code, 'charge_disputed');
  assert.deepEqual(typesAfter(simulator, 'checkout.session.completed'), [
    'charge.dispute.created',
    'charge.dispute.funds_withdrawn',
  ]);
  simulator.moveDispute(dispute!.id, 'won');
  assert.deepEqual(typesAfter(simulator, 'charge.dispute.funds_withdrawn'), [
    'charge.dispute.closed',
    'charge.dispute.funds_reinstated',
  ]);
  assert.equal((await stripe.disputes.retrieve(dispute!.id)).status, 'won');
});

test('an inquiry takes nothing until it becomes a dispute; who gives in has lost', async (t) => {
  const world = await useSimulator(t);
  const { stripe, simulator } = world;
  const { charge } = await chargeOf(world, '4000000000001976');
  const [inquiry] = (await stripe.disputes.list({ charge })).data;
  assert.deepEqual([inquiry!.status, inquiry!.balance_transactions], ['warning_needs_response', []]);
  const escalated = simulator.moveDispute(inquiry!.id, 'needs_response');
  assert.equal(escalated.balance_transactions[0]!.amount, -1000);
  assert.deepEqual(typesAfter(simulator, 'charge.dispute.created'), [
    'charge.dispute.updated',
    'charge.dispute.funds_withdrawn',
  ]);
  assert.equal((await stripe.disputes.close(inquiry!.id)).status, 'lost');
  assert.match((await refusalOf(stripe.disputes.close(inquiry!.id))).message, /already closed/);
  const part = simulator.dispute((await chargeOf(world)).charge, { amount: 250 });
  assert.equal(part.amount, 250);
});
