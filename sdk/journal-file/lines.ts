import type { JournalEntry } from '../client/journal.ts';

/** One line of a journal's file: an entry that waits, or the id of one that no longer does. */
export type Line = { use: JournalEntry } | { done: string };

export function printLine(line: Line): string {
  return `${JSON.stringify(line)}\n`;
}

/** What a file says: entries that wait, and whether it has lines that cannot be read. */
export type Read = { waiting: JournalEntry[]; isDamaged: boolean };

/** A last line that was cut off was never acknowledged, and counts for nothing. */
export function readLines(text: string): Read {
  const waiting = new Map<string, JournalEntry>();
  let isDamaged = false;
  for (const whole of text.split('\n').slice(0, -1)) {
    const line = parseLine(whole);
    if (line === undefined) isDamaged = true;
    else if ('use' in line) waiting.set(line.use.id, line.use);
    else waiting.delete(line.done);
  }
  return { waiting: [...waiting.values()], isDamaged };
}

function parseLine(text: string): Line | undefined {
  try {
    const line = JSON.parse(text);
    const isLine = typeof line.done === 'string' || isEntry(line.use);
    return isLine ? line : undefined;
  } catch {
    return undefined;
  }
}

function isEntry(value: Partial<JournalEntry> | undefined): boolean {
  const { id, address, idempotencyKey, input } = value ?? {};
  return [id, address, idempotencyKey].every((text) => typeof text === 'string') && typeof input === 'object';
}
