import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type Provider, startProvider } from '../../examples/provider.ts';
import { type TestDatabase, testDatabase } from '../database.ts';
import { SECRET_KEY, startServer, type TestServer } from '../server.ts';
import { ROOT, readPage } from './pages.ts';

describe('the examples', () => {
  const examples = globSync('examples/*/main.ts', { cwd: ROOT }).sort();
  let database: TestDatabase;
  let server: TestServer;
  let provider: Provider;
  before(async () => {
    database = await testDatabase();
    server = await startServer({ databaseUrl: database.url, env: { TOLLGATE_CONFIG: undefined } });
    provider = await startProvider();
  });
  after(async () => {
    await provider?.stop();
    await server?.stop();
    await database?.drop();
  });

  const settings = () => ({
    DATABASE_URL: database.url,
    TOLLGATE_URL: server.url,
    TOLLGATE_SECRET_KEY: SECRET_KEY,
    OPENAI_BASE_URL: provider.url,
    OPENAI_API_KEY: 'sk-of-the-test',
  });

  test('are there', () => assert.notEqual(examples.length, 0));

  for (const example of examples) {
    test(`${example} prints what lies beside it`, async () => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--conditions=tollgate-source', join(ROOT, example)],
        { env: { ...process.env, ...settings() } },
      );
      assert.equal(stdout, readPage(join(dirname(example), 'output.txt')));
    });
  }
});
