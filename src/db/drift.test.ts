import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { testDatabase } from '../../test/database.ts';
import { diffSchema } from '../../test/schema-diff.ts';
import { readMigrations } from './migrate.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (...path: string[]) => readFileSync(join(ROOT, ...path), 'utf8');

const database = await testDatabase();
after(() => database.drop());

test('a migrated database is what prisma/schema.prisma says', async () => {
  assert.equal(await diffSchema(database.url, read('prisma', 'schema.prisma')), '');
});

test('a column that the schema does not have is told', async () => {
  await database.pool.query('alter table "Workspace" add column colour text');
  assert.match(
    await diffSchema(database.url, read('prisma', 'schema.prisma')),
    /`Workspace` table\n.*column `colour`/i,
  );
  await database.pool.query('alter table "Workspace" drop column colour');
});

test('the first migration is what Prisma makes of the given model', async () => {
  const [first] = await readMigrations();
  await database.pool.query('drop schema public cascade');
  await database.pool.query('create schema public');
  await database.pool.query(first!.sql);
  assert.equal(await diffSchema(database.url, read('test', 'fixtures', 'erd-given.prisma')), '');
});
