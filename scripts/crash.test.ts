import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crash } from './crash/engine.ts';
import { crashStripe } from './crash/stripe/campaign.ts';

test('nothing that was answered is lost or doubled when the server, or Postgres, is killed under load', async (t) => {
  const { kills, acknowledged, lost, doubled, broken } = await crash({
    ...{ rounds: 2, seed: 1 },
    log: (line) => t.diagnostic(line),
  });
  assert.deepEqual(broken, []);
  assert.deepEqual({ kills, lost, doubled }, { kills: { server: 2, Postgres: 2 }, lost: 0, doubled: 0 });
  assert.ok(acknowledged > 0);
});

for (const [seed, what] of [
  [5, 'one of two servers'],
  [7, 'Postgres'],
] as const) {
  test(`${what} is killed while answers of Stripe’s are on their way: all is as Stripe has it, once`, async (t) => {
    const log = (line: string) => t.diagnostic(line);
    const { kills, lost, broken } = await crashStripe({ rounds: 1, killsEach: 1, seed, log });
    assert.deepEqual(broken, []);
    assert.deepEqual([kills, lost.size], [1, 1]);
  });
}
