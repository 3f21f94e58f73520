// npm run streams: kills workers while they stream answers of models, at random moments and at those that hurt most, and the
// server in between, and looks whether every stream was charged what had been reported of it, once.
//   --kills 50   of workers
//   --seed 1     from which all but the moments follows
// Ends with 1 if a promise was broken.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { countsInWords, crashStreams } from './streams/campaign.ts';

const { values } = parseArgs({ options: { kills: { type: 'string' }, seed: { type: 'string' } } });
const kills = Number(values.kills ?? 50);
const seed = Number(values.seed ?? randomInt(1_000_000));
if (![kills, seed].every(Number.isSafeInteger) || kills < 1 || seed < 0) {
  console.error('usage: npm run streams -- [--kills 50] [--seed 1]');
  process.exit(1);
}
console.log(`seed ${seed}`);
const found = await crashStreams({ kills, seed, log: console.log });
console.log(
  `${found.kills.worker} kills of a worker, with ${found.midStream} streams under way, and ${found.kills.server} of the server`,
);
console.log(`${countsInWords(found)}; ${found.points} points charged`);
console.log(
  `of ${found.sentTokens} tokens that were sent to streams that expired, ${found.chargedTokens} are charged`,
);
if (found.broken.length > 0) {
  console.error(found.broken.join('\n'));
  console.error(`Again: npm run streams -- --kills ${kills} --seed ${seed} (moments of kills vary)`);
  process.exitCode = 1;
}
