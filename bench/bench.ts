/**
 * Measures Tollgate beside what it is compared with, in one run on one machine: `npm run bench [-- --json] [--only holds]`.
 * Everything is started here: the server as a user starts it, its embedded Postgres with fsync on, the baselines on the
 * same Postgres, and the load from a process of its own. Each measure and its baseline take turns, and the medians are
 * compared: machines are shared, and a ratio of one run says more than a figure.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { AICosts, AIWork } from './ai-worker.ts';
import type { LoadResult } from './load.ts';
import { cpuMs, familyOf, memoryMiB } from './machine.ts';
import { hasPgbench, native } from './native.ts';
import { median, printTable, type Report, type Row } from './table.ts';
import { measureWebhooks } from './webhooks.ts';
import {
  createNativeDatabase,
  databaseUrl,
  fillUsage,
  fillWallets,
  KEY,
  run,
  runWorker,
  type Server,
  startHelper,
  startServer,
  useEachOnce,
} from './world.ts';

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    /** Seconds of each turn. */
    seconds: { type: 'string', default: '5' },
    /** Turns of each measure and its baseline. */
    turns: { type: 'string', default: '3' },
    /** Only measures whose name contains this. */
    only: { type: 'string', default: '' },
  },
});
const seconds = Number(flags.seconds);
const turns = Number(flags.turns);

const CONNECTIONS = 64;
const WORKSPACES = 1000;
const MANY_WORKSPACES = 100_000;
const MANY_ROWS = 2_000_000;

type Turn = { perSecond: number; p50Ms: number; p99Ms: number; cpuMsPerRequest: number };

async function measure(
  names: Pick<Row, 'measure' | 'baseline' | 'atLeast' | 'aim'>,
  own: () => Promise<Turn>,
  baseline: () => Promise<number>,
): Promise<Row[]> {
  if (!names.measure.includes(flags.only)) return [];
  const owns: Turn[] = [];
  const baselines: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    baselines.push(await baseline());
    owns.push(await own());
    note(
      `${names.measure}: ${Math.round(owns.at(-1)!.perSecond)} to ${Math.round(baselines.at(-1)!)} per second`,
    );
  }
  const baselinePerSecond = median(baselines);
  const perSecond = median(owns.map((turn) => turn.perSecond));
  return [
    {
      ...names,
      perSecond,
      baselinePerSecond,
      ratio: perSecond / baselinePerSecond,
      p50Ms: median(owns.map((turn) => turn.p50Ms)),
      p99Ms: median(owns.map((turn) => turn.p99Ms)),
      cpuMsPerRequest: median(owns.map((turn) => turn.cpuMsPerRequest)),
    },
  ];
}

/** One turn of load on a server, with the CPU that the server and its Postgres took for each request. */
async function turnOf(server: Server, path: string, workspaces: number, items = 0): Promise<Turn> {
  const before = cpuMs(familyOf(server.pid));
  const result = await run(workOf(server.port, path, workspaces, items));
  const requests = result.requests * ((seconds + WARMUP_SECONDS) / seconds);
  const units = items === 0 ? 1 : items;
  return {
    perSecond: result.perSecond * units,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    cpuMsPerRequest: (cpuMs(familyOf(server.pid)) - before) / (requests * units),
  };
}

const WARMUP_SECONDS = 2; // until the code is compiled and the states are known
const BATCH_ITEMS = 1000;
const BATCH_CONNECTIONS = 4;

function workOf(port: number, path: string, workspaces: number, items = 0) {
  const connections = items === 0 ? CONNECTIONS : BATCH_CONNECTIONS;
  return { port, key: KEY, connections, seconds, warmupSeconds: WARMUP_SECONDS, path, workspaces, items };
}

const AI_CHUNKS = 500;
const AI_CALLS = 150; // of each kind in a turn

function aiCosts(): Promise<AICosts> {
  const work = { workspaceId: 'ws_0', chunks: AI_CHUNKS, calls: AI_CALLS * turns };
  return runWorker<AICosts>('ai-worker.ts', { port: server.port, key: KEY, ...work } satisfies AIWork);
}

const perSecond = (result: LoadResult) => result.perSecond;

function note(line: string): void {
  if (!flags.json) process.stderr.write(`${line}\n`);
}

// ── Start and memory ─────────────────────────────────────────────────────────────────────────────────────────────

const dataDir = mkdtempSync(join(tmpdir(), 'tollgate-bench-start-'));
const first = await startServer({ dataDir, byNpm: true });
await first.stop();
const later = await startServer({ dataDir, byNpm: true });
await later.stop();
rmSync(dataDir, { recursive: true });

const server = await startServer();
await sleep(3_000); // what the start has left over is collected
const memory = () => {
  const family = familyOf(server.pid);
  return { serverMiB: memoryMiB([server.pid]), withPostgresMiB: memoryMiB(family) };
};
const memoryAtRest = memory();

// ── Throughput ───────────────────────────────────────────────────────────────────────────────────────────────────

await fillWallets(databaseUrl(server), WORKSPACES);
const nativeUrl = await createNativeDatabase(server, 'native', WORKSPACES);
const nativeMany = () => native({ url: nativeUrl, workspaces: WORKSPACES, seconds });
const nativeHot = () => native({ url: nativeUrl, workspaces: 1, seconds });
const nativeName = `native (${hasPgbench() ? 'pgbench' : 'node-postgres'})`;

const rows: Row[] = [];
rows.push(
  ...(await measure(
    { measure: 'POST /v1/usage, 1000 workspaces', baseline: nativeName, atLeast: 0.6, aim: 1 },
    () => turnOf(server, '/v1/usage', WORKSPACES),
    nativeMany,
  )),
  ...(await measure(
    { measure: 'POST /v1/usage, one workspace', baseline: `${nativeName}, one row`, atLeast: 4, aim: 8 },
    () => turnOf(server, '/v1/usage', 1),
    nativeHot,
  )),
  ...(await measure(
    { measure: 'POST /v1/usage/batch, items', baseline: nativeName, atLeast: 1.5, aim: 3 },
    () => turnOf(server, '/v1/usage/batch', WORKSPACES, BATCH_ITEMS),
    nativeMany,
  )),
);

// Two commits for each pair: what is held is settled by the next request of its connection.
const holdPairs = async (workspaces: number): Promise<Turn> => {
  const { perSecond, cpuMsPerRequest, ...latency } = await turnOf(server, '/v1/holds', workspaces);
  return { ...latency, perSecond: perSecond / 2, cpuMsPerRequest: cpuMsPerRequest * 2 };
};
rows.push(
  ...(await measure(
    { measure: 'holds: pairs of hold and settle', baseline: nativeName, atLeast: 0.35, aim: 0.6 },
    () => holdPairs(WORKSPACES),
    nativeMany,
  )),
  ...(await measure(
    { measure: 'holds: pairs, one workspace', baseline: `${nativeName}, one row`, atLeast: null, aim: null },
    () => holdPairs(1),
    nativeHot,
  )),
);

const ai = 'streamed answer'.includes(flags.only) ? await aiCosts() : null;

const plain = await startHelper('plain.ts', [KEY]);
rows.push(
  ...(await measure(
    { measure: 'POST /v1/check', baseline: 'a route without a database', atLeast: 0.4, aim: 0.7 },
    () => turnOf(server, '/v1/check', WORKSPACES),
    () => run(workOf(plain.port, '/v1/plain', WORKSPACES)).then(perSecond),
  )),
);
plain.stop();

const usual = await startHelper('usual.ts', [nativeUrl, KEY]);
rows.push(
  ...(await measure(
    {
      measure: 'POST /v1/usage, beside the usual way',
      baseline: 'begin, select for update, …',
      atLeast: 3,
      aim: 6,
    },
    () => turnOf(server, '/v1/usage', WORKSPACES),
    () => run(workOf(usual.port, '/v1/usage', WORKSPACES)).then(perSecond),
  )),
);
usual.stop();
const memoryAfterLoad = memory();

// ── Size ─────────────────────────────────────────────────────────────────────────────────────────────────────────

await server.stop();
const SIZE = 'size: 100,000 workspaces, 2 million uses';
if (SIZE.includes(flags.only)) {
  const [full, empty, small] = [await startServer(), await startServer(), await startServer()];
  await fillWallets(databaseUrl(full), MANY_WORKSPACES);
  await fillUsage(databaseUrl(full), MANY_WORKSPACES, MANY_ROWS);
  await fillWallets(databaseUrl(empty), MANY_WORKSPACES);
  await fillWallets(databaseUrl(small), WORKSPACES);
  // As servers that have been up for a while: each has seen all of its workspaces.
  for (const server of [full, empty]) await useEachOnce(server, MANY_WORKSPACES);
  await useEachOnce(small, WORKSPACES);
  const ofFull = () => turnOf(full, '/v1/usage', MANY_WORKSPACES);
  const ofEmpty = () => turnOf(empty, '/v1/usage', MANY_WORKSPACES).then((turn) => turn.perSecond);
  const ofSmall = () => turnOf(small, '/v1/usage', WORKSPACES).then((turn) => turn.perSecond);
  rows.push(
    ...(await measure(
      { measure: SIZE, baseline: 'as many workspaces, no uses', atLeast: 0.85, aim: 0.95 },
      ofFull,
      ofEmpty,
    )),
    ...(await measure(
      { measure: SIZE, baseline: '1000 workspaces, no uses', atLeast: null, aim: null },
      ofFull,
      ofSmall,
    )),
  );
  for (const server of [full, empty, small]) await server.stop();
}

// ── Webhooks ─────────────────────────────────────────────────────────────────────────────────────────────────────

let webhooks: Report['webhooks'] = null;
if ('webhooks'.includes(flags.only)) {
  const measured = await measureWebhooks(turns, note);
  rows.push(...measured.rows);
  webhooks = measured.counts;
}

const report: Report = {
  ...{ rows, ai, webhooks },
  start: { firstMs: first.readyMs, laterMs: later.readyMs },
  memory: { atRest: memoryAtRest, afterLoad: memoryAfterLoad },
};
if (flags.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
else printTable(report);
