// npm run months: plays months of a shop, with customers and operators who do what they like while everything fails, then
// reconciles once and compares every row with what Stripe has, by a model of its own.
//   --seeds 10         how many seeds
//   --seed 42          the first of them; without it, one that never was
//   --workspaces 200   how many workspaces each seed has
import { parseArgs } from 'node:util';
import { startTestCluster } from '../test/database.ts';
import { playMonths } from './months/play.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10' },
    seed: { type: 'string' },
    workspaces: { type: 'string', default: '200' },
  },
});
const first = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
const workspaces = Number(values.workspaces);
process.env.TOLLGATE_TEST_DATABASE ??= await startTestCluster();

const COUNTED = ['acts', 'days', 'events', 'payments', 'subscriptions', 'reversals', 'mended'] as const;
const total = new Map<string, number>();
let failed = 0;
const seeds = Number(values.seeds);
for (let seed = first; seed < first + seeds; seed++) {
  const { problems, ...played } = await playMonths({ seed, workspaces });
  for (const name of COUNTED) total.set(name, (total.get(name) ?? 0) + played[name]);
  console.log(`seed ${seed}: ${told((name) => played[name])}`);
  if (problems.length === 0) continue;
  failed++;
  for (const problem of problems) console.error(`  ${problem}`);
  console.error(`  again: npm run months -- --seeds 1 --seed ${seed} --workspaces ${workspaces}`);
}
console.log(`${seeds} seeds, ${failed} failed: ${told((name) => total.get(name) ?? 0)}`);
process.exit(failed === 0 ? 0 : 1);

function told(countOf: (name: (typeof COUNTED)[number]) => number): string {
  return COUNTED.map((name) => `${Math.round(countOf(name))} ${name}`).join(', ');
}
