import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crash } from './crash/engine.ts';

test('nothing that was answered is lost or doubled when the server, or Postgres, is killed under load', async (t) => {
  const { kills, acknowledged, lost, doubled, broken } = await crash({
    ...{ rounds: 3, seed: 1 },
    log: (line) => t.diagnostic(line),
  });
  assert.deepEqual(broken, []);
  assert.deepEqual({ kills, lost, doubled }, { kills: { server: 3, Postgres: 3 }, lost: 0, doubled: 0 });
  assert.ok(acknowledged > 0);
});
