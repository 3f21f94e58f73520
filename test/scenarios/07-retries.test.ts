import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { openPool } from '../../src/db/pool.ts';
import { booksOf, eventsOf, openShop, type Shop, until } from '../shop.ts';

const HOUR_MS = 3_600_000;

suite('07: an event that cannot be kept', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop.close());

  test('the database is down: 503, and what is sent again an hour later, signed anew, is applied once', async () => {
    const customer = await shop.customer();
    const { sessionId } = await shop.checkout(customer);
    const name = new URL(shop.database.url).pathname.slice(1);
    const admin = openPool(shop.database.url.replace(`/${name}`, '/postgres'), { max: 1, name: 'test' });
    await admin.query(`alter database ${name} with allow_connections false`);
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    shop.simulator.pay(sessionId);
    const refused = () => shop.simulator.deliveries().filter(({ status }) => status === 503);
    await until(() => refused().length > 0);
    shop.clock.offsetMs += HOUR_MS; // the first signature is too old by now
    await admin.query(`alter database ${name} with allow_connections true`);
    await admin.end();
    await until(async () => (await eventsOf(shop, sessionId)).length === 1);
    await until(async () => {
      // Does not wait for the next try of what failed, but asks for it now.
      await shop.database.pool.query(
        'update graphile_worker._private_jobs set run_at = now() where locked_at is null',
      );
      return (await eventsOf(shop, sessionId)).every(({ status }) => status === 'APPLIED');
    });
    const [first] = refused();
    const accepted = () =>
      shop.simulator.deliveries().find(({ event, status }) => event === first!.event && status === 200);
    await until(() => accepted() !== undefined); // it is applied before its sender has the answer
    assert.ok(accepted()!.at.getTime() - first!.at.getTime() >= HOUR_MS);
    const { balance, grants } = await booksOf(shop, customer.workspaceId);
    assert.deepEqual([balance, grants.length], [1000, 1]);
  });
});
