import { modeOf, playRound, type Round } from './round.ts';

export type StripeCrashOptions = {
  rounds: number;
  /** Of the first round; the others have those that follow. */
  seed: number;
  killsEach?: number;
  log(line: string): void;
};

const COUNTED = [
  ...(['kills', 'acts', 'asked', 'retried'] as const),
  ...(['payments', 'subscriptions', 'reversals', 'topUps', 'mended'] as const),
];

export type StripeCrashSummary = Record<(typeof COUNTED)[number], number> & {
  /** How often an answer of Stripe's was lost, by what it was about. */
  lost: Map<string, number>;
  broken: string[];
};

/** Enough for one of them to meet what another has left. */
const KILLS_EACH = 3;

/** Plays so many rounds, each in a world of its own. Leaves nothing behind. */
export async function crashStripe({
  rounds,
  seed: first,
  killsEach = KILLS_EACH,
  log,
}: StripeCrashOptions): Promise<StripeCrashSummary> {
  const summary: StripeCrashSummary = {
    ...{ kills: 0, acts: 0, asked: 0, retried: 0 },
    ...{ payments: 0, subscriptions: 0, reversals: 0, topUps: 0, mended: 0 },
    ...{ lost: new Map(), broken: [] },
  };
  for (let seed = first; seed < first + rounds; seed++) {
    const round = await playRound({ seed, kills: killsEach });
    for (const name of COUNTED) summary[name] += round[name];
    for (const what of round.lost) summary.lost.set(what, (summary.lost.get(what) ?? 0) + 1);
    log(`${modeInWords(seed)}: ${countsInWords(round)}`);
    if (round.broken.length === 0) continue;
    const again = `again: npm run crash -- --only stripe --rounds 1 --seed ${seed} (moments of kills vary)`;
    for (const line of [...round.broken, again]) log(`  ${line}`);
    summary.broken.push(...round.broken.map((what) => `seed ${seed}: ${what}`));
  }
  return summary;
}

function modeInWords(seed: number): string {
  const { servers, victim, moment } = modeOf(seed);
  const victims = victim === 'Postgres' ? `Postgres of ${servers}` : `1 of ${servers}`;
  return `seed ${seed}, killed ${victims} ${moment === 'any' ? 'at any moment' : 'at an answer of Stripe’s'}`;
}

export function countsInWords(counts: Pick<Round, (typeof COUNTED)[number]>): string {
  const { kills, acts, asked, retried, payments, subscriptions, reversals, topUps, mended } = counts;
  return (
    `${kills} kills, ${acts} acts, ${asked} requests, ${retried} asked again; at Stripe ${payments} payments ` +
    `(${topUps} top-ups), ${subscriptions} subscriptions, ${reversals} reversals; ${mended} mended by reconcile`
  );
}
