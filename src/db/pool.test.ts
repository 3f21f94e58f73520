import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import { testDatabase } from '../../test/database.ts';
import { ConfigError } from '../lib/config.ts';
import { connectOrExplain } from './pool.ts';

const database = await testDatabase();
after(() => database.drop());

const explained = async (url: string): Promise<string> => {
  const error = await connectOrExplain(url).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof ConfigError, `no ConfigError: ${String(error)}`);
  assert.doesNotMatch(error.message, /\n|s3cret/);
  return error.message;
};

test('a database that can be used needs no explanation', async () => {
  await connectOrExplain(database.url);
});

test('int8 is a number where it is exact, numeric stays text, timestamptz is a Date', async () => {
  const { rows } = await database.pool.query(
    `select 9007199254740991::int8 as int8, 0.100000::numeric(20,6) as numeric, '2026-01-31T10:00:00.123Z'::timestamptz as at`,
  );
  assert.deepEqual(rows, [
    { int8: Number.MAX_SAFE_INTEGER, numeric: '0.100000', at: new Date('2026-01-31T10:00:00.123Z') },
  ]);
  await assert.rejects(database.pool.query('select 9007199254740992::int8'), /beyond the exact numbers/);
});

test('a connection that breaks while nobody uses it harms nobody', async () => {
  const { rows } = await database.pool.query<{ pid: number }>('select pg_backend_pid() as pid');
  const killed = new Promise((resolve) => database.pool.once('remove', resolve));
  const other = await testDatabase();
  await other.pool.query('select pg_terminate_backend($1)', [rows[0]!.pid]);
  await other.drop();
  await killed;
  assert.equal((await database.pool.query('select')).rowCount, 1);
});

test('where nothing listens', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  assert.equal(
    await explained(`postgres://me:s3cret@127.0.0.1:${port}/tollgate`),
    `No database answers at 127.0.0.1:${port}: is Postgres running there?`,
  );
  assert.match(await explained('postgres:///tollgate?host=/nowhere'), /No database answers at \/nowhere/);
});

test('a host that nobody knows', async () => {
  assert.match(await explained('postgres://me:s3cret@nowhere.invalid/tollgate'), /unknown: nowhere\.invalid/);
});

test('a database that does not exist', async () => {
  const url = new URL(database.url);
  url.pathname = '/nowhere';
  assert.match(await explained(url.href), /There is no database "nowhere"/);
});

test('a user that does not exist', async () => {
  const url = new URL(database.url);
  url.searchParams.set('user', 'nobody');
  assert.match(await explained(url.href), /refuses the user "nobody" or its password/);
});

test('something that is no Postgres', async () => {
  const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(
    0,
    '127.0.0.1',
  );
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  assert.match(await explained(`postgres://me:s3cret@127.0.0.1:${port}/tollgate`), /cannot be used/);
  server.close();
});
