import { spawnSync } from 'node:child_process';
import { chownSync, lchownSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigError } from '../lib/config.ts';
import type { Binaries } from './binaries.ts';

/** How to start a program of Postgres: as ourselves or, because Postgres refuses to run as root, as another user. */
export type Account = {
  uid: number;
  command(file: string, args: string[]): { file: string; args: string[]; uid?: number; gid?: number };
  /** Makes a file or folder that we have created that user's own. */
  own(path: string): void;
};

/** Chooses the account for the cluster in this folder, which need not exist yet. Throws ConfigError. */
export function chooseAccount(binaries: Binaries, cluster: string): Account {
  const uid = process.getuid!();
  const owner = statSync(cluster, { throwIfNoEntry: false });
  if (uid !== 0) {
    if (owner !== undefined && owner.uid !== uid) {
      throw new ConfigError(`${cluster} belongs to another user: start as that user, or set DATA_DIR.`);
    }
    return { uid, command: (file, args) => ({ file, args }), own: () => {} };
  }

  const { uid: to, gid } = owner !== undefined && owner.uid !== 0 ? owner : unprivileged();
  // A cluster that root copied here.
  if (owner?.uid === 0) ownAll(cluster, to, gid);
  const own = (path: string): void => chownSync(path, to, gid);
  const needed = [binaries.postgres, join(binaries.native, 'lib'), join(binaries.native, 'share'), cluster];
  if (needed.every((path) => reachable(path, to, gid))) {
    return { uid: to, command: (file, args) => ({ file, args, uid: to, gid }), own };
  }
  return { uid: to, command: passThrough(binaries, to, gid), own };
}

function unprivileged(): { uid: number; gid: number } {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(':');
    if (fields !== undefined) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new ConfigError(
    'Postgres does not run as root, and there is no user "postgres" or "nobody": start as another user, or set DATABASE_URL.',
  );
}

/** Whether this user may read and enter the path, if it exists, and pass every folder above it. */
function reachable(path: string, uid: number, gid: number): boolean {
  const allows = (place: string, bits: number): boolean => {
    const found = statSync(place, { throwIfNoEntry: false });
    if (found === undefined) return true;
    const mode = found.uid === uid ? found.mode >> 6 : found.gid === gid ? found.mode >> 3 : found.mode;
    return (mode & bits) === bits;
  };
  if (!allows(path, 0o5)) return false;
  for (let above = dirname(path); ; above = dirname(above)) {
    if (!allows(above, 0o1)) return false;
    if (above === dirname(above)) return true;
  }
}

/**
 * Below a folder that only root may enter (/root/…), Postgres as another user finds neither its programs nor its
 * data. It then keeps the one privilege of passing files' permissions; without the secure bit, access(2), which
 * initdb asks about its own programs, would leave that out of account.
 */
function passThrough(binaries: Binaries, uid: number, gid: number): Account['command'] {
  const capability = '-all,+dac_override';
  const prefix = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--securebits=+no_setuid_fixup'];
  prefix.push(`--inh-caps=${capability}`, `--ambient-caps=${capability}`, '--');
  const tried = spawnSync('setpriv', [...prefix, binaries.postgres, '--version'], { stdio: 'ignore' });
  if (tried.status !== 0) {
    throw new ConfigError(
      `Postgres does not run as root, and other users cannot enter the folder of Tollgate or of its data: move both to where everybody may enter, install setpriv (util-linux), or set DATABASE_URL.`,
    );
  }
  return (file, args) => ({ file: 'setpriv', args: [...prefix, file, ...args] });
}

function ownAll(folder: string, uid: number, gid: number): void {
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    lchownSync(join(folder, entry), uid, gid);
  }
  lchownSync(folder, uid, gid);
}
