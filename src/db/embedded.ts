import { chmod, lstat, mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ConfigError } from '../lib/config.ts';
import { type Binaries, findBinaries } from './binaries.ts';
import { type Cluster, openCluster, ROLE } from './cluster.ts';
import {
  findPostmaster,
  isAlive,
  lastSocketDir,
  PORT,
  type Settings,
  spawnPostmaster,
  stopPostmaster,
} from './postmaster.ts';

/** A Postgres of our own. It outlives us if we are killed; the next start takes it over. */
export type Embedded = {
  /** A private Unix socket, for node-postgres and libpq. It stays the same when Postgres has to be started again. */
  url: string;
  /** The process number of Postgres at this moment. */
  pid(): number;
  /** Stops Postgres, unless another process still uses it. Close your own connections first. */
  stop(): Promise<void>;
};

export type EmbeddedOptions = {
  /** The cluster is its folder `postgres`. */
  dataDir: string;
  /** Gets a line when something happens that an operator should know. */
  log?: (line: string) => void;
  /** Settings of Postgres beyond, or instead of, our own. */
  settings?: Settings;
};

const WATCH_MS = 200; // how long a dead Postgres goes unnoticed
const RETRY_MS = 100;
const RESTART_PAUSE_MS = 1_000; // a restart that fails is tried for ever, without filling the log
const SLOW_START_MS = 5_000; // then the operator hears what is waited for
const OTHERS_GONE_MS = 500; // how long connections that were closed may take to disappear
const SOCKET_PATH_MAX = 100; // the smallest limit of all systems is 104

/** Starts the Postgres of this folder, or joins the one that already serves it. Throws ConfigError. */
export async function startEmbedded({
  dataDir,
  log = () => {},
  settings = {},
}: EmbeddedOptions): Promise<Embedded> {
  const binaries = await findBinaries();
  const cluster = await openCluster(dataDir, binaries);
  const socketDir = await chooseSocketDir(cluster);
  const start = () => ensureRunning(binaries, cluster, socketDir, settings, log);
  let pid = await start().catch(async (error: Error) => {
    await removeSocketDir(socketDir);
    throw error;
  });
  // Another process may have started it meanwhile, with a socket of its own.
  const { socketDir: liveSocketDir } = findPostmaster(cluster) ?? { socketDir };
  if (liveSocketDir !== socketDir) await removeSocketDir(socketDir);
  await createDatabase(liveSocketDir);

  let restarting: Promise<void> | undefined;
  const watch = setInterval(() => {
    if (restarting !== undefined || isAlive(pid, cluster)) return;
    log('Postgres ended unexpectedly; starting it again.');
    restarting = ensureRunning(binaries, cluster, liveSocketDir, settings, log)
      .then((started) => {
        pid = started;
      })
      .catch((error: Error) => {
        log(error.message);
        return sleep(RESTART_PAUSE_MS);
      })
      .finally(() => {
        restarting = undefined;
      });
  }, WATCH_MS).unref();

  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    clearInterval(watch);
    await restarting;
    if (!isAlive(pid, cluster)) return;
    const others = await othersConnected(liveSocketDir).catch((error: Error) => {
      // Not ready: whoever else left at this moment is stopping it already.
      if (findPostmaster(cluster)?.status === 'ready') throw error;
      return false;
    });
    if (others) {
      log(`Postgres (process ${pid}) stays up: another process is connected to it.`);
      return;
    }
    await stopPostmaster(pid, cluster);
    await removeSocketDir(liveSocketDir);
  };
  return {
    url: urlOf(liveSocketDir, ROLE),
    pid: () => pid,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** Returns the number of the process that is Postgres, once it accepts connections. */
async function ensureRunning(
  binaries: Binaries,
  cluster: Cluster,
  socketDir: string,
  settings: Settings,
  log: (line: string) => void,
): Promise<number> {
  const slow = setTimeout(() => {
    log(`Waiting for Postgres, which is starting or repairing its data (see ${cluster.logFile}).`);
  }, SLOW_START_MS).unref();
  try {
    for (;;) {
      const running = findPostmaster(cluster);
      if (running?.status === 'ready') return running.pid;
      if (running === undefined) {
        await makeSocketDir(cluster, socketDir);
        if (await spawnPostmaster(binaries, cluster, socketDir, settings)) continue;
      }
      await sleep(RETRY_MS);
    }
  } finally {
    clearTimeout(slow);
  }
}

/** The folder that the last start used, if it is still there and ours; else a new one. */
async function chooseSocketDir(cluster: Cluster): Promise<string> {
  const last = lastSocketDir(cluster);
  if (last !== undefined && (await isPrivate(last, cluster))) return last;
  const name = 'tollgate-';
  const socketLength = `/${name}XXXXXX/.s.PGSQL.${PORT}`.length;
  const base = tmpdir().length + socketLength < SOCKET_PATH_MAX ? tmpdir() : '/tmp';
  const folder = await mkdtemp(join(base, name)).catch((error: Error) => {
    throw new ConfigError(`No folder could be made for the socket of Postgres: ${error.message}`);
  });
  cluster.account.own(folder);
  return folder;
}

async function makeSocketDir(cluster: Cluster, socketDir: string): Promise<void> {
  await mkdir(socketDir, { mode: 0o700 }).then(
    async () => {
      await chmod(socketDir, 0o700);
      cluster.account.own(socketDir);
    },
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    },
  );
  // Whoever owns the folder decides who we would talk to.
  if (!(await isPrivate(socketDir, cluster))) throw new Error(`${socketDir} belongs to somebody else`);
}

async function isPrivate(folder: string, cluster: Cluster): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === cluster.account.uid && (found.mode & 0o077) === 0;
}

/** Leaves the folder where another process has put a new socket into it. */
async function removeSocketDir(folder: string): Promise<void> {
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT') throw error;
  });
}

function urlOf(socketDir: string, database: string): string {
  // Everything is spelled out, so that PGHOST, PGPORT, PGUSER and PGSSLMODE of our environment change nothing.
  const query = new URLSearchParams({ host: socketDir, port: String(PORT), user: ROLE, sslmode: 'disable' });
  return `postgres:///${database}?${query}`;
}

async function createDatabase(socketDir: string): Promise<void> {
  await withClient(urlOf(socketDir, 'postgres'), async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [ROLE]);
    if (rowCount !== 0) return;
    await client.query(`create database ${ROLE}`).catch((error: pg.DatabaseError) => {
      // Two first starts at once: duplicate_database, or the unique index on its name.
      if (error.code !== '42P04' && error.code !== '23505') throw error;
    });
  });
}

const STOPPING = 'tollgate stop'; // two processes that stop at once do not wait for one another

async function othersConnected(socketDir: string): Promise<boolean> {
  const url = `${urlOf(socketDir, 'postgres')}&application_name=${encodeURIComponent(STOPPING)}`;
  return withClient(url, async (client) => {
    for (const until = Date.now() + OTHERS_GONE_MS; ; await sleep(RETRY_MS)) {
      const { rowCount } = await client.query(
        `select
        from pg_stat_activity
        where backend_type = 'client backend' and application_name <> $1`,
        [STOPPING],
      );
      if (rowCount === 0) return false;
      if (Date.now() >= until) return true;
    }
  });
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {}); // the query that was running is rejected with it
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
