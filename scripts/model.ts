// npm run model: plays random histories to the engine and to the naive model, for as long as one likes.
//   --seeds 10       how many seeds, each with its own histories
//   --runs 1000      histories per seed against `decide`, and a tenth of that against engines on a Postgres of its own
//   --seed 42        the first seed; without it, one that never was
//   --only decide    or: engine
//   --path 0:3:1     of a failure, to play that one again
import { parseArgs } from 'node:util';
import { testDatabase } from '../test/database.ts';
import { checkHistories, Difference, type Wanted } from '../test/model/check.ts';
import { playDurable } from '../test/model/durable.ts';
import { bursts, type History, sequences } from '../test/model/histories.ts';
import { playPure } from '../test/model/pure.ts';
import { openStage } from '../test/model/stage.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10' },
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    only: { type: 'string' },
    path: { type: 'string' },
  },
});
const first = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
const seeds = values.path === undefined ? Number(values.seeds) : 1;
const runs = Number(values.runs);
const database = values.only === 'decide' ? undefined : await testDatabase();
const stage = database && (await openStage(database));

const played = { histories: 0, operations: 0 };
try {
  for (let seed = first; seed < first + seeds; seed++) {
    if (values.only !== 'engine')
      await play({ kind: 'decide', histories: sequences(), play: playPure, runs, seed });
    if (stage !== undefined) {
      const onStage = (history: History) => playDurable(history, stage);
      await play({ kind: 'engine', histories: bursts(), play: onStage, runs: Math.ceil(runs / 10), seed });
    }
  }
  console.log(`${played.histories} histories, ${played.operations} operations: engine and model agree.`);
} catch (error) {
  if (!(error instanceof Difference)) throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await stage?.close();
  await database?.drop();
}

async function play(wanted: Wanted): Promise<void> {
  const { path } = values;
  const { histories, operations } = await checkHistories({
    ...wanted,
    ...(path === undefined ? {} : { path }),
  });
  played.histories += histories;
  played.operations += operations;
  console.log(`${wanted.kind}, seed ${wanted.seed}: ${histories} histories, ${operations} operations`);
}
