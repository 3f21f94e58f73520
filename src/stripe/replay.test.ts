import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import {
  type Answer,
  booksOf,
  type Customer,
  eventAbout,
  openShop,
  type Shop,
  until,
} from '../../test/shop.ts';
import { newId } from '../lib/ids.ts';
import { applyEvent } from './apply.ts';

let shop: Shop;
before(async () => {
  shop = await openShop({ withoutWebhooks: true });
});
beforeEach(() => {
  shop.reports.length = 0;
});
after(() => shop.close());

const SESSION = /GET \/v1\/checkout\/sessions\/cs_/;

const PATH = '/v1/stripe-events';
const show = (id: string): Promise<Answer> => shop.get(`${PATH}/${id}`);
const replay = (id: string, headers: Record<string, string> = {}): Promise<Answer> =>
  shop.post(`${PATH}/${id}/replay`, {}, headers);
const balanceOf = async ({ workspaceId }: Customer) => (await booksOf(shop, workspaceId)).balance;

/** An event that has come about a checkout whose page was paid on, or not yet. */
async function arrive({ paid = true, type = 'checkout.session.completed', more = {} } = {}) {
  const customer = await shop.customer();
  const { sessionId } = await shop.checkout(customer);
  if (paid) shop.simulator.pay(sessionId);
  const event = eventAbout(type, { id: sessionId, object: 'checkout.session' }, more);
  assert.equal((await shop.deliver(event)).status, 200);
  return { customer, sessionId, event, id: event.id };
}

/** Until its job is done: a replay that books nothing new shows only in how often it was tried. */
async function untilTried(id: string, attempts: number): Promise<Answer['body']> {
  await until(async () => (await show(id)).body.attempts >= attempts);
  return (await show(id)).body;
}

test('an event is shown with all that Stripe sent', async () => {
  const { id, sessionId, event } = await arrive();
  await shop.idle();
  const { status, body } = await show(id);
  assert.equal(status, 200);
  const { receivedAt, appliedAt, ...rest } = body;
  assert.ok(Date.parse(receivedAt) <= Date.parse(appliedAt));
  assert.deepEqual(rest, {
    ...{ id, type: event.type, objectId: sessionId, livemode: false, payload: event },
    ...{ status: 'APPLIED', attempts: 1, error: null },
  });
});

test('an event that failed shows why and how often, is among the FAILED, and is tried again by itself', async () => {
  shop.wire.fail(SESSION, ...Array(3).fill({ status: 503 }));
  const { id, customer, sessionId } = await arrive();
  await shop.idle();
  const { body } = await shop.get(`${PATH}?status=FAILED&objectId=${sessionId}`);
  assert.deepEqual(
    body.data.map((event: Answer['body']) => [event.id, event.attempts, event.appliedAt]),
    [[id, 1, null]],
  );
  assert.match(body.data[0].error, /could not be reached/);
  await until(async () => {
    const { rows } = await shop.database.pool.query(
      `select run_at > now() as waits from graphile_worker._private_jobs where payload::jsonb->'objectIds' ? $1`,
      [sessionId],
    );
    return rows[0]?.waits;
  });

  // Nobody has to wait for that.
  assert.equal((await replay(id)).body.status, 'RECEIVED');
  const applied = await untilTried(id, 2);
  assert.deepEqual([applied.status, applied.error], ['APPLIED', null]);
  assert.equal(await balanceOf(customer), 1000);
});

test('an event that contradicted what is known stays FAILED, and a replay closes it once that is mended', async () => {
  const wrong = (session: object) => ({ ...session, amount_total: 999 });
  shop.wire.fail(SESSION, { change: wrong }, { change: wrong });
  const { id, customer } = await arrive();
  await shop.idle();
  const failed = (await show(id)).body;
  assert.deepEqual([failed.status, failed.attempts], ['FAILED', 1]);
  assert.match(failed.error, /nothing was granted/);

  await replay(id);
  const again = await untilTried(id, 2);
  assert.deepEqual([again.status, again.error], ['FAILED', failed.error]);
  assert.equal(await balanceOf(customer), 0);

  const { status, body } = await replay(id);
  assert.equal(status, 200);
  assert.deepEqual([body.status, body.error, body.appliedAt], ['RECEIVED', null, null]);
  assert.equal('payload' in body, false);
  const applied = await untilTried(id, 3);
  assert.deepEqual([applied.status, applied.error], ['APPLIED', null]);
  assert.ok(applied.appliedAt !== null);
  assert.equal(await balanceOf(customer), 1000);
});

test('an event that was applied books nothing when it is replayed, not even fifty times at once', async () => {
  const { id, customer } = await arrive();
  await shop.idle();
  const before = await booksOf(shop, customer.workspaceId);
  assert.equal(before.balance, 1000);
  const answers = await Promise.all(Array.from({ length: 50 }, () => replay(id)));
  assert.ok(answers.every(({ status }) => status === 200));
  await until(async () => {
    const { rows } = await shop.database.pool.query(
      'select from graphile_worker.jobs where key like $1 or locked_at is not null',
      [`%${id}`],
    );
    return rows.length === 0;
  });
  assert.equal((await show(id)).body.status, 'APPLIED');
  assert.deepEqual(await booksOf(shop, customer.workspaceId), before);
});

test('the same key replays once, and gives the same answer again', async () => {
  const { id } = await arrive();
  await shop.idle();
  const headers = { 'idempotency-key': `replay-${id}` };
  const first = await replay(id, headers);
  const tried = await untilTried(id, 2);
  const second = await replay(id, headers);
  assert.deepEqual(second.body, first.body);
  assert.equal(second.headers.get('idempotency-replayed'), 'true');
  assert.deepEqual((await show(id)).body, tried);
  const other = await arrive();
  assert.equal((await replay(other.id, headers)).body.error.code, 'idempotency_conflict');
});

for (const [when, isBusy] of [
  ['at once', false],
  ['once that is done', true],
] as const) {
  test(`a replay while its job runs is worked off ${when}: what the job had read before may be old`, async () => {
    const { customer, id, sessionId } = await arrive({ paid: false });
    await shop.idle();
    const payThenAsk = async (unpaid: object) => {
      shop.simulator.pay(sessionId);
      assert.equal((await replay(id)).body.status, 'RECEIVED');
      return unpaid;
    };
    shop.wire.fail(SESSION, { change: payThenAsk });
    if (isBusy) await shop.jobs!.stop();
    await applyEvent(shop.services, id, { again: true });
    if (isBusy) {
      assert.equal((await show(id)).body.status, 'APPLIED');
      assert.equal(await balanceOf(customer), 0);
      await shop.startJobs();
    }
    await untilTried(id, 3);
    assert.equal((await show(id)).body.status, 'APPLIED');
    const books = await booksOf(shop, customer.workspaceId);
    assert.equal(books.balance, 1000);
    assert.equal(books.grants.length, 1);
  });
}

test('what a worker that was killed left of a replay is taken up by the next one', async () => {
  const { id, customer } = await arrive({ paid: false });
  await shop.idle();
  await shop.jobs!.stop();
  shop.simulator.pay((await show(id)).body.objectId);
  await replay(id);
  await shop.database.pool.query(
    `update graphile_worker._private_jobs set locked_at = now(), locked_by = 'a dead worker', attempts = 1`,
  );
  await shop.startJobs();
  await untilTried(id, 2);
  assert.equal(await balanceOf(customer), 1000);
  await shop.database.pool.query('delete from graphile_worker._private_jobs where locked_by = $1', [
    'a dead worker',
  ]);
});

test('an event that an older version ignored can be replayed once its type is known', async () => {
  const { id, customer } = await arrive({ type: 'checkout.session.told_later' });
  const ignored = (await show(id)).body;
  assert.deepEqual([ignored.status, ignored.attempts], ['IGNORED', 0]);
  const { status, body } = await replay(id);
  assert.deepEqual([status, body.error.code, body.error.type], [409, 'not_replayable', 'refusal']);
  assert.match(body.error.message, /Nothing follows/);
  assert.deepEqual((await show(id)).body, ignored);

  await shop.database.pool.query(
    `update "StripeEvent"
     set type = 'checkout.session.completed', "objectId" = 'another_one',
       payload = jsonb_set(payload, '{type}', '"checkout.session.completed"')
     where id = $1`,
    [id],
  );
  assert.equal((await replay(id)).body.status, 'RECEIVED');
  assert.equal((await untilTried(id, 1)).status, 'APPLIED');
  assert.equal(await balanceOf(customer), 1000);
});

test('an event that was ignored for its object can be replayed, and may be ignored again', async () => {
  const { stripe } = shop.services;
  const { id: foreign } = await stripe.checkout.sessions.create({
    mode: 'payment',
    line_items: [
      { quantity: 1, price_data: { currency: 'usd', unit_amount: 1000, product_data: { name: 'A mug' } } },
    ],
    success_url: 'https://mugs.test/',
  });
  const event = eventAbout('checkout.session.completed', { id: foreign });
  await shop.deliver(event);
  await shop.idle();
  assert.equal((await replay(event.id)).status, 200);
  const { status, error } = await untilTried(event.id, 2);
  assert.deepEqual([status, error], ['IGNORED', 'Not a checkout of Tollgate.']);
});

for (const [what, more, message] of [
  ['of live mode under a test key', { livemode: true }, /live mode/],
  ['that names no object', { data: { object: { object: 'checkout.session' } } }, /no object/],
] as const) {
  test(`an event ${what} has nothing to replay, and is left as it is`, async () => {
    const { id } = await arrive({ more });
    const before = (await show(id)).body;
    const { status, body } = await replay(id);
    assert.deepEqual([status, body.error.code], [409, 'not_replayable']);
    assert.match(body.error.message, message);
    assert.deepEqual((await show(id)).body, before);
  });
}

test('an event that is not there is neither shown nor replayed, and a replay has no fields', async () => {
  for (const answer of [await show('evt_none'), await replay('evt_none')]) {
    assert.deepEqual([answer.status, answer.body.error.code], [404, 'not_found']);
  }
  const { id } = await arrive();
  const { status, body } = await shop.post(`${PATH}/${id}/replay`, { force: true });
  assert.deepEqual([status, body.error.param], [400, 'force']);
});

test('the list is newest first, in pages, by status, type, object and time', async () => {
  const object = { id: newId('pi'), object: 'payment_intent' };
  const types = ['payment_intent.created', 'payment_intent.succeeded', 'payment_intent.created'];
  const events = [];
  for (const type of types) {
    const event = eventAbout(type, object);
    await shop.deliver(event);
    events.unshift(event.id);
    shop.clock.offsetMs += 1_000;
  }
  const of = async (query: string): Promise<Answer['body']> => {
    const { status, body } = await shop.get(`${PATH}?objectId=${object.id}&${query}`);
    assert.equal(status, 200);
    return body;
  };
  const ids = ({ data }: Answer['body']) => data.map(({ id }: { id: string }) => id);
  const whole = await of('status=IGNORED');
  assert.deepEqual(ids(whole), events);
  assert.equal(whole.nextCursor, null);
  assert.deepEqual(Object.keys(whole.data[0]).sort(), [
    ...['appliedAt', 'attempts', 'error', 'id', 'livemode', 'objectId', 'receivedAt', 'status', 'type'],
  ]);
  const first = await of('limit=2');
  assert.equal(first.hasMore, true);
  const second = await of(`limit=2&cursor=${first.nextCursor}`);
  assert.deepEqual([...ids(first), ...ids(second)], events);
  assert.deepEqual(ids(await of('type=payment_intent.succeeded')), [events[1]]);
  assert.deepEqual(ids(await of('status=APPLIED')), []);
  const at = whole.data[1].receivedAt;
  assert.deepEqual(ids(await of(`createdAfter=${at}`)), events.slice(0, 2));
  assert.deepEqual(ids(await of(`createdBefore=${at}`)), events.slice(2));
  for (const [query, param] of [
    ['status=DONE', 'status'],
    ['workspaceId=acme', 'workspaceId'],
  ] as const) {
    const { status, body } = await shop.get(`${PATH}?${query}`);
    assert.deepEqual([status, body.error.param], [400, param]);
  }
});

test('several events of one object are closed together, and one of them may be replayed alone', async () => {
  const { id, sessionId } = await arrive();
  const other = eventAbout('checkout.session.async_payment_succeeded', { id: sessionId });
  await shop.deliver(other);
  await shop.idle();
  const { attempts } = (await show(id)).body;
  const before = (await show(other.id)).body;
  await replay(id);
  await untilTried(id, attempts + 1);
  assert.deepEqual((await show(other.id)).body, before);
});
