import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { makeRandom, type Random } from '../../src/lib/random.ts';
import { isAlive, makeDataDir, startServer, type TestServer } from '../../test/server.ts';
import { checkRound, type Verdict } from './check.ts';
import { type Door, Workload } from './workload.ts';

const VICTIMS = ['server', 'Postgres'] as const;
type Victim = (typeof VICTIMS)[number];

export type CrashOptions = { rounds: number; seed: number; log(line: string): void };

export type CrashSummary = {
  kills: Record<Victim, number>;
  acknowledged: number;
  retried: number;
  lost: number;
  doubled: number;
  broken: string[];
};

/**
 * Kills the server, and then its Postgres, at random moments while it uses, grants and gives back, with fsync on. Runs so many
 * rounds for each victim; resolves to what was found. Leaves nothing behind.
 */
export async function crash({ rounds, seed, log }: CrashOptions): Promise<CrashSummary> {
  const dataDir = makeDataDir();
  const summary: CrashSummary = {
    kills: { server: 0, Postgres: 0 },
    ...{ acknowledged: 0, retried: 0, lost: 0, doubled: 0, broken: [] },
  };
  let server = await startServer({ dataDir: dataDir.path });
  try {
    for (const victim of VICTIMS) {
      for (let i = 1; i <= rounds; i++) {
        const name = `${victim} ${i}`;
        const round = { name, victim, random: makeRandom(`${seed} ${name}`), server };
        const { verdict, next } = await runRound(round, dataDir);
        server = next;
        summary.kills[victim]++;
        add(summary, verdict, name);
        log(describe(name, rounds, verdict));
      }
    }
  } catch (error) {
    summary.broken.push(String(error));
  } finally {
    const code = await server.stop();
    if (code !== 0) summary.broken.push(`the last server ended with ${code}`);
    const left = dataDir.postgresPid();
    if (left !== undefined && isAlive(left)) summary.broken.push('Postgres was left running');
    dataDir.remove();
  }
  return summary;
}

type Round = { name: string; victim: Victim; random: Random; server: TestServer };
type Folder = ReturnType<typeof makeDataDir>;

async function runRound(
  { name, victim, random, server }: Round,
  dataDir: Folder,
): Promise<{ verdict: Verdict; next: TestServer }> {
  const door: Door = { client: server };
  const workload = await Workload.start({ name, random, door });
  await sleep(LOAD_MS_MIN + random.below(LOAD_MS_MAX - LOAD_MS_MIN));
  let next = server;
  if (victim === 'server') {
    door.client = null;
    process.kill(server.pid, 'SIGKILL');
    await server.ended;
    next = await startServer({ dataDir: dataDir.path });
    door.client = next;
  } else {
    process.kill(dataDir.postgresPid()!, 'SIGKILL');
  }
  await sleep(AFTER_MS);
  await Promise.race([settle(workload, next), failIfEnded(next)]);

  const pool = new pg.Pool({ connectionString: dataDir.databaseUrl(), max: 2 });
  try {
    return { verdict: await checkRound(workload, next, pool), next };
  } finally {
    await pool.end();
  }
}

/** Resolves when all that was asked has its answer, and the database can be looked at. */
async function settle(workload: Workload, server: TestServer): Promise<void> {
  await workload.finish();
  while ((await server.get('/readyz')).status !== 200) await sleep(POLL_MS);
}

async function failIfEnded(server: TestServer): Promise<never> {
  const code = await server.ended;
  throw new Error(`the server, which nobody killed, ended with ${code}: ${server.errors()}`);
}

/** Long enough for the first operations to be under way, short enough for many rounds. */
const LOAD_MS_MIN = 30;
const LOAD_MS_MAX = 700;

/** Work goes on after the kill: what was repaired is used. */
const AFTER_MS = 250;

const POLL_MS = 20;

function add(summary: CrashSummary, verdict: Verdict, name: string): void {
  summary.acknowledged += verdict.acknowledged;
  summary.retried += verdict.retried;
  summary.lost += verdict.lost;
  summary.doubled += verdict.doubled;
  summary.broken.push(...verdict.broken.map((what) => `${name}: ${what}`));
}

function describe(name: string, rounds: number, verdict: Verdict): string {
  const { acknowledged, retried, unknown, kept } = verdict;
  const found = verdict.broken.length === 0 ? 'all kept, audit clean' : verdict.broken.join('; ');
  return `killed ${name} of ${rounds}: ${acknowledged} acknowledged, ${retried} asked again, ${unknown} never answered (${kept} of them done): ${found}`;
}
