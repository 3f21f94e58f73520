import { setTimeout as sleep } from 'node:timers/promises';
import { makeRandom } from '../../../src/lib/random.ts';
import { Asking } from './asking.ts';
import { checkRound, type Found } from './check.ts';
import { Crowd } from './crowd.ts';
import { type Kill, killOnce } from './kill.ts';
import { settle } from './settle.ts';
import { openSite, type Site } from './site.ts';
import { moveTime } from './time.ts';

/** How many servers there are, and what is killed when. */
export type Mode = Kill & { servers: 1 | 2 };

export const MODES: Mode[] = ([1, 2] as const).flatMap((servers) =>
  (['server', 'Postgres'] as const).flatMap((victim) =>
    (['any', 'answer'] as const).map((moment) => ({ servers, victim, moment })),
  ),
);

export const modeOf = (seed: number): Mode => MODES[seed % MODES.length]!;

export type Round = Found & {
  kills: number;
  /** What the answers were about that nobody got. */
  lost: string[];
  acts: number;
  asked: number;
  retried: number;
  broken: string[];
};

/** Long enough for much to be under way. */
const LOAD_MS_MIN = 500;
const LOAD_MS_MAX = 2_500;

/** Work goes on after the last kill: what was repaired is used. */
const AFTER_MS = 500;

const DAYS_MAX = 32; // some of them go into the next month
const DAY_MS = 86_400_000;

/** Lets a crowd loose on servers that are killed so many times, and looks what came of it once all is quiet. */
export async function playRound({ seed, kills }: { seed: number; kills: number }): Promise<Round> {
  const random = makeRandom(`stripe crash ${seed}`);
  const mode = modeOf(seed);
  const round: Round = {
    ...{ kills: 0, lost: [], acts: 0, asked: 0, retried: 0, broken: [] },
    ...{ payments: 0, subscriptions: 0, reversals: 0, topUps: 0, mended: 0 },
  };
  const site = await openSite(mode.servers);
  const asking = new Asking(site.doors, random);
  try {
    site.simulator.setFaults({
      seed,
      webhooks: { duplicate: 0.1, delay: 0.2, delayMaxMs: 50, reorder: 0.1, drop: random.pick([0, 0.2]) },
    });
    const crowd = await Crowd.start(site, asking, random);
    for (; round.kills < kills; round.kills++) {
      await sleep(LOAD_MS_MIN + random.below(LOAD_MS_MAX - LOAD_MS_MIN));
      if (random.chance(0.4)) await moveTime(site, asking, (1 + random.below(DAYS_MAX)) * DAY_MS);
      const lost = await killOnce(site, mode, random);
      if (lost !== null) round.lost.push(lost);
    }
    await sleep(AFTER_MS);
    await crowd.finish();
    round.acts = crowd.acts;
    round.broken.push(...crowd.broken, ...(await settle(site, asking)));
    const { broken, ...found } = await checkRound(site, asking);
    Object.assign(round, found);
    round.broken.push(...broken);
  } catch (error) {
    round.broken.push(String((error as Error).stack));
  }
  round.asked = asking.asked.length;
  round.retried = asking.retried;
  round.broken.push(
    ...asking.broken.flatMap((what) => [what, ...loggedOf(site, what)]),
    ...(await site.close()),
  );
  return round;
}

/** What the servers have logged of the request that an answer names. */
function loggedOf({ reports, doors }: Site, answered: string): string[] {
  const requestId = /"requestId":"([^"]+)"/.exec(answered)?.[1];
  if (requestId === undefined) return [];
  const logs = [...reports, ...doors.map(({ client }) => client?.errors() ?? '')];
  return logs.flatMap((log) => log.split('\n')).filter((line) => line.includes(requestId));
}
