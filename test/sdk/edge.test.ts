import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type TestDatabase, testDatabase } from '../database.ts';
import { SECRET_KEY, startServer, type TestServer } from '../server.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

let database: TestDatabase;
let server: TestServer;

before(async () => {
  database = await testDatabase();
  server = await startServer({ databaseUrl: database.url });
});

after(async () => {
  await server.stop();
  await database.drop();
});

test('the client runs where there is nothing but the web, and imports nothing but itself', async () => {
  const flags = ['--experimental-vm-modules', '--no-warnings'];
  const script = join(import.meta.dirname, 'edge.ts');
  const asked = [server.url, SECRET_KEY, await server.workspace()];
  const { stdout } = await run(process.execPath, [...flags, script, ...asked]);
  assert.deepEqual(JSON.parse(stdout), { journaled: true, used: 3, left: 97, amounts: [98, 3] });
});

test('its types need nothing but those of the web', async () => {
  await run(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', join(ROOT, 'sdk', 'client')]);
});
