import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { suite, test } from 'node:test';
import { ConfigError, readConfig } from './config.ts';

test('nothing is set: the defaults', () => {
  assert.deepEqual(readConfig({}), {
    port: 3000,
    host: '127.0.0.1',
    databaseUrl: undefined,
    dataDir: resolve('data'),
    secretKey: undefined,
    catalogPath: resolve('tollgate.config.ts'),
    stripe: { secretKey: undefined, webhookSecrets: [], apiBase: undefined },
    testClock: false,
  });
});

suite('an address of a Postgres', () => {
  for (const [given, taken] of [
    ['postgres://me:secret@db.example:5432/tollgate', 'postgres://me:secret@db.example:5432/tollgate'],
    ['postgresql:///tollgate?host=/run/pg', 'postgresql:///tollgate?host=/run/pg'],
    ['postgres://me@/tollgate?host=/run/pg', 'postgres://me@localhost/tollgate?host=/run/pg'],
  ] as const) {
    test(given, () => assert.equal(readConfig({ DATABASE_URL: given }).databaseUrl, taken));
  }
});

test('several webhook secrets, with spaces', () => {
  const env = { STRIPE_SECRET_KEY: 'sk_test_1', STRIPE_WEBHOOK_SECRET: 'whsec_a, whsec_b' };
  assert.deepEqual(readConfig(env).stripe.webhookSecrets, ['whsec_a', 'whsec_b']);
});

suite('what cannot be used is refused by its name, and no secret is repeated', () => {
  for (const [name, env] of [
    ['PORT', { PORT: '70000' }],
    ['PORT', { PORT: '3000x' }],
    ['HOST', { HOST: ' ' }],
    ['DATABASE_URL', { DATABASE_URL: 'mysql://me:secret@host/x' }],
    ['DATABASE_URL', { DATABASE_URL: 'secret' }],
    ['TOLLGATE_SECRET_KEY', { TOLLGATE_SECRET_KEY: 'secret' }],
    ['TOLLGATE_TEST_CLOCK', { TOLLGATE_TEST_CLOCK: 'yes' }],
    ['STRIPE_WEBHOOK_SECRET', { STRIPE_WEBHOOK_SECRET: ' ' }],
    ['STRIPE_WEBHOOK_SECRET', { STRIPE_WEBHOOK_SECRET: 'whsec_secret,' }],
    ['STRIPE_SECRET_KEY', { STRIPE_SECRET_KEY: 'pk_test_secret', STRIPE_WEBHOOK_SECRET: 'whsec_a' }],
    ['STRIPE_SECRET_KEY', { STRIPE_SECRET_KEY: 'sk_test_…', STRIPE_WEBHOOK_SECRET: 'whsec_a' }],
    ['STRIPE_WEBHOOK_SECRET', { STRIPE_SECRET_KEY: 'sk_test_secret' }],
    ['STRIPE_SECRET_KEY', { STRIPE_API_BASE: 'http://127.0.0.1:1' }],
    ['TOLLGATE_TEST_CLOCK', { TOLLGATE_TEST_CLOCK: '1', STRIPE_SECRET_KEY: 'sk_live_secret' }],
  ] as const) {
    test(JSON.stringify(env), () => {
      assert.throws(
        () => readConfig(env),
        (error: Error) => {
          assert.ok(error instanceof ConfigError);
          assert.match(error.message, new RegExp(name));
          assert.doesNotMatch(error.message, /secret@|_secret|"secret"/);
          return true;
        },
      );
    });
  }
});
