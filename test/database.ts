import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { startEmbedded } from '../src/db/embedded.ts';
import { migrate } from '../src/db/migrate.ts';
import { type Db, kysely, openPool } from '../src/db/pool.ts';

/** A migrated, empty database of one test file. */
export type TestDatabase = { url: string; pool: pg.Pool; db: Db; drop(): Promise<void> };

/** Makes a database. `after(() => database.drop())` belongs to it: its open connections keep the process alive. */
export async function testDatabase(): Promise<TestDatabase> {
  const cluster = process.env.TOLLGATE_TEST_DATABASE ?? (await ownCluster());
  const name = `test_${randomBytes(8).toString('hex')}`;
  // Copying the files takes 30 ms; through the write-ahead log, which is the default, it is 200.
  await administer(cluster, `create database ${name} template ${TEMPLATE} strategy file_copy`);
  const url = urlOf(cluster, name);
  const pool = openPool(url, { max: 10, name: 'test' });
  return {
    url,
    pool,
    db: kysely(pool),
    async drop() {
      if (!pool.ended) await pool.end();
      await administer(cluster, `drop database if exists ${name} with (force)`);
    },
  };
}

const TEMPLATE = 'template_tollgate';

/** Starts a Postgres for this run of tests, with a migrated template in it. It goes away with this process. */
export async function startTestCluster(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tollgate-test-'));
  process.once('exit', () => dispose(dataDir));
  await chmod(dataDir, 0o755); // run by root, Postgres is another user, who has to get to its folder in here
  // Here alone nothing has to outlive the machine. A commit still leaves the process of Postgres before it is
  // answered, so tests that kill that process see what they would see with fsync.
  // Several test files run at once, some of them with several servers.
  const settings = { fsync: 'off', full_page_writes: 'off', max_connections: '400' };
  const { url } = await startEmbedded({ dataDir, settings });
  await administer(url, `create database ${TEMPLATE}`);
  const pool = openPool(urlOf(url, TEMPLATE), { max: 1, name: 'test' });
  try {
    await migrate(pool);
  } finally {
    await pool.end();
  }
  await administer(url, `alter database ${TEMPLATE} is_template true allow_connections false`);
  return url;
}

/** Ends the cluster at once, whoever is connected, and removes all of it. */
function dispose(dataDir: string): void {
  const pidFile = join(dataDir, 'postgres', 'postmaster.pid');
  if (existsSync(pidFile)) {
    const [pid, , , , socketDir] = readFileSync(pidFile, 'utf8').split('\n');
    try {
      process.kill(Number(pid), 'SIGQUIT');
    } catch {} // it has ended already
    if (socketDir) removeNow(socketDir);
  }
  removeNow(dataDir);
}

let own: Promise<string> | undefined;

/** For a test file that is run by hand, without `npm test`. */
function ownCluster(): Promise<string> {
  if (own === undefined) {
    process.once('SIGINT', () => process.exit(130));
    process.once('SIGTERM', () => process.exit(143));
    own = startTestCluster();
  }
  return own;
}

/** Until nothing is left: Postgres removes files of its own while it ends, which makes a removal give up half-way. */
export function removeNow(folder: string): void {
  for (const until = Date.now() + REMOVE_MS; existsSync(folder) && Date.now() < until; ) {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 20 });
  }
}

const REMOVE_MS = 5_000; // Postgres ends in some 10 ms

async function administer(cluster: string, statement: string): Promise<void> {
  const pool = openPool(cluster, { max: 1, name: 'test' });
  try {
    await pool.query(statement);
  } finally {
    await pool.end();
  }
}

function urlOf(cluster: string, database: string): string {
  const url = new URL(cluster);
  url.pathname = `/${database}`;
  return url.href;
}
