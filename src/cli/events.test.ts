import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/database.ts';
import { runCommand, startServer, type TestServer } from '../../test/server.ts';
import { eventAbout, until } from '../../test/shop.ts';
import { type Simulator, startSimulator } from '../simulator/simulator.ts';
import { sign } from '../simulator/webhooks.ts';

const SECRET = 'whsec_of_the_command';

let database: TestDatabase;
let simulator: Simulator;
let server: TestServer;
before(async () => {
  database = await testDatabase();
  simulator = await startSimulator();
  const stripe = { STRIPE_SECRET_KEY: 'sk_test_cli', STRIPE_API_BASE: simulator.url };
  server = await startServer({
    databaseUrl: database.url,
    env: { ...stripe, STRIPE_WEBHOOK_SECRET: SECRET },
  });
});
after(async () => {
  await server?.stop();
  await simulator?.stop();
  await database?.drop();
});

/** Runs `tollgate events …` beside the server. */
const run = (...args: string[]) => runCommand(['events', ...args], { DATABASE_URL: database.url });

async function deliver(type: string, object: object) {
  const event = eventAbout(type, object);
  const body = JSON.stringify(event);
  const headers = { 'stripe-signature': sign(body, [SECRET], Math.floor(Date.now() / 1000)) };
  const { status } = await fetch(`${server.url}/webhooks/stripe`, { method: 'POST', headers, body });
  assert.equal(status, 200);
  return event;
}

const triedOf = async (id: string) => (await server.get(`/v1/stripe-events/${id}`)).body.attempts;

test('events are listed, shown and replayed beside a server, and one that cannot be holds up no other', async () => {
  const lost = await deliver('checkout.session.completed', { id: 'cs_test_of_nobody' });
  const other = await deliver('galaxy.collided', { id: 'gal_1' });
  await until(async () => (await triedOf(lost.id)) === 1);

  const failed = await run('list', '--status', 'FAILED');
  assert.equal(failed.code, 0, failed.errors);
  assert.match(
    failed.output,
    new RegExp(`^\\S+Z  FAILED    ${lost.id}  ${lost.type}  cs_test_of_nobody  tried once: .*\\n$`),
  );
  const first = await run('list', '--limit', '1');
  const [line, more] = first.output.split('\n');
  assert.ok(line!.includes(`IGNORED   ${other.id}`), line);
  const rest = await run('list', '--cursor', more!.split('--cursor ')[1]!);
  assert.ok(rest.output.includes(lost.id) && !rest.output.includes(other.id), rest.output);
  assert.equal((await run('list', '--type', 'no.such')).output, '');

  const shown = await run('show', lost.id);
  assert.deepEqual(JSON.parse(shown.output), (await server.get(`/v1/stripe-events/${lost.id}`)).body);

  const replayed = await run('replay', 'evt_none', other.id, lost.id);
  assert.equal(replayed.code, 1);
  assert.match(replayed.output, new RegExp(`RECEIVED  ${lost.id}`));
  assert.match(
    replayed.errors,
    new RegExp(`^tollgate: There is no event "evt_none"\\.\\ntollgate: .*${other.id}.*Nothing follows.*\\n$`),
  );
  await until(async () => (await triedOf(lost.id)) === 2);
  assert.equal((await run('replay', lost.id)).code, 0);
});

for (const [args, message] of [
  [[], /Say what to do with events/],
  [['drop'], /Say what to do with events/],
  [['show'], /Say what to do with events/],
  [['replay'], /Say what to do with events/],
  [['list', 'evt_1'], /Say what to do with events/],
  [['list', '--colour', 'red'], /--colour/],
  [['list', '--status', 'DONE'], /status: must be RECEIVED or APPLIED/],
  [['list', '--limit', '101'], /limit: must be a whole number/],
  [['show', 'evt_none'], /There is no event "evt_none"/],
] as const) {
  test(`tollgate events ${args.join(' ')}: one line says what is wrong`, async () => {
    const { code, output, errors } = await run(...args);
    assert.equal(code, 1);
    assert.equal(output, '');
    assert.match(errors, message);
    assert.match(errors, /^tollgate: [^\n]+\n$/);
  });
}
