import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { migrate } from '../src/db/migrate.ts';
import { openPool } from '../src/db/pool.ts';
import { endWithUs } from '../test/server.ts';
import type { LoadResult } from './load.ts';
import type { Work } from './load-worker.ts';

/** The real server as a user starts it, on a data folder of its own. */
export type Server = {
  port: number;
  key: string;
  pid: number;
  dataDir: string;
  readyMs: number;
  stop(): Promise<void>;
};

export const KEY = 'tg_sk_bench_0123456789abcdef';

const READY_MAX_MS = 60_000;

/** Starts the server and waits until it is ready. Without a data folder it gets a new one, removed at its end. */
export async function startServer({
  dataDir,
  byNpm = false,
  env = {},
}: {
  dataDir?: string;
  byNpm?: boolean;
  env?: Record<string, string>;
} = {}): Promise<Server> {
  const folder = dataDir ?? mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
  const port = await freePort();
  const startedAt = performance.now();
  const [command, args] = byNpm ? ['npm', ['start']] : [process.execPath, ['src/main.ts', 'serve']];
  const child = spawn(command, args, {
    env: { ...process.env, PORT: String(port), DATA_DIR: folder, TOLLGATE_SECRET_KEY: KEY, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: byNpm,
  });
  // npm passes no signal on; its group is the server.
  const end = () => (byNpm ? process.kill(-child.pid!, 'SIGTERM') : child.kill('SIGTERM'));
  endWithUs(child, end);
  await untilReady(port, child);
  const readyMs = performance.now() - startedAt;
  return {
    port,
    key: KEY,
    pid: child.pid!,
    dataDir: folder,
    readyMs,
    async stop() {
      end();
      if (child.exitCode === null) await once(child, 'exit');
      // npm does not wait for the server; Postgres is the last to go.
      while (existsSync(join(folder, 'postgres', 'postmaster.pid'))) await sleep(20);
      if (dataDir === undefined) rmSync(folder, { recursive: true });
    },
  };
}

async function untilReady(port: number, child: ChildProcess): Promise<void> {
  for (const endsAt = performance.now() + READY_MAX_MS; performance.now() < endsAt; await sleep(5)) {
    if (child.exitCode !== null) throw new Error('the server did not start');
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
  }
  throw new Error('the server was not ready in time');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** A helper server of the bench, in a process of its own; its first line is its port. */
export async function startHelper(file: string, args: string[]): Promise<{ port: number; stop(): void }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, file), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endWithUs(child);
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${file} ended before it listened`);
  });
  const [line] = await Promise.race([once(child.stdout, 'data'), ended]);
  return { port: Number(String(line)), stop: () => void child.kill() };
}

/** Puts load on a server from a process of its own. */
export async function run(work: Work): Promise<LoadResult> {
  return runLoad('load-worker.ts', work);
}

/** Runs a worker that puts load on a server, all of which must be served. */
export async function runLoad<R extends LoadResult>(file: string, work: object): Promise<R> {
  const result = await runWorker<R>(file, work);
  if (Object.keys(result.refused).length > 0) throw new Error(`refused: ${JSON.stringify(result.refused)}`);
  return result;
}

/** Runs a worker of the bench with its work, and resolves to its result. */
export async function runWorker<R>(file: string, work: object): Promise<R> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(import.meta.dirname, file),
    JSON.stringify(work),
  ]);
  return JSON.parse(stdout);
}

const ITEMS_MAX = 1000; // of one batch

/** Uses something in each of the workspaces ws_0 … once: the server has then seen them all. */
export async function useEachOnce({ port, key }: Server, workspaces: number): Promise<void> {
  for (let from = 0; from < workspaces; from += ITEMS_MAX) {
    const items = Array.from({ length: Math.min(ITEMS_MAX, workspaces - from) }, (_, index) => ({
      workspaceId: `ws_${from + index}`,
      featureCode: 'video.minutes',
      amount: 1,
      idempotencyKey: `seen-${from + index}`,
    }));
    const answer = await fetch(`http://127.0.0.1:${port}/v1/usage/batch`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ items }),
    });
    const { results } = (await answer.json()) as { results?: { ok: boolean }[] };
    if (!results?.every(({ ok }) => ok)) throw new Error(`uses were refused: ${answer.status}`);
  }
}

/** The address of a database in the Postgres that a server has started. */
export function databaseUrl({ dataDir }: Server, name = 'tollgate'): string {
  const socketDir = readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[4]!;
  return `postgres://tollgate@localhost/${name}?host=${encodeURIComponent(socketDir)}`;
}

/** A database beside the server's own, with the same tables and as many full wallets. */
export async function createNativeDatabase(
  server: Server,
  name: string,
  workspaces: number,
): Promise<string> {
  await query(databaseUrl(server), `create database ${name}`);
  const url = databaseUrl(server, name);
  const pool = openPool(url, { max: 1, name: 'bench' });
  await migrate(pool);
  await pool.end();
  await fillWallets(url, workspaces);
  return url;
}

/** Workspaces ws_0 …, each with a billion credits that a decision has granted: the audit agrees with them. */
export async function fillWallets(url: string, workspaces: number): Promise<void> {
  await query(
    url,
    `insert into "Workspace" (id, name, "createdAt") select 'ws_' || i, 'Bench', now() from generate_series(0, ${workspaces - 1}) i;
     insert into "Credit" (id, "workspaceId", balance, total, version)
       select 'cr_' || i, 'ws_' || i, 1000000000, 1000000000, 1 from generate_series(0, ${workspaces - 1}) i;
     insert into "CreditGrant" (id, "workspaceId", type, amount, remaining, description)
       select 'op_0grant' || i, 'ws_' || i, 'PROMOTION', 1000000000, 1000000000, 'Bench' from generate_series(0, ${workspaces - 1}) i;
     insert into "Decision" (id, "workspaceId", operation, amount, plan, "catalogVersion", reasons)
       select 'op_0grant' || i, 'ws_' || i, 'GRANT', 1000000000, 'FREE', coalesce((select version from "CatalogVersion" limit 1), 'none'),
         '{"balance": 1000000000, "description": "Bench", "grant": {"type": "PROMOTION", "priority": 50, "expiresAt": null}}'
       from generate_series(0, ${workspaces - 1}) i`,
  );
  await query(url, 'vacuum analyze');
}

/** Uses that were made before, spread over the workspaces: rows as the engine writes them. */
export async function fillUsage(url: string, workspaces: number, rows: number): Promise<void> {
  const each = rows / workspaces;
  await query(
    url,
    `insert into "CreditUsage" (id, "workspaceId", "featureCode", amount, description, status, "createdAt")
       select 'op_1use' || i, 'ws_' || i % ${workspaces}, 'video.minutes', 0.5, 'video.minutes', 'SUCCEEDED', now() - interval '1 day'
       from generate_series(0, ${rows - 1}) i;
     insert into "Decision" (id, "workspaceId", operation, "featureCode", amount, "fromCredits", "creditCost", plan, "catalogVersion", reasons, "createdAt")
       select 'op_1use' || i, 'ws_' || i % ${workspaces}, 'USE', 'video.minutes', 1, 1, 0.5, 'FREE', (select version from "CatalogVersion" limit 1),
         jsonb_build_object('balance', 1000000000 - 0.5 * (i / ${workspaces} + 1), 'creditsPerUnit', 0.5,
           'allowance', '{"limit": 0, "used": 0, "remaining": 0, "resetsAt": null}'::jsonb,
           'sources', jsonb_build_array(jsonb_build_object('grantId', 'op_0grant' || i % ${workspaces}, 'amount', 0.5))),
         now() - interval '1 day'
       from generate_series(0, ${rows - 1}) i;
     update "Credit" set balance = balance - ${each * 0.5}, "totalUsage" = ${each * 0.5}, version = version + ${each};
     update "CreditGrant" set remaining = remaining - ${each * 0.5}`,
  );
  await query(url, 'vacuum analyze');
  await query(url, 'checkpoint');
}

export async function query(url: string, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(text);
  } finally {
    await client.end();
  }
}
