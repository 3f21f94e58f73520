import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import { type TestDatabase, testDatabase } from '../../test/database.ts';
import { kysely } from '../db/pool.ts';
import { endpoint } from '../lib/endpoint.ts';
import { createServer } from './server.ts';

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database.drop());

test('where keys cannot be looked up, nobody is let in', async () => {
  let handled = 0;
  const secret = endpoint({
    ...{ method: 'GET', path: '/v1/secret', tag: 'Test', summary: 'A secret', refusals: [] },
    answers: { 200: z.object({}) },
    async handle() {
      handled++;
      return { body: {} };
    },
  });
  for (const reason of [undefined, null, 'no', new Error('no')]) {
    const server = createServer({
      keys: { accepts: () => Promise.reject(reason) },
      ...{ db: kysely(database.pool), locks: database.pool, endpoints: [secret], report: () => {} },
    });
    for (const url of ['/v1/secret', '/v1/none']) {
      const answer = await server.inject({ url, headers: { authorization: 'Bearer some-key' } });
      assert.equal(answer.statusCode, 500, `${url} ${reason}`);
    }
    await server.close();
  }
  assert.equal(handled, 0);
});
