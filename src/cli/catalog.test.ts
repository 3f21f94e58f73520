import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommand } from '../../test/server.ts';
import { useSimulator } from '../simulator/testing.ts';

/** Runs `tollgate catalog …`. */
const run = (args: string[], env: Record<string, string> = {}) => runCommand(['catalog', ...args], env);

test('the commands compare, push and say so with their exit code', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const env = {
    STRIPE_SECRET_KEY: 'sk_test_cli',
    STRIPE_WEBHOOK_SECRET: 'whsec_cli',
    STRIPE_API_BASE: simulator.url,
  };
  const missing = await run(['pull', '--check'], env);
  assert.deepEqual([missing.code, missing.errors], [1, '']);
  assert.match(missing.output, /^tollgate_plan_\w+ is missing\n/);
  const planned = await run(['push', '--dry-run'], env);
  assert.equal(planned.code, 0);
  assert.match(planned.output, /: create the product "[^"]+"\n.*\nNothing was changed\.\n$/s);
  assert.deepEqual((await stripe.products.list()).data, []);

  const pushed = await run(['push'], env);
  assert.deepEqual([pushed.code, pushed.errors], [0, '']);
  assert.match(pushed.output, /\nDone: \d+ changes\.\n$/);
  for (const args of [['push'], ['push', '--dry-run'], ['pull', '--check']]) {
    assert.deepEqual(await run(args, env), { code: 0, output: 'Nothing differs.\n', errors: '' });
  }

  const { data } = await stripe.prices.list({ limit: 1 });
  await stripe.prices.update(data[0]!.id, { active: false });
  const drifted = await run(['pull', '--check'], env);
  assert.deepEqual(drifted, { code: 1, output: `${data[0]!.lookup_key} is archived\n`, errors: '' });
});

test('what a person can mend is said in one line', async (t) => {
  const { simulator } = await useSimulator(t, { apiKeys: ['sk_test_right'] });
  const wrongKey = {
    STRIPE_SECRET_KEY: 'sk_test_wrong',
    STRIPE_WEBHOOK_SECRET: 'whsec_cli',
    STRIPE_API_BASE: simulator.url,
  };
  const usage =
    'Say what to do: tollgate catalog push, tollgate catalog push --dry-run, or tollgate catalog pull --check.';
  for (const [args, env, message] of [
    [
      ['push'],
      {},
      'Set STRIPE_SECRET_KEY: without a key there is no account of Stripe to compare with, only the simulator.',
    ],
    [['push'], wrongKey, 'Stripe refused the call: STRIPE_SECRET_KEY is not accepted.'],
    [[], {}, usage],
    [['pull'], {}, usage],
    [['push', '--force'], {}, usage],
  ] as const) {
    const { code, output, errors } = await run([...args], env);
    assert.deepEqual([code, output, errors], [1, '', `tollgate: ${message}\n`]);
  }
});
