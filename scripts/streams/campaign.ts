import { makeRandom, type Random } from '../../src/lib/random.ts';
import { until } from '../../test/shop.ts';
import { checkStreams, checkWallets, type Verdict } from './check.ts';
import { killAt, MOMENTS, type Moment } from './kill.ts';
import { openSite, type Site, type Worker } from './site.ts';
import { passTime, TTL_SECONDS } from './time.ts';

export type StreamsOptions = {
  /** Of workers. */
  kills: number;
  seed: number;
  log(line: string): void;
};

const COUNTED = [
  ...(['streams', 'refused', 'settled', 'released', 'expired', 'reports', 'unanswered'] as const),
  ...(['sentTokens', 'chargedTokens'] as const),
];

export type StreamsSummary = Record<(typeof COUNTED)[number], number> & {
  kills: { worker: number; server: number };
  /** Streams that were reporting when their worker was killed. */
  midStream: number;
  /** All that was charged. */
  points: number;
  /** Promises that were broken, in words. */
  broken: string[];
};

/** Streams that are under way at once. */
const LANES = 16;

/** So many of them report when something is killed. */
const REPORTING_MIN = 6;

/** After so many workers that are killed, and at the end, comes one whose streams all come to theirs. */
const PEACEFUL_EVERY = 5;

type Round = { number: number; isPeaceful: boolean; random: Random };

/**
 * Kills workers in mid-stream so many times, and the server in between, and looks whether every stream was charged what had
 * been reported of it, once. Leaves nothing behind.
 */
export async function crashStreams({ kills, seed, log }: StreamsOptions): Promise<StreamsSummary> {
  const summary: StreamsSummary = {
    ...{ streams: 0, refused: 0, settled: 0, released: 0, expired: 0, reports: 0, unanswered: 0 },
    ...{ sentTokens: 0, chargedTokens: 0, midStream: 0, points: 0 },
    ...{ kills: { worker: 0, server: 0 }, broken: [] },
  };
  const points = new Map<string, number>();
  const site = await openSite({ seed, lanes: LANES, ttlSeconds: TTL_SECONDS });
  try {
    const rounds = roundsOf(kills, seed);
    let worker: Worker | null = await site.startWorker(1);
    for (const round of rounds) {
      const before: Worker = worker!;
      const how = await endWorker(site, before, round, summary);
      worker = round === rounds.at(-1) ? null : await startNext(site, round.number + 1);
      await passTime(site, worker);
      await bookExpired(site, before, round.random);
      const verdict = await checkStreams(site, before, round.isPeaceful);
      site.witness.forget(before.prefix);
      for (const name of COUNTED) summary[name] += verdict[name];
      for (const [id, charged] of verdict.points) points.set(id, (points.get(id) ?? 0) + charged);
      log(`worker ${round.number}, ${how}: ${describe(verdict)}`);
      for (const what of verdict.broken) log(`  ${what}`);
      summary.broken.push(...verdict.broken.map((what) => `worker ${round.number}, ${how}: ${what}`));
    }
    summary.broken.push(...(await checkWallets(site, points)));
  } catch (error) {
    summary.broken.push(String((error as Error).stack));
  }
  summary.points = [...points.values()].reduce((sum, charged) => sum + charged, 0);
  summary.broken.push(...(await site.close()));
  return summary;
}

function roundsOf(kills: number, seed: number): Round[] {
  const inOrder = Array.from({ length: kills }, (_, i) => {
    const isLast = i + 1 === kills || (i + 1) % PEACEFUL_EVERY === 0;
    return isLast ? [{ isPeaceful: false }, { isPeaceful: true }] : [{ isPeaceful: false }];
  });
  return inOrder.flat().map(({ isPeaceful }, i) => {
    const number = i + 1;
    return { number, isPeaceful, random: makeRandom(`streams ${seed} ${number}`) };
  });
}

/** Lets a worker stream, and ends it, by force or not; resolves to how. */
async function endWorker(
  site: Site,
  worker: Worker,
  { isPeaceful, random }: Round,
  summary: StreamsSummary,
): Promise<string> {
  const { wire, witness } = site;
  const reporting = () =>
    witness.open(worker.prefix).filter(({ isReported, isEnding }) => isReported && !isEnding).length;
  const isStreaming = () => until(() => reporting() >= REPORTING_MIN);
  const moment = () => random.pick(Object.keys(MOMENTS) as Moment[]);
  const did: string[] = [];
  loseSome(site, random);

  async function killServer(): Promise<void> {
    await isStreaming();
    const when = moment();
    await killAt(when, { wire, random, kill: site.killServer });
    summary.kills.server++;
    did.push(`server killed ${when}`);
  }

  async function killWorker(when: Moment): Promise<void> {
    const kill = async () => {
      summary.midStream += reporting();
      await worker.kill();
    };
    await killAt(when, { wire, random, kill });
    summary.kills.worker++;
    did.push(`killed ${when}`);
  }

  if (isPeaceful) {
    for (let kills = 0; kills < 2; kills++) {
      await killServer();
      await site.startServer();
    }
    await isStreaming();
    const { code, errors } = await worker.finish();
    if (code !== 0) throw new Error(`worker ${worker.number} ended with ${code}: ${errors}`);
    did.push('ended by itself');
  } else if (random.chance(0.1)) {
    await killServer();
    await killWorker('at any moment');
    await site.startServer();
  } else {
    if (random.chance(0.1)) {
      await killServer();
      await site.startServer();
    }
    await isStreaming();
    await killWorker(moment());
  }
  await until(() => witness.isQuiet());
  return did.join(', ');
}

/** Some calls do not arrive, and some answers, whatever else happens. */
function loseSome({ wire }: Site, random: Random): void {
  for (const call of [/^POST \/v1\/holds$/, /\/progress$/, /\/settle$/]) {
    const others = Array.from({ length: random.below(3) }, () =>
      random.pick([{ drop: true }, { lose: 'cut' }, { status: 503 }] as const),
    );
    wire.fail(call, { lose: 'cut' }, ...others);
  }
}

/** A new worker, once it streams. */
async function startNext(site: Site, number: number): Promise<Worker> {
  const worker = await site.startWorker(number);
  await until(() => site.witness.open(worker.prefix).some(({ isReported }) => isReported));
  return worker;
}

/** Whoever asks about a hold that has expired has it booked: here by its list, or by itself. */
async function bookExpired({ server, witness }: Site, worker: Worker, random: Random): Promise<void> {
  const asks = random.chance(0.5)
    ? worker.workspaces.map((id) => `/v1/holds?workspaceId=${id}`)
    : witness.open(worker.prefix).map(({ id }) => `/v1/holds/${id}`);
  // A hold whose answer was lost is known by its workspace alone.
  for (const path of [...asks, '/v1/holds']) await server!.get(path);
}

function describe({ broken, ...counts }: Verdict): string {
  const found = broken.length === 0 ? 'each charged once, audit clean' : `${broken.length} promises broken`;
  return `${countsInWords(counts)}: ${found}`;
}

/** How the streams ended for Tollgate, and what was asked about them. */
export function countsInWords(counts: Pick<Verdict, (typeof COUNTED)[number]>): string {
  const { streams, refused, settled, released, expired, reports, unanswered } = counts;
  return (
    `${streams} streams, ${settled} settled, ${released} released, ${expired} expired, ${refused} refused; ` +
    `${reports} reports, ${unanswered} calls unanswered`
  );
}
