import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type Provider, startProvider } from '../../examples/provider.ts';
import { type TestDatabase, testDatabase } from '../database.ts';
import { launchProgram, SECRET_KEY, startServer, type TestServer } from '../server.ts';
import { ROOT, readPage } from './pages.ts';

describe('the examples', () => {
  const outputs = globSync('examples/*/output.txt', { cwd: ROOT }).sort();
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

  test('are there', () => assert.notEqual(outputs.length, 0));

  for (const output of outputs) {
    const example = join(dirname(output), 'main.ts');
    test(`${example} prints what lies beside it`, async () => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--conditions=tollgate-source', join(ROOT, example)],
        { env: { ...process.env, ...settings() } },
      );
      assert.equal(stdout, readPage(output));
    });
  }

  test('run by one command, on a Tollgate and a provider that are there for them alone', async () => {
    const { output, errors, ended } = launchProgram('scripts/example.ts', ['ai-script'], {}, [
      '--conditions=tollgate-source',
    ]);
    assert.equal(await ended, 0, errors());
    assert.equal(output(), readPage('examples/ai-script/output.txt'));
  });
});
