import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type TestDatabase, testDatabase } from '../database.ts';
import { ROOT, readPage } from './pages.ts';

describe('the examples', () => {
  const examples = globSync('examples/*/main.ts', { cwd: ROOT }).sort();
  let database: TestDatabase;
  before(async () => {
    database = await testDatabase();
  });
  after(() => database.drop());

  test('are there', () => assert.notEqual(examples.length, 0));

  for (const example of examples) {
    test(`${example} prints what lies beside it`, async () => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--conditions=tollgate-source', join(ROOT, example)],
        { env: { ...process.env, DATABASE_URL: database.url } },
      );
      assert.equal(stdout, readPage(join(dirname(example), 'output.txt')));
    });
  }
});
