import type { Address, Input } from './call.ts';

/** What may be written down to be delivered later. */
export type JournaledAddress = Extract<
  Address,
  'POST /v1/usage' | 'POST /v1/ai/usage' | 'POST /v1/holds/{id}/settle'
>;

/** A use that was allowed while Tollgate could not be asked. Its key is the one of the first attempt, for ever. */
export type JournalEntry<A extends JournaledAddress = JournaledAddress> = {
  [K in A]: {
    id: string;
    address: K;
    input: Input<K>;
    idempotencyKey: string;
    journaledAt: string;
    /** Of a settlement: what is charged if its hold has expired and given everything back by then. */
    ifReleased?: UseEntry | undefined;
  };
}[A];

/** A use, with a key of its own. */
export type UseEntry = {
  [K in Exclude<JournaledAddress, `${string}settle`>]: {
    address: K;
    input: Input<K>;
    idempotencyKey: string;
  };
}[Exclude<JournaledAddress, `${string}settle`>];

/** One that was delivered and refused: work was done that nobody pays for. */
export type RefusedEntry = JournalEntry & { error: RefusedWith; refusedAt: string };

export type RefusedWith = { code: string; message: string; details?: Record<string, unknown> | undefined };

/** Keeps what waits to be delivered. Two may deliver the same entry: Tollgate books a key once. */
export type Journal = {
  /** How many entries wait. */
  readonly size: number;
  /** Resolves once they are kept as safely as this journal can. */
  append(entries: readonly JournalEntry[]): Promise<void>;
  /** Those that wait, the oldest first. */
  waiting(max: number): Promise<JournalEntry[]>;
  /** Takes out what was delivered, by its ids. */
  delivered(ids: readonly string[]): Promise<void>;
  /** Takes out what was refused, and keeps it apart. */
  refuse(entries: readonly RefusedEntry[]): Promise<void>;
  refused(): Promise<RefusedEntry[]>;
};

/** A few hundred bytes each: tens of megabytes, and hours of a busy product. */
const ENTRIES_MAX = 100_000;

/** A journal in memory, for the edge and for tests. What was not delivered is gone with the process. */
export function memoryJournal({ entriesMax = ENTRIES_MAX }: { entriesMax?: number } = {}): Journal {
  const waiting = new Map<string, JournalEntry>();
  const refused = new Map<string, RefusedEntry>();
  return {
    get size() {
      return waiting.size;
    },
    async append(entries) {
      if (waiting.size + entries.length > entriesMax) {
        throw new Error(`The journal is full: ${waiting.size} entries wait to be delivered.`);
      }
      for (const entry of entries) waiting.set(entry.id, entry);
    },
    waiting: async (max) => [...waiting.values()].slice(0, max),
    async delivered(ids) {
      for (const id of ids) waiting.delete(id);
    },
    async refuse(entries) {
      for (const entry of entries) {
        refused.set(entry.id, entry);
        waiting.delete(entry.id);
      }
    },
    refused: async () => [...refused.values()],
  };
}

/** A new entry, of now. */
export function entryOf<A extends JournaledAddress>(
  address: A,
  input: Input<A>,
  idempotencyKey: string,
): JournalEntry {
  const entry = {
    id: crypto.randomUUID(),
    address,
    input,
    idempotencyKey,
    journaledAt: new Date().toISOString(),
  };
  return entry as JournalEntry;
}

/** Allowed without Tollgate's answer, and written down to be delivered with this key. */
export type Journaled = { status: 'JOURNALED'; idempotencyKey: string };

/** Allowed without Tollgate's answer. Nothing was written down. */
export type Assumed = { status: 'ASSUMED'; allowed: true; code: null };

export const ASSUMED: Assumed = { status: 'ASSUMED', allowed: true, code: null };

export function journaled(idempotencyKey: string): Journaled {
  return { status: 'JOURNALED', idempotencyKey };
}
