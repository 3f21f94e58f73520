import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '../lib/config.ts';
import type { Binaries } from './binaries.ts';
import { type Cluster, environment } from './cluster.ts';

/** The process that is Postgres, as the cluster's postmaster.pid tells. */
export type Postmaster = { pid: number; socketDir: string; status: string };

export const PORT = 5432; // only a part of the socket's name

/** The settings of every start. The first are the promise that what was answered is on disk. */
const SETTINGS = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '100',
  // Enough for the rows that are written again and again; the system's cache holds the rest.
  shared_buffers: '256MB',
  // Checkpoints write every page of the write-ahead log anew: few of them, spread out, and compressed.
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  wal_compression: 'off',
  // Reads are short and cached: workers for them would only cost memory.
  io_method: 'sync',
  random_page_cost: '1.1',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Errors of statements go to who sent them; the log is for what happens to Postgres itself.
  log_min_messages: 'log',
  log_checkpoints: 'off',
};

export type Settings = Record<string, string>;

const POLL_MS = 10; // a start takes some tens of milliseconds
const LOG_BYTES_MAX = 8 * 1024 * 1024; // months of starts and stops

/** The live Postgres of this cluster, if there is one. */
export function findPostmaster(cluster: Cluster): Postmaster | undefined {
  const found = readPidFile(cluster);
  return found !== undefined && isAlive(found.pid, cluster) ? found : undefined;
}

/** Where the last Postgres of this cluster, alive or dead, had its socket. */
export function lastSocketDir(cluster: Cluster): string | undefined {
  return readPidFile(cluster)?.socketDir;
}

/** Whether this process runs and is the Postgres of this cluster: numbers of processes are used again. */
export function isAlive(pid: number, cluster: Cluster): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  if (process.platform !== 'linux') return true;
  try {
    // Empty for a process that has ended and that nobody has waited for.
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(cluster.folder);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}

/**
 * Starts Postgres and waits until it accepts connections; true if it does, or if another process's start was
 * faster. False where it is worth trying again. Throws ConfigError with the reason that Postgres gave.
 */
export async function spawnPostmaster(
  binaries: Binaries,
  cluster: Cluster,
  socketDir: string,
  settings: Settings,
): Promise<boolean> {
  removeStalePidFile(cluster);
  const log = openLog(cluster.logFile);
  const flags = Object.entries({ ...SETTINGS, ...settings, unix_socket_directories: socketDir });
  const { file, args, ...user } = cluster.account.command(binaries.postgres, [
    ...['-D', cluster.folder, '-p', String(PORT)],
    ...flags.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]);
  const child = spawn(file, args, {
    // A session of its own: Ctrl-C in the terminal reaches us alone, and we stop Postgres when requests have ended.
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: environment(),
    ...user,
  });
  closeSync(log.fd);
  child.unref();
  let ended: (() => string) | undefined;
  child.once('error', (error) => {
    ended = () => error.message;
  });
  // Read by whoever waits for the start alone: later, the folder may go together with its Postgres.
  child.once('exit', () => {
    ended ??= () => lastWords(cluster.logFile, log.size);
  });
  while (ended === undefined) {
    if (findPostmaster(cluster)?.status === 'ready') return true;
    await sleep(POLL_MS);
  }
  if (findPostmaster(cluster) !== undefined) return true;
  // A Postgres that was killed leaves processes behind for an instant, and two starts can meet at the lock files.
  const why = ended();
  if (/shared memory block|lock file/.test(why)) return false;
  throw new ConfigError(`Postgres did not start: ${why} (see ${cluster.logFile})`);
}

/** Asks Postgres to end, sessions and all, and waits for it. */
export async function stopPostmaster(pid: number, cluster: Cluster): Promise<void> {
  if (!isAlive(pid, cluster)) return;
  process.kill(pid, 'SIGINT');
  while (isAlive(pid, cluster)) await sleep(POLL_MS);
}

function readPidFile(cluster: Cluster): Postmaster | undefined {
  try {
    // Lines: pid, folder, start time, port, socket folder, address, shared memory, status.
    const lines = readFileSync(join(cluster.folder, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
    return { pid, socketDir: lines[4] ?? '', status: lines[7]?.trim() ?? '' };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Postgres refuses to start while the number in its old file is that of any live process. */
function removeStalePidFile(cluster: Cluster): void {
  const found = readPidFile(cluster);
  if (found === undefined || isAlive(found.pid, cluster)) return;
  try {
    process.kill(found.pid, 0);
  } catch {
    return; // Postgres itself sees that this one is dead, and looks for processes it left behind.
  }
  unlinkSync(join(cluster.folder, 'postmaster.pid'));
}

function openLog(path: string): { fd: number; size: number } {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= LOG_BYTES_MAX) return { fd: openSync(path, 'a', 0o600), size };
  closeSync(openSync(path, 'w'));
  return { fd: openSync(path, 'a'), size: 0 };
}

function lastWords(logFile: string, from: number): string {
  const lines = readFileSync(logFile).subarray(from).toString().trim().split('\n');
  const fatal = lines.findLast((line) => /FATAL|PANIC|error/.test(line)) ?? lines.at(-1) ?? '';
  return fatal.replace(/^.*?(FATAL|PANIC):\s*/, '') || 'it gave no reason';
}
