import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import { assertBooksBalance, countRows } from '../books.ts';
import { type TestDatabase, testDatabase } from '../database.ts';
import { startServer, type TestServer } from '../server.ts';

/** What a file of hostile tests is about: a server, and a workspace with one use that nothing may touch. */
export type Target = { server: TestServer; workspaceId: string; useId: string };

/**
 * A server for a file of tests, every one of which it must survive. At the end nothing has changed, nothing was a
 * defect, and it works as before.
 */
export function unharmedServer(): Target {
  const target = {} as Target;
  let database: TestDatabase;
  let rows: Record<string, number>;

  before(async () => {
    database = await testDatabase();
    target.server = await startServer({ databaseUrl: database.url, env: { TOLLGATE_TEST_CLOCK: '1' } });
    target.workspaceId = await target.server.workspace();
    target.useId = (await target.server.use(target.workspaceId, 'blocked')).body.id;
    rows = await countRows(database.pool);
  });

  beforeEach(async () => {
    assert.equal((await target.server.get('/healthz')).status, 200);
  });

  after(async () => {
    const { server, workspaceId } = target;
    try {
      assert.deepEqual(await countRows(database.pool), rows, 'nothing was changed');
      await assertBooksBalance(database.pool);
      assert.equal((await server.get('/v1/audit')).body.ok, true);
      assert.equal((await server.use(workspaceId, 'blocked')).body.used, 2, 'it works as before');
    } finally {
      assert.equal(await server.stop(), 0);
      await database.drop();
    }
    assert.equal(server.errors(), '', 'nothing was a defect');
  });
  return target;
}
