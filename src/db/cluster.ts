import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, constants, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ConfigError } from '../lib/config.ts';
import { type Account, chooseAccount } from './account.ts';
import type { Binaries } from './binaries.ts';

/** The files of an embedded Postgres, and the account that owns them. */
export type Cluster = { folder: string; logFile: string; account: Account };

/** The role and the database that Tollgate uses in its own cluster. */
export const ROLE = 'tollgate';

/** Finds the cluster in `<dataDir>/postgres`, or makes it. Throws ConfigError where the folder cannot be used. */
export async function openCluster(dataDir: string, binaries: Binaries): Promise<Cluster> {
  try {
    // Not recursive where the folder above is there: below /proc, Node would try for ever.
    await mkdir(dataDir, { recursive: !existsSync(dirname(dataDir)) }).catch(unlessThere);
    await access(dataDir, constants.W_OK | constants.X_OK);
    // One name for one folder: a running Postgres is recognised by it.
    dataDir = await realpath(dataDir);
  } catch (error) {
    throw new ConfigError(
      `The data folder cannot be written (${(error as Error).message}): set DATA_DIR to another.`,
    );
  }
  const folder = join(dataDir, 'postgres');
  const account = chooseAccount(binaries, folder);
  if (!(await isCluster(folder, binaries))) await initialise(dataDir, folder, binaries, account);
  return { folder, logFile: join(dataDir, 'postgres.log'), account };
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

async function isCluster(folder: string, binaries: Binaries): Promise<boolean> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [] as string[];
    throw new ConfigError(`The data folder cannot be read (${error.message}): set DATA_DIR to another.`);
  });
  if (entries.length === 0) return false;
  if (!entries.includes('PG_VERSION')) {
    throw new ConfigError(
      `${folder} holds something else than Postgres data: set DATA_DIR to another folder.`,
    );
  }
  const version = (await readFile(join(folder, 'PG_VERSION'), 'utf8')).trim();
  if (version !== String(binaries.major)) {
    throw new ConfigError(
      `${folder} holds data of Postgres ${version}, and this is Postgres ${binaries.major}: copy it over with pg_dump and pg_restore, or set DATA_DIR to another folder.`,
    );
  }
  return true;
}

/** Makes the cluster beside its place and moves it there whole: a start that was cut off leaves no half of one. */
async function initialise(
  dataDir: string,
  folder: string,
  binaries: Binaries,
  account: Account,
): Promise<void> {
  const draft = await mkdtemp(`${folder}.new-`);
  try {
    account.own(draft);
    // Only who gets through the private folder of its socket reaches this Postgres, so no password is needed.
    const flags = [`--pgdata=${draft}`, `--username=${ROLE}`, '--auth=trust', '--encoding=UTF8'];
    const { file, args, ...user } = account.command(binaries.initdb, [...flags, '--no-locale']);
    await promisify(execFile)(file, args, { env: environment(), ...user });
    await rename(draft, folder);
  } catch (error) {
    // Another process was faster: its cluster is the one.
    if (['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
    const { stderr, message } = error as { stderr?: string; message: string };
    const reason = stderr?.split('\n').find((line) => line.includes('error:')) ?? message;
    throw new ConfigError(`Postgres could not make its data folder in ${dataDir}: ${reason}`);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** What the programs of Postgres get to see of our environment: no secrets, and nothing that would steer them. */
export function environment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'LD_LIBRARY_PATH', 'TMPDIR'].map((name) => [name, process.env[name]]);
  return { ...Object.fromEntries(kept.filter(([, value]) => value !== undefined)), LC_ALL: 'C', TZ: 'UTC' };
}
