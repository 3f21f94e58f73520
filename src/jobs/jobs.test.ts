import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseCronItems } from 'graphile-worker';
import { booksOf, type Customer, openShop, type Shop, until } from '../../test/shop.ts';
import { grantCredits } from '../credits/credits.ts';
import { openPool } from '../db/pool.ts';
import { JOB_CONNECTIONS_MAX, startJobs } from './jobs.ts';
import { expireCredits, SCHEDULE, tasksOf } from './tasks.ts';

let shop: Shop;
before(async () => {
  shop = await openShop();
});
after(() => shop.close());

async function give({ workspaceId }: Customer, amount: bigint, days: number): Promise<void> {
  const expiresAt = shop.clock.now().getTime() + days * 86_400_000;
  const gift = {
    workspaceId,
    amount,
    type: 'PROMOTION',
    description: 'Welcome',
    priority: 50,
    expiresAt,
  } as const;
  await grantCredits(shop.services, gift);
}

async function walletOf({ workspaceId }: Customer) {
  const { rows } = await shop.database.pool.query(
    `select balance::float, total::float, expired::float from "Credit" where "workspaceId" = $1`,
    [workspaceId],
  );
  return rows[0];
}

test('everything on the schedule is a task that there is', () => {
  assert.equal(parseCronItems(SCHEDULE).length, SCHEDULE.length);
  const tasks = tasksOf(shop.services);
  for (const { task } of SCHEDULE) assert.equal(typeof tasks[task], 'function');
});

test('credits that have expired are booked as expired, though nobody uses them', async () => {
  const customers = await Promise.all(Array.from({ length: 20 }, () => shop.customer()));
  for (const customer of customers) {
    await give(customer, 5_000_000n, 1);
    await give(customer, 7_500_000n, 3);
  }
  await expireCredits(shop.services);
  assert.deepEqual(await walletOf(customers[0]!), { balance: 12.5, total: 12.5, expired: 0 });
  shop.clock.offsetMs += 2 * 86_400_000;
  await shop.database.pool.query(`select graphile_worker.add_job('credits.expire')`);
  for (const customer of customers) {
    await until(async () => (await walletOf(customer)).expired === 5);
    assert.deepEqual(await walletOf(customer), { balance: 7.5, total: 12.5, expired: 5 });
  }
});

test('several processes start on an empty database at once, and each event is worked off once', async (t) => {
  const crowd = await openShop({ withoutJobs: true });
  t.after(() => crowd.close());
  const pools = [1, 2, 3].map((n) =>
    openPool(crowd.database.url, { max: JOB_CONNECTIONS_MAX, name: `jobs ${n}` }),
  );
  const jobs = await Promise.all(pools.map((pool) => startJobs(pool, crowd.services)));
  t.after(async () => {
    await Promise.all(jobs.map((each) => each.stop()));
    await Promise.all(pools.map((pool) => pool.end()));
  });
  const customer = await crowd.customer();
  const checkouts = await Promise.all(Array.from({ length: 10 }, () => crowd.checkout(customer)));
  for (const { sessionId } of checkouts) crowd.simulator.pay(sessionId);
  await crowd.idle();
  const books = await booksOf(crowd, customer.workspaceId);
  assert.equal(books.balance, 10_000);
  assert.equal(books.grants.length, 10);
});

test('a worker that lost its connections goes on with new ones', async () => {
  const customer = await shop.customer();
  const { sessionId } = await shop.checkout(customer);
  await shop.database.pool.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
  shop.simulator.pay(sessionId);
  await shop.idle();
  assert.equal((await booksOf(shop, customer.workspaceId)).balance, 1000);
});

test('a process outlives connections that break while jobs write down what they did', async () => {
  const customer = await shop.customer();
  const before = (await booksOf(shop, customer.workspaceId)).balance;
  const terminate = `
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name like '%jobs%' and pid <> pg_backend_pid()`;
  for (let bought = 1; bought <= 5; bought++) {
    const { sessionId } = await shop.checkout(customer);
    const done = shop.wire.calls.length;
    shop.simulator.pay(sessionId);
    await until(() => shop.wire.calls.length > done);
    for (let times = 0; times < 5; times++) await shop.database.pool.query(terminate);
  }
  await until(async () => (await booksOf(shop, customer.workspaceId)).balance === before + 5_000);
  await shop.jobs!.stop(); // whatever its batcher waits for
  await shop.startJobs();
});

test('a worker stops though Stripe does not answer, and the next one does its job', {
  timeout: 20_000,
}, async () => {
  const customer = await shop.customer();
  const { sessionId } = await shop.checkout(customer);
  shop.wire.fail(/GET \/v1\/checkout\/sessions\/cs_/, { lose: 'hang' });
  shop.simulator.pay(sessionId);
  await until(() => shop.wire.calls.some((call) => call.includes(`GET /v1/checkout/sessions/${sessionId}`)));
  await shop.jobs!.stop();
  await shop.startJobs();
  await until(async () => (await booksOf(shop, customer.workspaceId)).balance === 1000);
});
