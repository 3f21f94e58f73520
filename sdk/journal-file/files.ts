import { randomUUID } from 'node:crypto';
import { type FileHandle, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** A file that one process appends to: its name says which, so that others know whether it still runs. */
export type OwnFile = { path: string; handle: FileHandle; lines: number };

const EXTENSION = '.jsonl';
const REFUSED = '.refused';
const DAMAGED = '.damaged';

/** Names of this process that are in use: it may have several journals in one folder. */
const names = new Set<string>();

/** A name for the files of one journal of this process. */
export function newName(): string {
  const name = `${hostname().replaceAll(/[^\w-]/g, '_')}.${process.pid}.${randomUUID()}`;
  names.add(name);
  return name;
}

export function dropName(name: string): void {
  names.delete(name);
}

let count = 0;

/** A new file for the lines of this journal; it is there, even after a loss of power, once this resolves. */
export async function createFile(folder: string, name: string): Promise<OwnFile> {
  const path = join(folder, `${name}.${count++}${EXTENSION}`);
  const handle = await open(path, 'ax');
  await syncFolder(folder);
  return { path, handle, lines: 0 };
}

/** Appends, and resolves once it is on disk. What was written in part only is taken back. */
export async function appendDurably({ handle }: OwnFile, text: string): Promise<void> {
  const { size } = await handle.stat();
  try {
    await handle.appendFile(text);
    await handle.sync();
  } catch (error) {
    await handle.truncate(size).catch(() => {}); // the error that is told says it all
    throw error;
  }
}

/** Whether a file is still where it was made: another process may have taken it over, and read it before now. */
export async function isInPlace({ path, handle }: OwnFile): Promise<boolean> {
  const [own, there] = await Promise.all([handle.stat(), stat(path).catch(unlessMissing)]);
  return there !== undefined && own.ino === there.ino && own.dev === there.dev;
}

export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch(unlessMissing);
}

/**
 * Takes over the files of journals whose process does not seem to run any more. To be wrong about that does no harm: who
 * finds that its file has been moved writes to a new one.
 */
export async function takeOver(folder: string, name: string): Promise<{ path: string; text: string }[]> {
  const taken: { path: string; text: string }[] = [];
  for (const file of await readdir(folder)) {
    if (!file.endsWith(EXTENSION) || belongsToTheLiving(file)) continue;
    // Under our name: if we die before it is read, it is the next one's.
    const path = join(folder, `${name}.taken-${count++}${EXTENSION}`);
    await rename(join(folder, file), path).catch(unlessMissing);
    // Missing, it has gone to somebody who was faster, and who reads it.
    const text = await readFile(path, 'utf8').catch(unlessMissing);
    if (text !== undefined) taken.push({ path, text });
  }
  return taken;
}

function belongsToTheLiving(file: string): boolean {
  const [host, pid, id] = file.split('.');
  if (host !== hostname().replaceAll(/[^\w-]/g, '_')) return false;
  return Number(pid) === process.pid ? names.has(`${host}.${pid}.${id}`) : isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Lays a file aside whose lines cannot all be read, for somebody to look at. */
export async function layAside(path: string): Promise<void> {
  await rename(path, path.replace(EXTENSION, DAMAGED)).catch(unlessMissing);
}

/** The file of what was refused; it is only ever appended to. */
export async function openRefused(folder: string, name: string): Promise<OwnFile> {
  const path = join(folder, `${name}${REFUSED}`);
  const handle = await open(path, 'a');
  await syncFolder(folder);
  return { path, handle, lines: 0 };
}

/** The whole lines of all files of what was refused. */
export async function readRefused(folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(REFUSED)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return texts.flatMap((text) => text.split('\n').slice(0, -1));
}

/** A name is in its folder for good once the folder is on disk. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // where folders cannot be opened
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
