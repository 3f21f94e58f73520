import { mkdir } from 'node:fs/promises';
import type { Journal, JournalEntry, RefusedEntry } from '../client/journal.ts';
import {
  appendDurably,
  createFile,
  dropName,
  isInPlace,
  layAside,
  newName,
  type OwnFile,
  openRefused,
  readRefused,
  removeFile,
  takeOver,
} from './files.ts';
import { type Line, printLine, readLines } from './lines.ts';

export type FileJournal = Journal & {
  /** Writes what is under way, and lets go of the files. What waits is there for the next one who opens the folder. */
  close(): Promise<void>;
};

/** A file is written anew without what is done, once it has so many lines, four times as many as entries that wait. */
const COMPACT_LINES = 1_000;
const COMPACT_TIMES = 4;

/** Opens a folder as a journal, with what processes that have ended left in it. Any number of processes may share it. */
export async function openFileJournal(folder: string): Promise<FileJournal> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const journal = new FolderJournal(folder);
  await journal.takeOver();
  return journal;
}

class FolderJournal implements FileJournal {
  readonly #folder: string;
  readonly #name = newName();
  readonly #waiting = new Map<string, JournalEntry>();
  /** Made when there is something to write. */
  #file: OwnFile | undefined;
  /** Lines that the next write takes: those that come while one is under way are written together. */
  #lines: Line[] = [];
  #next: Promise<void> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
  }

  get size(): number {
    return this.#waiting.size;
  }

  append(entries: readonly JournalEntry[]): Promise<void> {
    return this.#write(entries.map((use) => ({ use })));
  }

  async waiting(max: number): Promise<JournalEntry[]> {
    return [...this.#waiting.values()].slice(0, max);
  }

  async delivered(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#write(ids.map((done) => ({ done })));
  }

  async refuse(entries: readonly RefusedEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const file = await openRefused(this.#folder, this.#name);
    try {
      await appendDurably(file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    } finally {
      await file.handle.close();
    }
    await this.delivered(entries.map(({ id }) => id));
  }

  /** Whoever wrote it down: one that was refused twice, because its process ended in between, is one. */
  async refused(): Promise<RefusedEntry[]> {
    const entries = (await readRefused(this.#folder)).map((line): RefusedEntry => JSON.parse(line));
    return [...new Map(entries.map((entry) => [entry.id, entry])).values()];
  }

  async takeOver(): Promise<void> {
    for (const { path, text } of await takeOver(this.#folder, this.#name)) {
      const { waiting, isDamaged } = readLines(text);
      if (waiting.length > 0) await this.append(waiting);
      await (isDamaged ? layAside(path) : removeFile(path));
    }
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#file?.handle.close();
    this.#file = undefined;
    dropName(this.#name);
  }

  #write(lines: readonly Line[]): Promise<void> {
    this.#lines.push(...lines);
    if (this.#next === undefined) {
      this.#next = this.#last.then(() => this.#writeNext());
      this.#last = this.#next.catch(() => {}); // told to those who wait for it
    }
    return this.#next;
  }

  async #writeNext(): Promise<void> {
    const lines = this.#lines;
    this.#lines = [];
    this.#next = undefined;
    await this.#put(lines);
    for (const line of lines) {
      if ('use' in line) this.#waiting.set(line.use.id, line.use);
      else this.#waiting.delete(line.done);
    }
    await this.#compact();
  }

  /** On disk, in a file that is in its place afterwards: one that was taken over may have been read before. */
  async #put(lines: readonly Line[]): Promise<void> {
    const text = lines.map(printLine).join('');
    for (;;) {
      this.#file ??= await createFile(this.#folder, this.#name);
      const file = this.#file;
      try {
        await appendDurably(file, text);
        file.lines += lines.length;
        if (await isInPlace(file)) return;
      } catch (error) {
        this.#file = undefined;
        await file.handle.close();
        throw error;
      }
      this.#file = undefined;
      await file.handle.close();
    }
  }

  /** Leaves what is done behind, where that is worth it. */
  async #compact(): Promise<void> {
    const old = this.#file;
    const waiting = [...this.#waiting.values()];
    if (old === undefined) return;
    if (waiting.length > 0 && (old.lines < COMPACT_LINES || old.lines < COMPACT_TIMES * waiting.length))
      return;
    this.#file = undefined;
    try {
      if (waiting.length > 0) await this.#put(waiting.map((use) => ({ use })));
    } catch {
      // On a full disk the old file does as well: everything is in it.
      this.#file = old;
      return;
    }
    await old.handle.close();
    await removeFile(old.path);
  }
}
