import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { booksOf, type Customer, eventAbout, eventsOf, openShop, type Shop, until } from '../../test/shop.ts';
import { rereadCheckouts } from '../jobs/tasks.ts';
import { applyEvent } from './apply.ts';
import { createCheckout } from './checkout.ts';

let shop: Shop;
before(async () => {
  shop = await openShop();
});
beforeEach(() => {
  shop.reports.length = 0;
});
after(() => shop.close());

const SESSION = /GET \/v1\/checkout\/sessions\/cs_/;

/** Does not wait for the next try of what failed, but asks for it now. */
async function retryNow(): Promise<void> {
  await shop.database.pool.query(
    'update graphile_worker._private_jobs set run_at = now() where locked_at is null',
  );
}

async function isApplied(sessionId: string): Promise<boolean> {
  await retryNow();
  const events = await eventsOf(shop, sessionId);
  return events.length > 0 && events.every(({ status }) => status === 'APPLIED');
}

async function assertGranted({ workspaceId }: Customer, credits = 1000): Promise<void> {
  const books = await booksOf(shop, workspaceId);
  assert.equal(books.balance, credits);
  assert.equal(books.grants.length, 1);
  assert.equal(books.records.length, 1);
  assert.equal(books.payments[0]?.status, 'SUCCEEDED');
}

test('Stripe cannot be reached for a while: the event says so, and is applied once it can', async () => {
  const customer = await shop.customer();
  const { sessionId } = await shop.checkout(customer);
  shop.wire.fail(SESSION, ...Array(3).fill({ status: 503 }));
  shop.simulator.pay(sessionId);
  await shop.idle();
  const [failed] = await eventsOf(shop, sessionId);
  assert.equal(failed?.status, 'FAILED');
  assert.equal(failed?.attempts, 1);
  assert.match(failed?.error ?? '', /could not be reached/);
  await until(() => isApplied(sessionId));
  const [applied] = await eventsOf(shop, sessionId);
  assert.equal(applied?.error, null);
  assert.equal(applied?.attempts, 2);
  await assertGranted(customer);
});

test('the connection breaks between the reading and the commit: applied once with the next try', async () => {
  const customer = await shop.customer();
  const { sessionId } = await shop.checkout(customer);
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
  shop.simulator.pay(sessionId);
  await until(() => isApplied(sessionId));
  const { rows } = await pool.query(`select last_value::int as value from crashes`);
  await pool.query('drop trigger crash on "CreditRecord"; drop function crash; drop sequence crashes');
  assert.deepEqual(rows, [{ value: 2 }]);
  assert.equal((await eventsOf(shop, sessionId))[0]?.attempts, 2);
  await assertGranted(customer);
});

test('the worker was killed with the event in its hands: the next one takes it up at its start', async (t) => {
  const later = await openShop();
  t.after(() => later.close());
  await later.jobs!.stop();
  const customer = await later.customer();
  const { sessionId } = await later.checkout(customer);
  later.simulator.pay(sessionId);
  await later.simulator.idle();
  await later.database.pool.query(
    `update graphile_worker._private_jobs set locked_at = now(), locked_by = 'worker-of-a-dead-process', attempts = 1`,
  );
  await later.startJobs();
  await later.idle();
  assert.equal((await booksOf(later, customer.workspaceId)).balance, 1000);
});

test('a webhook that is lost loses no money: open checkouts are read again, ever less often', async (t) => {
  const deaf = await openShop({ withoutJobs: true, withoutWebhooks: true });
  t.after(() => deaf.close());
  const [paid, left, declined] = [await deaf.customer(), await deaf.customer(), await deaf.customer()];
  const checkouts = [await deaf.checkout(paid), await deaf.checkout(left), await deaf.checkout(declined)];
  deaf.simulator.pay(checkouts[0]!.sessionId);
  deaf.simulator.decline(checkouts[2]!.sessionId);
  const readings = async () => {
    deaf.wire.calls.length = 0;
    await rereadCheckouts(deaf.services);
    return deaf.wire.calls.length;
  };
  const advance = (minutes: number) => {
    deaf.clock.offsetMs += minutes * 60_000;
  };
  assert.equal(await readings(), 0); // too early
  advance(1.1);
  assert.equal(await readings(), 3);
  assert.equal((await booksOf(deaf, paid.workspaceId)).balance, 1000);
  assert.deepEqual((await booksOf(deaf, left.workspaceId)).checkouts, ['OPEN']);
  assert.equal(await readings(), 0); // has just been read
  advance(1.2);
  assert.equal(await readings(), 2);
  advance(1.2);
  assert.equal(await readings(), 0);
  advance(1.2);
  assert.equal(await readings(), 2);
  advance(24 * 60);
  assert.equal(await readings(), 2);
  for (const { workspaceId } of [left, declined]) {
    assert.deepEqual((await booksOf(deaf, workspaceId)).checkouts, ['EXPIRED']);
    assert.equal((await booksOf(deaf, workspaceId)).payments[0]?.status, 'FAILED');
  }
  advance(24 * 60);
  assert.equal(await readings(), 0);
});

test('a checkout of another account is given up at the first look, and said once; its payment would still count', async (t) => {
  const [before, now] = [await openShop({ withoutWebhooks: true }), await openShop({ withoutJobs: true })];
  await before.jobs!.stop();
  t.after(() => Promise.all([before.close(), now.close()]));
  const customer = await before.customer();
  const { sessionId } = await before.checkout(customer);
  const moved = { ...before.services, stripe: now.services.stripe };
  before.clock.offsetMs += 61_000;
  for (let look = 0; look < 2; look++) await rereadCheckouts(moved);
  assert.equal(before.reports.length, 1);
  assert.match(before.reports[0]!, /has no session cs_test_\w+ under this key: its checkout has FAILED/);
  const books = await booksOf(before, customer.workspaceId);
  assert.deepEqual(books.checkouts, ['FAILED']);
  assert.equal(books.payments[0]?.status, 'FAILED');

  // Whoever goes on selling to the same person there gets a customer there.
  await createCheckout(moved, {
    ...customer,
    pack: 'small',
    successUrl: 'https://a.b',
    cancelUrl: 'https://a.b',
  });

  // An event about it is looked at once, and not again.
  const event = eventAbout('checkout.session.completed', { id: sessionId });
  await before.deliver(event);
  await applyEvent(moved, event.id);
  const [kept] = await eventsOf(before, sessionId);
  assert.deepEqual([kept?.status, kept?.attempts], ['FAILED', 1]);

  before.simulator.pay(sessionId);
  await applyEvent(before.services, event.id);
  assert.equal((await booksOf(before, customer.workspaceId)).balance, 1000);
});

test('a crash before the page was kept: nobody saw it, and its checkout ends a day later', async () => {
  const customer = await shop.customer();
  const { id } = await shop.checkout(customer);
  await shop.database.pool.query(
    `update "Checkout" set "sessionId" = null, url = null, "createdAt" = now() - interval '26 hours' where id = $1`,
    [id],
  );
  await rereadCheckouts(shop.services);
  assert.deepEqual((await booksOf(shop, customer.workspaceId)).checkouts, ['EXPIRED']);
});

test('a crash before the page was kept, and it was paid after all: it is found by its own reference', async () => {
  const customer = await shop.customer();
  const { id, sessionId } = await shop.checkout(customer);
  const { pool } = shop.database;
  await pool.query('delete from "Payment" where "checkoutId" = $1', [id]);
  await pool.query('update "Checkout" set "sessionId" = null, url = null where id = $1', [id]);
  shop.simulator.pay(sessionId);
  await shop.idle();
  await assertGranted(customer);
});

// ── What is not right ────────────────────────────────────────────────────────────────────────────────────────────

async function assertNothing({ workspaceId }: Customer): Promise<void> {
  const books = await booksOf(shop, workspaceId);
  assert.equal(books.balance, 0);
  assert.deepEqual(books.grants, []);
  assert.deepEqual(books.records, []);
}

for (const [what, change] of [
  ['less was paid than asked', (session: object) => ({ ...session, amount_total: 999 })],
  ['it was paid in another currency', (session: object) => ({ ...session, currency: 'jpy' })],
  [
    'less was received than paid',
    (session: { payment_intent: object }) => ({
      ...session,
      payment_intent: { ...session.payment_intent, amount_received: 1 },
    }),
  ],
  ['its status is one that nobody knows', (session: object) => ({ ...session, status: 'some_new' })],
  [
    'its payment has a status that nobody knows',
    (session: object) => ({ ...session, payment_status: 'some_new' }),
  ],
] as const) {
  test(`Stripe says that ${what}: nothing is granted, and the event shows why`, async () => {
    const customer = await shop.customer();
    const { sessionId } = await shop.checkout(customer);
    shop.wire.fail(SESSION, { change });
    shop.simulator.pay(sessionId);
    await shop.idle();
    const [event] = await eventsOf(shop, sessionId);
    assert.equal(event?.status, 'FAILED');
    assert.match(event?.error ?? '', /nothing was granted|is not known/);
    assert.match(shop.reports.join(), /contradicts/);
    await assertNothing(customer);
  });
}

test('a session of somebody else that names our checkout and our workspace is refused', async () => {
  const victim = await shop.customer();
  const { id, sessionId: own } = await shop.checkout(victim);
  const { stripe } = shop.services;
  const thief = await stripe.customers.create({ email: 'thief@example.com' });
  const forged = await stripe.checkout.sessions.create({
    mode: 'payment',
    customer: thief.id,
    client_reference_id: id,
    metadata: { checkoutId: id, workspaceId: victim.workspaceId },
    line_items: [
      { quantity: 1, price_data: { currency: 'usd', unit_amount: 1000, product_data: { name: 'Mine' } } },
    ],
    success_url: 'https://shop.test/',
  });
  shop.simulator.pay(forged.id);
  await shop.idle();
  assert.equal((await eventsOf(shop, forged.id))[0]?.status, 'FAILED');
  await assertNothing(victim);

  // Nor while our own session is not known yet: the customer is not our payer's.
  await shop.database.pool.query('update "Checkout" set "sessionId" = null where id = $1', [id]);
  await shop.deliver(eventAbout('checkout.session.completed', forged));
  await shop.idle();
  await assertNothing(victim);
  await shop.database.pool.query('update "Checkout" set "sessionId" = $2 where id = $1', [id, own]);
});

test('a session of another product on the same account is none of ours', async () => {
  const { stripe } = shop.services;
  const other = await stripe.checkout.sessions.create({
    mode: 'payment',
    client_reference_id: 'order_1',
    line_items: [
      { quantity: 1, price_data: { currency: 'usd', unit_amount: 1000, product_data: { name: 'A mug' } } },
    ],
    success_url: 'https://mugs.test/',
  });
  shop.simulator.pay(other.id);
  await shop.idle();
  const [event] = await eventsOf(shop, other.id);
  assert.equal(event?.status, 'IGNORED');
  assert.equal(event?.error, 'Not a checkout of Tollgate.');
});

test('many events of one object are closed by few readings', async () => {
  const customer = await shop.customer();
  const { sessionId } = await shop.checkout(customer);
  await shop.jobs!.stop();
  const events = Array.from({ length: 100 }, () =>
    eventAbout('checkout.session.completed', { id: sessionId }),
  );
  await Promise.all(events.map((event) => shop.deliver(event)));
  shop.simulator.pay(sessionId);
  await shop.simulator.idle();
  shop.wire.calls.length = 0;
  await shop.startJobs();
  await shop.idle();
  assert.ok(shop.wire.calls.length <= 8, `${shop.wire.calls.length} readings`);
  await assertGranted(customer);
});
