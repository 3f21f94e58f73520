import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playMonths } from './months/play.ts';

const WORKSPACES = 12;

test('after months of whatever may happen, one run makes Tollgate equal to Stripe', async (t) => {
  await Promise.all(
    [1, 2, 3].map(async (seed) => {
      const { problems, ...played } = await playMonths({ seed, workspaces: WORKSPACES });
      t.diagnostic(`seed ${seed}: ${JSON.stringify(played)}`);
      const again = `npm run months -- --seeds 1 --seed ${seed} --workspaces ${WORKSPACES}`;
      assert.deepEqual(problems, [], again);
    }),
  );
});
