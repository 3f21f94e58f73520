import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openShop, type Shop, until } from '../../test/shop.ts';
import type { Queryable } from '../engine/store.ts';
import { requeueWaiting } from '../jobs/tasks.ts';
import { newId } from '../lib/ids.ts';
import { openKeeper } from './keeper.ts';
import type { KeptEvent } from './store.ts';

let shop: Shop;
before(async () => {
  shop = await openShop();
  await shop.jobs!.stop(); // it has made the tables of jobs
});
after(() => shop.close());

function eventOf(customerId: string, objectId: string, more: Partial<KeptEvent> = {}): KeptEvent {
  const kept = { id: newId('evt'), type: 'invoice.paid', livemode: false, payload: '{"n": 1}', error: null };
  return { ...kept, objectId, customerId, status: 'RECEIVED', ...more };
}

/** The shop's database, which notes what it is asked, and fails where it is told to. */
function watched(fails: (text: string) => boolean = () => false) {
  const texts: string[] = [];
  const query = async (asked: { text: string; values: unknown[] }) => {
    texts.push(asked.text);
    if (fails(asked.text)) throw new Error('the database is away');
    return shop.database.pool.query(asked);
  };
  return { pool: { query } as Queryable as typeof shop.database.pool, texts };
}

async function statusesOf(events: readonly KeptEvent[]): Promise<string[]> {
  const { rows } = await shop.database.pool.query(
    'select status from "StripeEvent" where id = any($1) order by id',
    [events.map(({ id }) => id)],
  );
  return rows.map(({ status }) => status);
}

async function jobsAbout(customerId: string): Promise<string[][]> {
  const { rows } = await shop.database.pool.query(
    `select payload::jsonb->'objectIds' as ids from graphile_worker._private_jobs
     where payload::jsonb->>'id' = $1 order by id`,
    [customerId],
  );
  return rows.map(({ ids }) => ids);
}

async function objectsOfJobs(customerId: string): Promise<Set<string>> {
  return new Set((await jobsAbout(customerId)).flat());
}

const now = () => shop.clock.now();

test('events that come together are kept by few statements, and are one job for each customer', async () => {
  const { pool, texts } = watched();
  const keep = openKeeper({ pool, report: assert.fail });
  const [one, other] = [newId('cus'), newId('cus')];
  const events = Array.from({ length: 60 }, (_, n) => eventOf(n % 2 === 0 ? one : other, `in_${n % 6}`));
  await Promise.all(events.map((event) => keep(event, now())));
  assert.deepEqual(await statusesOf(events), Array(60).fill('RECEIVED'));
  const statements = texts.filter((text) => text.includes('insert into "StripeEvent"')).length;
  assert.ok(statements <= 3);
  // However long the statements took, none is left without a job, and of jobs there are no more than statements.
  await until(async () => (await objectsOfJobs(one)).size === 3 && (await objectsOfJobs(other)).size === 3);
  assert.deepEqual(await objectsOfJobs(one), new Set(['in_0', 'in_2', 'in_4']));
  assert.deepEqual(await objectsOfJobs(other), new Set(['in_1', 'in_3', 'in_5']));
  assert.ok((await jobsAbout(one)).length <= statements);
});

test('one that cannot be written is refused alone', async () => {
  const keep = openKeeper({ pool: shop.database.pool, report: assert.fail });
  const events = Array.from({ length: 5 }, () => eventOf(newId('cus'), 'in_1'));
  const bad = eventOf(newId('cus'), 'in_1', { type: 'of \0' });
  const results = await Promise.allSettled([...events, bad].map((event) => keep(event, now())));
  assert.deepEqual(
    results.map(({ status }) => status),
    [...Array(5).fill('fulfilled'), 'rejected'],
  );
  assert.equal((await statusesOf(events)).length, 5);
  assert.equal((await statusesOf([bad])).length, 0);
});

test('what came before, or is ignored, gets no job', async () => {
  const keep = openKeeper({ pool: shop.database.pool, report: assert.fail });
  const customer = newId('cus');
  const event = eventOf(customer, 'in_1');
  await keep(event, now());
  await until(async () => (await jobsAbout(customer)).length === 1);
  await keep(event, now());
  await keep(eventOf(customer, 'in_2', { status: 'IGNORED', error: 'why' }), now());
  await keep(eventOf(customer, 'in_3'), now());
  await until(async () => (await jobsAbout(customer)).length > 1);
  assert.deepEqual(await jobsAbout(customer), [['in_1'], ['in_3']]);
});

test('a job that could not be added at first is added soon after', async () => {
  let failures = 2;
  const fails = (text: string) => text.includes('add_jobs') && failures-- > 0;
  const keep = openKeeper({ pool: watched(fails).pool, report: assert.fail });
  const customer = newId('cus');
  await keep(eventOf(customer, 'in_1'), now());
  await until(async () => (await jobsAbout(customer)).length === 1);
});

test('where no job could be added, that is told, and whoever looks later finds the events', async () => {
  const reports: string[] = [];
  const keep = openKeeper({
    pool: watched((text) => text.includes('add_jobs')).pool,
    report: (message) => void reports.push(message),
  });
  const event = eventOf(newId('cus'), 'in_1');
  await keep(event, now());
  await until(async () => reports.length === 1);
  await requeueWaiting(shop.services, 0);
  const { rows } = await shop.database.pool.query('select from graphile_worker.jobs where key = $1', [
    `stripe.event:${event.id}`,
  ]);
  assert.equal(rows.length, 1);
});
