import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../test/database.ts';
import { burst } from './burst.ts';

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database.drop());

test('of 1500 events over 16 connections none is lost, each is answered soon, and all are closed', async (t) => {
  const { purchases, p99Ms, broken } = await burst({
    ...{ events: 1500, connections: 16, databaseUrl: database.url },
    log: (line) => t.diagnostic(line),
  });
  assert.deepEqual(broken, []);
  assert.equal(purchases, 75);
  assert.ok(p99Ms < 1000, `one in a hundred waited longer than ${p99Ms} ms`);
});
