import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';
import { testDatabase } from '../../test/database.ts';
import { type Migration, migrate, readMigrations } from './migrate.ts';

const { pool, url, drop } = await testDatabase();
after(drop);

// Everything that the template brought goes: these tests migrate from nothing.
beforeEach(() => pool.query('drop schema public cascade; create schema public'));

const migration = (name: string, sql: string): Migration => ({ name, checksum: `of ${sql}`, sql });
const first = migration('0001_first', 'create table "Thing" (id text primary key)');
const second = migration('0002_second', `insert into "Thing" values ('a'); insert into "Thing" values ('b')`);

const recorded = async (): Promise<string[]> => {
  const { rows } = await pool.query<{ name: string }>('select name from "_tollgate_migration" order by name');
  return rows.map(({ name }) => name);
};

test('the migrations of this package, all of them, then none', async () => {
  const names = (await readMigrations()).map(({ name }) => name);
  assert.deepEqual(names, [...names].sort());
  assert.deepEqual(await migrate(pool), { applied: names });
  assert.deepEqual(await migrate(pool), { applied: [] });
  assert.deepEqual(await recorded(), names);
});

test('only what is missing is applied', async () => {
  await migrate(pool, [first]);
  assert.deepEqual(await migrate(pool, [first, second]), { applied: ['0002_second'] });
  assert.equal((await pool.query('select from "Thing"')).rowCount, 2);
});

test('a migration that fails leaves the database as it was, with what earlier runs applied', async () => {
  await migrate(pool, [first]);
  const before = migration('0002_before', `insert into "Thing" values ('b')`);
  const broken = migration('0003_broken', `insert into "Thing" values ('a'); select 1/0`);
  await assert.rejects(migrate(pool, [first, before, broken]), {
    message: 'Migration 0003_broken failed, and nothing was changed: division by zero',
  });
  assert.deepEqual(await recorded(), ['0001_first']);
  assert.equal((await pool.query('select from "Thing"')).rowCount, 0);
  assert.deepEqual(await migrate(pool, [first, second]), { applied: ['0002_second'] });
});

test('a migration that was changed after it was applied is refused', async () => {
  await migrate(pool, [first]);
  const changed = { ...first, checksum: 'another' };
  await assert.rejects(migrate(pool, [changed, second]), {
    name: 'ConfigError',
    message: /0001_first was changed/,
  });
  assert.deepEqual(await recorded(), ['0001_first']);
});

test('a database that is newer than the code is refused', async () => {
  await migrate(pool, [first, second]);
  await assert.rejects(migrate(pool, [first]), {
    name: 'ConfigError',
    message: /newer than this Tollgate.*0002_second/,
  });
});

test('a database that Prisma made has the first migration already, and keeps its own records', async () => {
  const all = await readMigrations();
  await pool.query(all[0]!.sql);
  await pool.query('create table "_prisma_migrations" (id text primary key)');
  await pool.query(`insert into "_prisma_migrations" values ('theirs')`);
  const { applied } = await migrate(pool);
  assert.deepEqual(
    applied,
    all.slice(1).map(({ name }) => name),
  );
  assert.deepEqual(
    await recorded(),
    all.map(({ name }) => name),
  );
  assert.equal((await pool.query('select from "_prisma_migrations"')).rowCount, 1);
});

test('of several processes that start at once, one migrates and the others wait', async () => {
  const program = `import { migrate } from ${JSON.stringify(import.meta.resolve('./migrate.ts'))};
    import { openPool } from ${JSON.stringify(import.meta.resolve('./pool.ts'))};
    const pool = openPool(${JSON.stringify(url)}, { max: 1, name: 'test' });
    console.log(JSON.stringify((await migrate(pool)).applied));
    await pool.end();`;
  const run = promisify(execFile);
  const outputs = await Promise.all(
    [1, 2, 3].map(() => run(process.execPath, ['--input-type=module', '--eval', program])),
  );
  const applied = outputs
    .map(({ stdout }) => JSON.parse(stdout) as string[])
    .sort((a, b) => b.length - a.length);
  assert.deepEqual(applied, [(await readMigrations()).map(({ name }) => name), [], []]);
});
