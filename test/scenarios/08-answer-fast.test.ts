import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { burst } from '../../scripts/burst.ts';
import { testDatabase } from '../database.ts';

suite('08: a flood of events', () => {
  test('of 2000 over 16 connections none is lost, each is answered soon, and all are closed', async (t) => {
    const database = await testDatabase();
    t.after(() => database.drop());
    const { purchases, p99Ms, broken } = await burst({
      ...{ events: 2000, connections: 16, databaseUrl: database.url },
      log: (line) => t.diagnostic(line),
    });
    assert.deepEqual(broken, []);
    assert.equal(purchases, 100);
    assert.ok(p99Ms < 1000, `one in a hundred waited longer than ${p99Ms} ms`);
  });
});
