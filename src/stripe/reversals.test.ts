import assert from 'node:assert/strict';
import { after, before, suite, type TestContext, test } from 'node:test';
import type Stripe from 'stripe';
import { type Customer, eventAbout, eventsOf, openShop, type Shop, until } from '../../test/shop.ts';
import { refundUse } from '../entitlements/entitlements.ts';
import { Contradiction, commit } from './change.ts';
import { disputeStatus, readReversals, refundStatus } from './reversals.ts';

for (const [status, ours] of [
  ['pending', 'PENDING'],
  ['requires_action', 'PENDING'],
  ['succeeded', 'SUCCEEDED'],
  ['failed', 'FAILED'],
  ['canceled', 'FAILED'],
] as const) {
  test(`a refund that is ${status}: ${ours}`, () => assert.equal(refundStatus(status), ours));
}

for (const [status, ours] of [
  ['warning_needs_response', 'INQUIRY'],
  ['warning_under_review', 'INQUIRY'],
  ['needs_response', 'OPEN'],
  ['under_review', 'OPEN'],
  ['appeal_needs_response', 'OPEN'],
  ['appeal_under_review', 'OPEN'],
  ['lost', 'LOST'],
  ['won', 'WON'],
  ['warning_closed', 'WON'],
  ['prevented', 'WON'],
] as const) {
  test(`a dispute that is ${status}: ${ours}`, () => assert.equal(disputeStatus(status), ours));
}

test('what Stripe may add one day is a contradiction', () => {
  for (const status of ['some_new', '', null]) assert.throws(() => refundStatus(status), Contradiction);
  assert.throws(() => disputeStatus('charge_refunded_twice'), Contradiction);
});

let shop: Shop;
let stripe: Stripe;
before(async () => {
  shop = await openShop();
  stripe = shop.services.stripe;
});
after(() => shop.close());

async function creditOf({ workspaceId }: Customer, of: Shop = shop) {
  const { rows } = await of.database.pool.query(
    'select balance::float, debt::float, "clawedBack"::float, expired::float from "Credit" where "workspaceId" = $1',
    [workspaceId],
  );
  return rows[0] as { balance: number; debt: number; clawedBack: number; expired: number };
}

async function reversedOf(id: string, of: Shop = shop) {
  const { rows } = await of.database.pool.query(
    'select refunded::float, disputed::float from "Payment" where id = $1',
    [id],
  );
  return rows[0] as { refunded: number; disputed: number };
}

/** The events that made us read a payment's reversals; those about the intent itself are ignored. */
async function readingsOf(intent: string) {
  return (await eventsOf(shop, intent)).filter(({ type }) => /refund|dispute/.test(type));
}

/** Resolves when all of them have come to this. */
async function untilAll(intent: string, wanted: 'APPLIED' | 'FAILED'): Promise<void> {
  await until(async () => {
    const events = await readingsOf(intent);
    return events.length > 0 && events.every(({ status }) => status === wanted);
  });
}

/** As long as a test runs, Stripe's lists of this kind say something strange. */
function makeStrange(path: RegExp, change: object, t: TestContext): void {
  let isOver = false;
  t.after(() => {
    isOver = true;
  });
  const fault = {
    change: (list: { data: object[] }) =>
      isOver ? list : { ...list, data: list.data.map((one) => ({ ...one, ...change })) },
  };
  shop.wire.fail(path, ...Array(20).fill(fault));
}

async function balanceOf(customer: Customer, of: Shop = shop): Promise<number> {
  return (await creditOf(customer, of)).balance;
}

suite('a refund', () => {
  test('told of twenty times at once, by different events, is one', async () => {
    const customer = await shop.customer();
    const { charge, intent } = await shop.buy(customer);
    const refund = await stripe.refunds.create({ charge, amount: 300 });
    const types = ['refund.created', 'refund.updated', 'charge.refund.updated'];
    const events = Array.from({ length: 20 }, (_, i) => eventAbout(types[i % 3]!, refund));
    const answers = await Promise.all(events.map((event) => shop.deliver(event)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    await shop.idle();
    await untilAll(intent, 'APPLIED');
    assert.deepEqual(await creditOf(customer), { balance: 700, debt: 0, clawedBack: 300, expired: 0 });
    const { rows } = await shop.database.pool.query('select id, status from "Reversal" where id = $1', [
      refund.id,
    ]);
    assert.deepEqual(rows, [{ id: refund.id, status: 'SUCCEEDED' }]);
  });

  test('of which an old event comes last stays as it is now', async () => {
    const customer = await shop.customer();
    const { charge } = await shop.buy(customer);
    const refund = await stripe.refunds.create({ charge });
    shop.simulator.failRefund(refund.id);
    await shop.idle();
    await shop.deliver(eventAbout('refund.created', refund));
    await shop.deliver(
      eventAbout('charge.refunded', { ...(await stripe.charges.retrieve(charge)), refunded: true }),
    );
    await shop.idle();
    assert.equal(await balanceOf(customer), 1000);
  });

  test('is found whole however many pages it takes to list', async () => {
    const customer = await shop.customer();
    const { charge, intent } = await shop.buy(customer, { amount: 500, currency: 'usd' });
    for (let i = 0; i < 101; i++) await stripe.refunds.create({ charge, amount: 100 });
    await shop.idle();
    await untilAll(intent, 'APPLIED');
    assert.deepEqual(await creditOf(customer), { balance: 39_900, debt: 0, clawedBack: 10_100, expired: 0 });
  });

  test('of a payment that is none of ours is ignored', async () => {
    const refund = { id: 're_other', object: 'refund', payment_intent: 'pi_of_another_product' };
    await shop.deliver(eventAbout('refund.created', refund));
    await shop.deliver(eventAbout('refund.created', { ...refund, payment_intent: null }));
    await shop.idle();
    const [known] = await eventsOf(shop, 'pi_of_another_product');
    assert.deepEqual([known?.status, known?.error], ['IGNORED', 'Not a payment of Tollgate.']);
    const { rows } = await shop.database.pool.query(
      `select status, error from "StripeEvent" where payload #>> '{data,object,id}' = 're_other' and "objectId" is null`,
    );
    assert.deepEqual(rows, [{ status: 'IGNORED', error: 'It names no object.' }]);
  });

  test('in a status that nobody knows changes nothing, and the operator is told', async (t) => {
    const customer = await shop.customer();
    const { charge, intent } = await shop.buy(customer);
    makeStrange(/GET \/v1\/refunds/, { status: 'some_new' }, t);
    await stripe.refunds.create({ charge });
    await shop.idle();
    await untilAll(intent, 'FAILED');
    assert.match((await readingsOf(intent))[0]!.error!, /status of the refund is not known: some_new/);
    assert.equal(await balanceOf(customer), 1000);
    assert.ok(shop.reports.some((report) => report.includes('some_new')));
  });
});

suite('a dispute', () => {
  test('in another currency than the payment is a contradiction', async (t) => {
    const customer = await shop.customer();
    const { charge, intent } = await shop.buy(customer);
    makeStrange(/GET \/v1\/disputes/, { currency: 'eur' }, t);
    shop.simulator.dispute(charge);
    await shop.idle();
    await untilAll(intent, 'FAILED');
    assert.match((await readingsOf(intent))[0]!.error!, /was in usd, but dp_\w+ is in eur/);
    assert.equal(await balanceOf(customer), 1000);
  });
});

suite('what was spent before', () => {
  test('is owed, paid by the next purchase, and given back to it when the dispute is won', async () => {
    const customer = await shop.customer();
    const { charge } = await shop.buy(customer);
    await shop.spend(customer, 600);
    const dispute = shop.simulator.dispute(charge);
    await shop.idle();
    assert.deepEqual(await creditOf(customer), { balance: 0, debt: 600, clawedBack: 400, expired: 0 });
    await shop.buy(customer);
    assert.deepEqual(await creditOf(customer), { balance: 400, debt: 0, clawedBack: 1000, expired: 0 });
    shop.simulator.moveDispute(dispute.id, 'won');
    await shop.idle();
    assert.deepEqual(await creditOf(customer), { balance: 1400, debt: 0, clawedBack: 0, expired: 0 });
  });

  test('wholly is owed wholly, and a use that is given back lowers it', async () => {
    const customer = await shop.customer();
    const { charge } = await shop.buy(customer);
    await shop.spend(customer, 900);
    const last = await shop.spend(customer, 100);
    await stripe.refunds.create({ charge });
    await shop.idle();
    assert.deepEqual(await creditOf(customer), { balance: 0, debt: 1000, clawedBack: 0, expired: 0 });
    await refundUse(shop.services, { id: last });
    assert.deepEqual(await creditOf(customer), { balance: 0, debt: 900, clawedBack: 100, expired: 0 });
  });

  test('is not owed where it expired: it had no effect, and comes back expired', async () => {
    const late = await openShop();
    try {
      const customer = await late.customer();
      const { charge } = await late.buy(customer);
      await late.spend(customer, 600);
      late.clock.offsetMs += 366 * 86_400_000;
      await late.services.engine.expire(customer.workspaceId);
      assert.deepEqual(await creditOf(customer, late), { balance: 0, debt: 0, clawedBack: 0, expired: 400 });
      const refund = await late.services.stripe.refunds.create({ charge, amount: 500 });
      await late.idle();
      assert.deepEqual(await creditOf(customer, late), {
        balance: 0,
        debt: 100,
        clawedBack: 400,
        expired: 0,
      });
      late.simulator.failRefund(refund.id);
      await late.idle();
      assert.deepEqual(await creditOf(customer, late), { balance: 0, debt: 0, clawedBack: 0, expired: 400 });
    } finally {
      await late.close();
    }
  });
});

suite('what comes early, late or at once', () => {
  test('a refund that is told of before the payment is: both are booked', async () => {
    const early = await openShop({ withoutWebhooks: true });
    try {
      const customer = await early.customer();
      const { sessionId } = await early.checkout(customer);
      const intent = String(early.simulator.pay(sessionId).payment_intent);
      const refund = await early.services.stripe.refunds.create({ payment_intent: intent, amount: 400 });
      await early.deliver(eventAbout('refund.created', refund));
      await early.idle();
      assert.deepEqual(await creditOf(customer, early), {
        balance: 600,
        debt: 0,
        clawedBack: 400,
        expired: 0,
      });
    } finally {
      await early.close();
    }
  });

  test('an answer that was read first and arrives last changes nothing any more', async () => {
    const customer = await shop.customer();
    const { charge } = await shop.buy(customer);
    const refund = await stripe.refunds.create({ charge });
    await shop.idle();
    // The reading begins, and Stripe answers; before it is applied, the refund fails and that is applied.
    const old = await readReversals(shop.services, refund.payment_intent as string);
    shop.simulator.failRefund(refund.id);
    await shop.idle();
    assert.equal(await balanceOf(customer), 1000);
    await commit(shop.services, old);
    assert.equal(await balanceOf(customer), 1000);
  });

  test('fifty refunds at once add up exactly', async () => {
    const customer = await shop.customer();
    const { id, charge, intent } = await shop.buy(customer);
    await shop.spend(customer, 900);
    await Promise.all(Array.from({ length: 50 }, () => stripe.refunds.create({ charge, amount: 10 })));
    await shop.idle();
    await untilAll(intent, 'APPLIED');
    assert.deepEqual(await reversedOf(id), { refunded: 5, disputed: 0 });
    assert.deepEqual(await creditOf(customer), { balance: 0, debt: 400, clawedBack: 100, expired: 0 });
  });
});
