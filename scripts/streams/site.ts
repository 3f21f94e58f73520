import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import pg from 'pg';
import { type Provider, startProvider } from '../../examples/provider.ts';
import {
  endWithUs,
  isAlive,
  makeDataDir,
  SECRET_KEY,
  startServer,
  type TestServer,
} from '../../test/server.ts';
import { openWire, type Wire } from '../../test/wire.ts';
import { planOf, TAG, WORKSPACES } from './plan.ts';
import { Witness } from './witness.ts';
import type { Orders, Told } from './worker.ts';

/** A product's process, and what it has said of its streams. */
export type Worker = {
  number: number;
  /** What the tags of its streams begin with. */
  prefix: string;
  workspaces: string[];
  told: Map<string, Told>;
  /** Resolves when nobody is left of it. */
  kill(): Promise<void>;
  /** Lets its streams come to their end; resolves to its exit code and what it complained of. */
  finish(): Promise<{ code: number | null; errors: string }>;
};

/** Tollgate, a provider, and workers between them; all can be killed but the provider and what looks on. */
export type Site = {
  /** Null while it is killed. */
  server: TestServer | null;
  pool: pg.Pool;
  wire: Wire;
  witness: Witness;
  provider: Provider;
  /** What servers wrote as errors. */
  reports: string[];
  startWorker(number: number): Promise<Worker>;
  killServer(): Promise<void>;
  startServer(): Promise<void>;
  /** Tollgate's time, which can be moved forward. */
  now(): number;
  advance(seconds: number): Promise<void>;
  /** Ends everything; resolves to what did not end as it should. */
  close(): Promise<string[]>;
};

/** Free points for some streams, and no credits. */
const CREDITS = [0, 100_000, 100_000];

export async function openSite({
  seed,
  lanes,
  ttlSeconds,
}: Pick<Orders, 'seed' | 'lanes' | 'ttlSeconds'>): Promise<Site> {
  const dataDir = makeDataDir();
  const start = () => startServer({ dataDir: dataDir.path, env: { TOLLGATE_TEST_CLOCK: '1' } });
  const witness = new Witness();
  const workers: ChildProcess[] = [];
  let offsetMs = 0;
  const server = await start();
  const site: Site = {
    server,
    pool: new pg.Pool({ connectionString: dataDir.databaseUrl(), max: 4 }),
    wire: await openWire(
      () => site.server!.url,
      (exchange) => witness.note(exchange),
    ),
    witness,
    provider: await startProvider(0, ({ body }) => planOf(TAG.exec(JSON.stringify(body))![0]).provider),
    reports: [],
    async startWorker(number) {
      // The last workspace is everybody's: what dead workers left in it is found by those that live.
      const own = await Promise.all(CREDITS.slice(0, -1).map((credits) => newWorkspace(site, credits)));
      const workspaces = [...own, shared];
      const orders: Orders = {
        ...{ url: site.wire.url, secretKey: SECRET_KEY, providerUrl: site.provider.url },
        ...{ seed, number, workspaces, lanes, ttlSeconds },
      };
      return launch(orders, workers);
    },
    async killServer() {
      const { server } = site;
      site.wire.cut(true);
      process.kill(server!.pid, 'SIGKILL');
      await server!.ended;
      site.reports.push(server!.errors());
      site.server = null;
    },
    async startServer() {
      site.server = await start();
      site.wire.cut(false);
    },
    now: () => Date.now() + offsetMs,
    async advance(seconds) {
      const { status, body } = await site.server!.post('/v1/test/clock', { advanceSeconds: seconds });
      if (status !== 200) throw new Error(`time did not move: ${JSON.stringify(body)}`);
      offsetMs = Date.parse(body.now) - Date.now();
    },
    async close() {
      const wrong: string[] = [];
      for (const worker of workers) worker.kill('SIGKILL');
      await site.provider.stop();
      await site.wire.stop();
      await site.pool.end();
      site.server ??= await start();
      const code = await site.server.stop();
      site.reports.push(site.server.errors());
      if (code !== 0) wrong.push(`the last server ended with ${code}`);
      wrong.push(...site.reports.filter((errors) => errors !== ''));
      const left = dataDir.postgresPid();
      if (left !== undefined && isAlive(left)) wrong.push('Postgres was left running');
      dataDir.remove();
      return wrong;
    },
  };
  const shared = await newWorkspace(site, CREDITS[WORKSPACES - 1]!);
  return site;
}

async function newWorkspace({ server }: Site, credits: number): Promise<string> {
  const id = await server!.workspace('streams');
  if (credits > 0) await server!.grant(id, credits);
  return id;
}

function launch(orders: Orders, workers: ChildProcess[]): Worker {
  const script = join(import.meta.dirname, 'worker.ts');
  const given = ['--conditions=tollgate-source', script, JSON.stringify(orders)];
  const child = spawn(process.execPath, given, { stdio: ['ignore', 'pipe', 'pipe'] });
  endWithUs(child);
  workers.push(child);
  const errors = text(child.stderr);
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const told = new Map<string, Told>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const one: Told = JSON.parse(line);
    told.set(one.tag, one);
  });
  return {
    number: orders.number,
    prefix: `stream:${orders.seed}.${orders.number}:`,
    workspaces: orders.workspaces,
    told,
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    async finish() {
      child.kill('SIGTERM');
      return { code: await ended, errors: await errors };
    },
  };
}
