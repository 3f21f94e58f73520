// npm run crash: kills servers, and their Postgres, at random moments under load, with fsync on, and looks whether anything
// that was answered is lost, or anything that was asked was done twice: in the engine, and then with Stripe.
//   --only engine|stripe   one of the two
//   --rounds 50            kills of each victim in the engine; with Stripe, rounds of three kills each, in eight ways
//   --seed 1               from which all but the moments follows
// Ends with 1 if a promise was broken.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { crash } from './crash/engine.ts';
import { countsInWords, crashStripe } from './crash/stripe/campaign.ts';

type Campaign = { rounds: number; seed: number };

const CAMPAIGNS: Record<string, (campaign: Campaign) => Promise<string[]>> = {
  async engine({ rounds, seed }) {
    const found = await crash({ rounds, seed, log: console.log });
    const { kills, acknowledged, retried, lost, doubled, broken } = found;
    console.log(
      `${kills.server + kills.Postgres} kills (${kills.server} of the server, ${kills.Postgres} of Postgres), ` +
        `${acknowledged} operations acknowledged, ${retried} asked again, ${lost} lost, ${doubled} doubled`,
    );
    const again = `Again: npm run crash -- --only engine --rounds ${rounds} --seed ${seed} (moments of kills vary)`;
    return broken.length === 0 ? [] : [...broken, again];
  },
  async stripe({ rounds, seed }) {
    const { lost, broken, ...counts } = await crashStripe({ rounds, seed, log: console.log });
    console.log(countsInWords(counts));
    console.log(`answers lost: ${[...lost].map(([what, times]) => `${times} ${what}`).join(', ')}`);
    return broken;
  },
};

const { values } = parseArgs({
  options: { rounds: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
});
const rounds = Number(values.rounds ?? 50);
const seed = Number(values.seed ?? randomInt(1_000_000));
const names = values.only === undefined ? Object.keys(CAMPAIGNS) : [values.only];
const isUsable = [rounds, seed].every(Number.isSafeInteger) && rounds >= 1;
if (!isUsable || names.some((name) => !(name in CAMPAIGNS))) {
  console.error('usage: npm run crash -- [--only engine|stripe] [--rounds 50] [--seed 1]');
  process.exit(1);
}
console.log(`seed ${seed}`);
for (const name of names) {
  const broken = await CAMPAIGNS[name]!({ rounds, seed });
  if (broken.length === 0) continue;
  console.error(broken.join('\n'));
  process.exitCode = 1;
}
