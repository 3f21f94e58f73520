import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import {
  booksOf,
  type Customer,
  eventAbout,
  eventsOf,
  openShop,
  type Shop,
  until,
} from '../../../test/shop.ts';
import { topUpsOf } from '../../../test/topups.ts';
import { rereadCheckouts } from '../../jobs/tasks.ts';
import { reconcile } from '../reconcile/reconcile.ts';
import { lookAfterTopUps } from './charge.ts';

let shop: Shop;
let topUps: ReturnType<typeof topUpsOf>;
before(async () => {
  shop = await openShop();
  topUps = topUpsOf(shop);
});
beforeEach(() => {
  shop.reports.length = 0;
});
after(() => shop.close());

const HOUR_MS = 3_600_000;
const PAY = /POST \/v1\/payment_intents$/;

/** Does not wait for the next try of what failed, but asks for it now. */
const retryNow = () =>
  shop.database.pool.query('update graphile_worker._private_jobs set run_at = now() where locked_at is null');

const succeededOf = async (intentId: string) =>
  (await eventsOf(shop, intentId)).find(({ type }) => type === 'payment_intent.succeeded');

async function assertOnePayment(customer: Customer, balance = 1800): Promise<void> {
  await shop.idle();
  assert.equal((await booksOf(shop, customer.workspaceId)).balance, balance);
  assert.deepEqual(await topUps.payments(customer), ['SUCCEEDED']);
  assert.equal((await topUps.intents(customer)).length, 1);
  assert.equal((await topUps.read(customer)).status, 'READY');
}

test('an answer of Stripe that is lost is asked for again, and is one payment', async () => {
  const customer = await topUps.begin();
  shop.wire.fail(PAY, { lose: 'cut' }, { status: 500 });
  await shop.spend(customer, 200);
  await topUps.has(customer, 1800);
  await assertOnePayment(customer);
});

test('Stripe cannot be reached: the top-up waits, and is made once it can', async () => {
  const customer = await topUps.begin();
  shop.wire.fail(/GET \/v1\/customers/, ...Array(9).fill({ status: 503 }));
  await shop.spend(customer, 200);
  await until(() => shop.reports.length > 0);
  assert.equal((await topUps.read(customer)).status, 'PENDING');
  await until(async () => {
    await retryNow();
    return (await booksOf(shop, customer.workspaceId)).balance === 1800;
  });
  await assertOnePayment(customer);
});

test('the connection breaks between the answer of Stripe and the commit: one payment, one grant', async () => {
  const customer = await topUps.begin();
  const { pool } = shop.database;
  await pool.query(`
    create sequence crashes;
    create function crash() returns trigger language plpgsql as $$
    begin
      if nextval('crashes') = 1 then
        perform pg_terminate_backend(pg_backend_pid());
        perform pg_sleep(1);
      end if;
      return new;
    end $$;
    create trigger crash after insert on "CreditRecord" for each row execute function crash()`);
  await shop.spend(customer, 200);
  await until(async () => {
    await retryNow();
    return (await booksOf(shop, customer.workspaceId)).balance === 1800;
  });
  await pool.query('drop trigger crash on "CreditRecord"; drop function crash; drop sequence crashes');
  await assertOnePayment(customer);
});

test('the server is killed after its debit: the job is on disk, and the next server does it', async () => {
  const customer = await topUps.begin();
  await shop.jobs!.stop();
  await shop.spend(customer, 200);
  assert.equal((await topUps.read(customer)).status, 'PENDING');
  await shop.startJobs();
  await topUps.has(customer, 1800);
  await assertOnePayment(customer);
});

for (const [name, lateHours] of [
  ['the payment is found again', 0.1],
  ['also where Stripe has forgotten the key of the request', 25],
] as const) {
  test(`the server is killed while Stripe is asked, and no webhook comes: ${name}`, async (t) => {
    const deaf = await openShop({ withoutWebhooks: true });
    const own = topUpsOf(deaf);
    t.after(() => deaf.close());
    const customer = await deaf.customer();
    const { sessionId } = await deaf.checkout(customer, { pack: 'small', saveCard: true });
    deaf.simulator.pay(sessionId);
    deaf.clock.offsetMs += HOUR_MS;
    await rereadCheckouts(deaf.services);
    await own.put(customer);
    // Stripe does it, and its answer never comes.
    deaf.wire.fail(PAY, { lose: 'hang' });
    await deaf.spend(customer, 200);
    await until(async () => (await own.intents(customer)).length === 1);
    await deaf.jobs!.stop();
    deaf.clock.offsetMs += lateHours * HOUR_MS;
    await deaf.database.pool.query(
      `update graphile_worker._private_jobs set locked_at = now(), locked_by = 'worker-of-a-dead-process'
       where key like 'topups.charge:%'`,
    );
    await deaf.startJobs();
    await lookAfterTopUps(deaf.services);
    await own.has(customer, 1800);
    assert.deepEqual(await own.payments(customer), ['SUCCEEDED']);
    assert.equal((await own.intents(customer)).length, 1);
    await own.reaches(customer, 'READY');
  });
}

test('killed before Stripe was asked, and nobody wants it any more: nothing is paid', async (t) => {
  const halting = await openShop();
  const own = topUpsOf(halting);
  t.after(() => halting.close());
  const customer = await own.begin();
  halting.wire.fail(PAY, ...Array(9).fill({ status: 503 }));
  await halting.spend(customer, 200);
  await until(() => halting.reports.length > 0);
  await own.drop(customer);
  await halting.jobs!.stop();
  halting.clock.offsetMs += HOUR_MS;
  await lookAfterTopUps(halting.services);
  assert.deepEqual(await own.payments(customer), ['FAILED']);
  assert.deepEqual(await own.intents(customer), []);
});

test('the webhook that comes first books the payment; the job finds it done', async () => {
  const customer = await topUps.begin();
  let arrived = (): void => {};
  const late = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  shop.wire.fail(PAY, { change: (answer) => late.then(() => answer) });
  await shop.spend(customer, 200);
  await topUps.has(customer, 1800);
  arrived();
  await assertOnePayment(customer);
});

test('switched off while Stripe is asked: what was paid is booked, and it stays off', async () => {
  const customer = await topUps.begin();
  let answer = (): void => {};
  const late = new Promise<void>((resolve) => {
    answer = resolve;
  });
  shop.wire.fail(PAY, { change: (intent) => late.then(() => intent) });
  shop.wire.calls.length = 0;
  await shop.spend(customer, 200);
  await until(() => shop.wire.calls.some((call) => PAY.test(call)));
  assert.equal((await topUps.put(customer, { enabled: false })).status, 200);
  answer();
  await topUps.has(customer, 1800);
  await shop.idle();
  assert.equal((await topUps.read(customer)).status, 'DISABLED');
  assert.deepEqual(await topUps.payments(customer), ['SUCCEEDED']);
});

test('a payment of another amount grants nothing, and stops the top-up', async () => {
  const customer = await topUps.begin();
  const less = (answer: object) => ({ ...answer, amount_received: 1 });
  shop.wire.fail(PAY, { change: less });
  shop.wire.fail(/GET \/v1\/payment_intents\/pi_/, { change: less });
  await shop.spend(customer, 200);
  await topUps.reaches(customer, 'STOPPED');
  await shop.idle();
  assert.equal((await topUps.read(customer)).why, 'contradiction');
  assert.equal((await booksOf(shop, customer.workspaceId)).balance, 800);
  const [intent] = await topUps.intents(customer);
  const event = await succeededOf(intent!.id);
  assert.equal(event?.status, 'FAILED');
  // Once it is understood, the event is read again.
  await shop.post(`/v1/stripe-events/${event!.id}/replay`, {});
  await topUps.has(customer, 1800);
});

test('paid, and its customer is deleted before anybody here knows: what was paid is granted', async (t) => {
  const deaf = await openShop();
  const own = topUpsOf(deaf);
  t.after(() => deaf.close());
  const customer = await own.begin();
  const before = await own.customerIdOf(customer);
  deaf.simulator.setFaults({ webhooks: { drop: 1 } });
  deaf.wire.fail(PAY, { lose: 'hang' });
  await deaf.spend(customer, 200);
  await until(async () => (await own.intents(customer)).length === 1);
  await deaf.jobs!.stop();
  await deaf.services.stripe.customers.del(before);
  await deaf.checkout(customer); // makes another customer
  assert.notEqual(await own.customerIdOf(customer), before);
  const lines: string[] = [];
  const { stayed } = await reconcile(deaf.services, { days: 1, say: (line) => lines.push(line) });
  assert.equal(stayed, 0, lines.join('\n'));
  await deaf.startJobs();
  await own.has(customer, 1800);
  await own.reaches(customer, 'READY');
});

test('an intent of somebody else that names our checkout grants nothing', async () => {
  const customer = await topUps.begin();
  await topUps.setCard(customer, 'lost_card');
  await shop.spend(customer, 200);
  await topUps.reaches(customer, 'STOPPED');
  const [intent] = await topUps.intents(customer);
  const forged = await shop.services.stripe.paymentIntents.create({
    ...{ amount: 1000, currency: 'usd', payment_method: 'pm_card_visa', confirm: true },
    ...{ return_url: 'https://shop.test', metadata: intent!.metadata },
  });
  await shop.idle();
  const event = await succeededOf(forged.id);
  assert.equal(event?.status, 'FAILED');
  assert.match(event?.error ?? '', /was not made for it/);
  assert.equal((await booksOf(shop, customer.workspaceId)).balance, 800);
});

test('events may come twice, late and in any order', async () => {
  const customer = await topUps.begin();
  await topUps.setCard(customer, 'insufficient_funds');
  await shop.spend(customer, 200);
  await topUps.reaches(customer, 'BACKING_OFF');
  await topUps.setCard(customer, null);
  await shop.idle(); // whose row a webhook holds just then is looked after a minute later
  shop.clock.offsetMs += HOUR_MS;
  await lookAfterTopUps(shop.services);
  await topUps.has(customer, 1800);
  for (const intent of await topUps.intents(customer)) {
    for (const type of ['payment_intent.payment_failed', 'payment_intent.succeeded'])
      assert.equal((await shop.deliver(eventAbout(type, intent))).status, 200);
  }
  await shop.idle();
  assert.deepEqual(await topUps.payments(customer), ['FAILED', 'SUCCEEDED']);
  assert.equal((await topUps.read(customer)).status, 'READY');
});

test('a top-up that was paid after all, and that no webhook told of, is found by a reconciliation', async (t) => {
  const deaf = await openShop();
  const own = topUpsOf(deaf);
  t.after(() => deaf.close());
  const customer = await own.begin();
  await own.setCard(customer, 'lost_card');
  await deaf.spend(customer, 200);
  await own.reaches(customer, 'STOPPED');
  await deaf.idle();
  deaf.simulator.setFaults({ webhooks: { drop: 1 } });
  // Somebody confirms the declined intent in the dashboard, by another card.
  const [intent] = await own.intents(customer);
  const { stripe } = deaf.services;
  await stripe.paymentIntents.confirm(intent!.id, { payment_method: 'pm_card_visa' });
  assert.equal((await booksOf(deaf, customer.workspaceId)).balance, 800);
  const lines: string[] = [];
  const { stayed } = await reconcile(deaf.services, { days: 1, say: (line) => lines.push(line) });
  assert.equal(stayed, 0, lines.join('\n'));
  assert.ok(lines.some((line) => line.includes(`payment ${intent!.id}`)));
  assert.equal((await booksOf(deaf, customer.workspaceId)).balance, 1800);
  assert.deepEqual(await own.payments(customer), ['SUCCEEDED']);
});
