import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashStreams } from './streams/campaign.ts';

test('every stream is charged what had been reported, once, when its worker, or the server, is killed', async (t) => {
  const log = (line: string) => t.diagnostic(line);
  const { kills, midStream, settled, expired, broken } = await crashStreams({ kills: 2, seed: 1, log });
  assert.deepEqual(broken, []);
  assert.equal(kills.worker, 2);
  assert.ok(kills.server >= 2);
  assert.ok(midStream > 0 && settled > 0 && expired > 0);
});
