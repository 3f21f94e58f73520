import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

/**
 * What Postgres itself can do: 16 connections, the debit as one SQL statement per transaction, on the same tables with
 * the same indexes, foreign keys and checks. By pgbench where the machine has it, which is written in C and takes the
 * least CPU from Postgres; else by node-postgres.
 */
const NATIVE_CONNECTIONS = 16;

type NativeOptions = { url: string; workspaces: number; seconds: number };

export function hasPgbench(): boolean {
  return spawnSync('pgbench', ['--version']).status === 0;
}

/** Debits per second. */
export async function native(options: NativeOptions): Promise<number> {
  return hasPgbench() ? byPgbench(options) : byNode(options);
}

const debit = (workspace: string, id: string) => `
with debit as (
  update "Credit"
  set balance = balance - 1, "totalUsage" = "totalUsage" + 1, "updatedAt" = now()
  where "workspaceId" = ${workspace} and balance >= 1
  returning "workspaceId"
)
insert into "CreditUsage" (id, "workspaceId", "featureCode", amount, description, status)
select ${id}, "workspaceId", 'video.minutes', 1, 'video.minutes', 'SUCCEEDED' from debit`;

function byPgbench({ url, workspaces, seconds }: NativeOptions): number {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-pgbench-'));
  const script = join(folder, 'debit.sql');
  writeFileSync(
    script,
    `\\set w random(0, ${workspaces - 1})\n${debit("'ws_' || :w", 'gen_random_uuid()::text').replaceAll('\n', ' ')};\n`,
  );
  try {
    const clients = ['-c', String(NATIVE_CONNECTIONS), '-j', '2', '-T', String(seconds)];
    const { stdout, stderr } = spawnSync(
      'pgbench',
      ['-n', '-M', 'prepared', ...clients, '-f', script, toLibpq(url)],
      {
        encoding: 'utf8',
      },
    );
    const match = /tps = ([\d.]+)/.exec(stdout);
    if (match === null) throw new Error(`pgbench: ${stderr}`);
    return Number(match[1]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** node-postgres takes the folder of a socket as `?host=`; so does libpq, without a host before it. */
function toLibpq(url: string): string {
  const { username, pathname, searchParams } = new URL(url);
  const host = searchParams.get('host');
  return host === null
    ? url
    : `postgres://${username}@/${pathname.slice(1)}?host=${encodeURIComponent(host)}`;
}

async function byNode({ url, workspaces, seconds }: NativeOptions): Promise<number> {
  const text = debit('$1', 'gen_random_uuid()::text');
  const endsAt = performance.now() + seconds * 1000;
  const counts = await Promise.all(
    Array.from({ length: NATIVE_CONNECTIONS }, async () => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      let count = 0;
      for (; performance.now() < endsAt; count++) {
        await client.query({ name: 'debit', text, values: [`ws_${Math.floor(Math.random() * workspaces)}`] });
      }
      await client.end();
      return count;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0) / seconds;
}
