import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from './client.ts';
import { removeNow } from './database.ts';

// What is started here is ended when this process exits: a signal, such as that of Ctrl-C, is an exit, too.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const ROOT = join(import.meta.dirname, '..');

export const SECRET_KEY = 'tg_sk_for_the_tests_of_tollgate';

/** A catalog with a feature for each question that the tests ask. */
export const TEST_CATALOG = join(import.meta.dirname, 'fixtures', 'http.config.ts');

/** A real server process: `node src/main.ts serve`. */
export type TestServer = Client & {
  url: string;
  pid: number;
  /** What it has written so far. */
  output(): string;
  errors(): string;
  /** Its exit code; null where a signal ended it. */
  ended: Promise<number | null>;
  /** Asks it to end, and resolves to its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
};

export type ServerSettings = {
  /** A Postgres to use, or the folder of an embedded one. */
  databaseUrl?: string;
  dataDir?: string;
  /** Further variables; undefined takes one away. */
  env?: Record<string, string | undefined>;
};

/** Starts a server on a free port and waits until it is ready. */
export async function startServer(settings: ServerSettings): Promise<TestServer> {
  const { child, output, errors, ended } = launch(settings);
  let address: string | undefined;
  while (address === undefined) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`the server ended with ${child.exitCode ?? child.signalCode}: ${errors()}${output()}`);
    }
    address = /ready at (http:\S+)/.exec(output())?.[1];
    await sleep(POLL_MS);
  }
  const client = createClient(address, settings.env?.TOLLGATE_SECRET_KEY ?? SECRET_KEY);
  while ((await client.get('/readyz')).status !== 200) await sleep(POLL_MS);
  return {
    ...client,
    url: address,
    pid: child.pid!,
    output,
    errors,
    ended,
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}

/** How a process ended, and what it wrote. */
export type Ended = { code: number | null; output: string; errors: string };

/** Starts a server that is expected to end by itself. */
export const runServer = (settings: ServerSettings): Promise<Ended> => endOf(launch(settings));

/** Runs `tollgate …` as a process of its own, with the tests' catalog. */
export const runCommand = (args: string[], env: Record<string, string | undefined> = {}): Promise<Ended> =>
  endOf(launchCommand(args, { TOLLGATE_CONFIG: TEST_CATALOG, ...env }));

async function endOf({ ended, output, errors }: ReturnType<typeof launchCommand>): Promise<Ended> {
  return { code: await ended, output: output(), errors: errors() };
}

const POLL_MS = 10;

function launch({ databaseUrl, dataDir, env = {} }: ServerSettings) {
  return launchCommand(['serve'], {
    ...{ PORT: '0', TOLLGATE_CONFIG: TEST_CATALOG, TOLLGATE_SECRET_KEY: SECRET_KEY },
    ...{ DATABASE_URL: databaseUrl, DATA_DIR: dataDir },
    ...env,
  });
}

/** A process of `tollgate`, which ends with this one. */
export const launchCommand = (args: string[], env?: Record<string, string | undefined>) =>
  launchProgram('src/main.ts', args, env);

/** A process of a program of this project, which ends with this one. */
export function launchProgram(
  path: string,
  args: string[],
  env: Record<string, string | undefined> = {},
  flags: string[] = [],
) {
  const { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE } = process.env;
  const given = Object.entries({ PATH, HOME, TMPDIR, NODE_COMPILE_CACHE, ...env }).filter(
    ([, value]) => value !== undefined,
  );
  const child = spawn(process.execPath, [...flags, join(ROOT, path), ...args], {
    cwd: ROOT,
    env: Object.fromEntries(given) as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  endWithUs(child);
  const output = collect(child.stdout);
  const errors = collect(child.stderr);
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, output, errors, ended };
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.on('data', (chunk) => {
    text += chunk;
  });
  return () => text;
}

/** What fails half-way leaves no process behind. */
export function endWithUs(child: ChildProcess, end: () => void = () => void child.kill('SIGKILL')): void {
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
}

/** A folder for an embedded Postgres, which goes away with it. */
export type DataDir = {
  path: string;
  /** The process of its Postgres, if its file names one. */
  postgresPid(): number | undefined;
  /** Where its Postgres can be asked, while it runs. */
  databaseUrl(): string;
  remove(): void;
};

export function makeDataDir(): DataDir {
  const path = mkdtempSync(join(tmpdir(), 'tollgate-http-'));
  const pidFile = () => {
    try {
      return readFileSync(join(path, 'postgres', 'postmaster.pid'), 'utf8').split('\n');
    } catch {
      return []; // it has been stopped, or was never started
    }
  };
  const postgresPid = () => Number(pidFile()[0] ?? 0) || undefined;
  const databaseUrl = () =>
    `postgres:///tollgate?${new URLSearchParams({ host: pidFile()[4]!, port: '5432', user: 'tollgate' })}`;
  const remove = () => {
    const [pid, , , , socketDir] = pidFile();
    if (pid !== undefined && isAlive(Number(pid))) process.kill(Number(pid), 'SIGQUIT');
    if (socketDir) removeNow(socketDir);
    removeNow(path);
    process.off('exit', remove);
  };
  process.once('exit', remove);
  return { path, postgresPid, databaseUrl, remove };
}

/** Whether a process runs; one that has ended and that nobody has waited for does not. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    if (process.platform === 'linux') return false;
  }
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
