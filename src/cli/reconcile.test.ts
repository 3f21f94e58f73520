import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/database.ts';
import { runCommand, startServer, type TestServer } from '../../test/server.ts';
import { type Simulator, startSimulator } from '../simulator/simulator.ts';

let database: TestDatabase;
let simulator: Simulator;
let server: TestServer;
before(async () => {
  database = await testDatabase();
  simulator = await startSimulator();
  server = await startServer({ databaseUrl: database.url, env: { ...env() } });
});
after(async () => {
  await server?.stop();
  await simulator?.stop();
  await database?.drop();
});

const env = () => ({
  STRIPE_SECRET_KEY: 'sk_test_cli',
  STRIPE_API_BASE: simulator.url,
  STRIPE_WEBHOOK_SECRET: 'whsec_that_nobody_uses',
});

/** Runs `tollgate reconcile …` beside the server. */
const run = (...args: string[]) =>
  runCommand(['reconcile', ...args], { DATABASE_URL: database.url, ...env() });

test('a purchase whose webhooks were lost is found, and mended when that is asked for', async () => {
  await server.call('PUT', '/v1/workspaces/ws_1', { name: 'One' });
  const { status, body } = await server.post('/v1/checkout/credits', {
    workspaceId: 'ws_1',
    user: { userId: 'user_1', email: 'ada@example.com' },
    pack: 'small',
    successUrl: 'https://shop.test/thanks',
    cancelUrl: 'https://shop.test/cart',
  });
  assert.equal(status, 201, JSON.stringify(body));
  simulator.pay(body.sessionId);

  const dry = await run('--dry-run');
  assert.equal(dry.code, 1, dry.errors);
  assert.match(dry.output, /^checkout co_\S+ \(cs_\S+\) is paid at Stripe and OPEN here\.$/m);
  assert.match(dry.output, /nothing was changed\.\n$/);
  assert.equal((await server.get('/v1/workspaces/ws_1')).body.credit.balance, 0);

  const mending = await run('--since', '2');
  assert.equal(mending.code, 0, mending.errors);
  assert.match(mending.output, /is paid at Stripe and OPEN here: mended\.$/m);
  assert.match(mending.output, / 2 differed, 2 mended, 0 left\.\n$/);
  assert.equal((await server.get('/v1/workspaces/ws_1')).body.credit.balance, body.credits);

  const again = await run();
  assert.deepEqual([again.code, again.errors], [0, '']);
  assert.match(again.output, /^Compared \d+: nothing differs\.\n$/);
});

for (const args of [['--since', 'yesterday'], ['--since', '0'], ['--wet-run'], ['now']]) {
  test(`what cannot be asked for is said in one line: ${args.join(' ')}`, async () => {
    const { code, errors } = await run(...args);
    assert.equal(code, 1);
    assert.match(errors, /^tollgate: [^\n]*tollgate reconcile \[--dry-run\] \[--since <days>\][^\n]*\n$/);
  });
}
