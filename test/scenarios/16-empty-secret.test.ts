import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { runServer } from '../server.ts';

suite('16: a secret for webhooks that is none', () => {
  for (const [what, secret] of [
    ['blank', ' '],
    ['empty', ''],
  ] as const) {
    test(`a server whose secret is ${what} ends at once, and says which setting it is`, async () => {
      const env = { STRIPE_SECRET_KEY: 'sk_test_1', STRIPE_WEBHOOK_SECRET: secret };
      const { code, errors } = await runServer({ databaseUrl: 'postgres://127.0.0.1:1/none', env });
      assert.equal(code, 1);
      assert.match(errors, /STRIPE_WEBHOOK_SECRET/);
    });
  }
});
