import { isRefusal } from './errors.ts';
import type { Journal, JournalEntry, RefusedEntry, RefusedWith, UseEntry } from './journal.ts';
import { isUndecided } from './retries.ts';
import type { Client } from './verbs.ts';

/** What one delivery has done. */
export type Delivered = { delivered: number; refused: number };

export type DeliveryOptions = {
  journal: Journal;
  /** Told of each entry that Tollgate refused. It is kept in the journal's list of refused entries, too. */
  onRefused?: ((entry: RefusedEntry) => void) | undefined;
  /** Told why a delivery in the background has failed; it is tried again. */
  onUndelivered?: ((error: unknown) => void) | undefined;
  /** Whether to deliver by timers; without them, call `deliver()`. */
  deliverInBackground?: boolean | undefined;
};

export type Delivery = {
  /** Delivers all that waits. Throws if Tollgate does not take it; what was not taken waits on. */
  deliver(): Promise<Delivered>;
  /** Sees to it that what waits is delivered soon. */
  wake(): void;
};

/** A use with the longest texts takes 4 KiB: so many are far below the 1 MiB that a body may have. */
const BATCH_MAX = 200;

const FIRST_WAIT_MS = 1_000;
const WAIT_MAX_MS = 30_000;

type Outcome = 'delivered' | { refused: RefusedWith } | { failed: unknown };

export function createDelivery(client: Client, options: DeliveryOptions): Delivery {
  const { journal, onRefused, onUndelivered, deliverInBackground = true } = options;
  let underWay: Promise<Delivered> | undefined;
  let timer: unknown;
  let waitMs = FIRST_WAIT_MS;

  /** One at a time: a second one would send the same again. */
  function deliver(): Promise<Delivered> {
    underWay ??= deliverAll().finally(() => {
      underWay = undefined;
    });
    return underWay;
  }

  async function deliverAll(): Promise<Delivered> {
    const done: Delivered = { delivered: 0, refused: 0 };
    for (;;) {
      const entries = await journal.waiting(BATCH_MAX);
      if (entries.length === 0) return done;
      const sent = await send(client, entries);
      const refused = sent.flatMap(refusedOf);
      const delivered = sent.flatMap(({ entry, outcome }) => (outcome === 'delivered' ? [entry.id] : []));
      await journal.refuse(refused);
      await journal.delivered(delivered);
      for (const entry of refused) onRefused?.(entry);
      done.delivered += delivered.length;
      done.refused += refused.length;
      for (const { outcome } of sent) if (isFailure(outcome)) throw outcome.failed;
    }
  }

  function wake(): void {
    if (!deliverInBackground || timer !== undefined || journal.size === 0) return;
    timer = setTimeout(() => void run(), waitMs);
    // Where a process would wait for its timers, it need not for this one.
    (timer as { unref?(): void }).unref?.();
  }

  async function run(): Promise<void> {
    try {
      await deliver();
      waitMs = FIRST_WAIT_MS;
    } catch (error) {
      waitMs = Math.min(waitMs * 2, WAIT_MAX_MS);
      onUndelivered?.(error);
    } finally {
      timer = undefined;
      wake();
    }
  }

  return { deliver, wake };
}

type Sent = { entry: JournalEntry; outcome: Outcome };

function refusedOf({ entry, outcome }: Sent): RefusedEntry[] {
  if (outcome === 'delivered' || isFailure(outcome)) return [];
  return [{ ...entry, error: outcome.refused, refusedAt: new Date().toISOString() }];
}

function isFailure(outcome: Outcome): outcome is { failed: unknown } {
  return typeof outcome === 'object' && 'failed' in outcome;
}

/** Sends entries, and says what became of each; after one that could not be delivered, no others are tried. */
async function send(client: Client, entries: readonly JournalEntry[]): Promise<Sent[]> {
  const uses = entries.filter(isUse);
  const others = entries.filter((entry) => !isUse(entry));
  const sent = uses.length === 0 ? [] : await sendUses(client, uses);
  return sent.some(({ outcome }) => isFailure(outcome))
    ? sent
    : [...sent, ...(await sendEach(client, others))];
}

type Use = JournalEntry<'POST /v1/usage'>;

function isUse(entry: JournalEntry): entry is Use {
  return entry.address === 'POST /v1/usage';
}

async function sendUses(client: Client, uses: readonly Use[]): Promise<Sent[]> {
  const items = uses.map(({ input, idempotencyKey }) => ({
    ...input,
    amount: input.amount ?? 1,
    idempotencyKey,
  }));
  try {
    const { results } = await client.useBatch({ items });
    return results.map((result, index) => ({
      entry: uses[index]!,
      outcome: result.ok ? 'delivered' : outcomeOf(result.error, result.error),
    }));
  } catch (error) {
    // One that is malformed makes the whole batch so.
    if (isRefusal(error, 'invalid_request')) return sendEach(client, uses);
    throw error;
  }
}

async function sendEach(client: Client, entries: readonly JournalEntry[]): Promise<Sent[]> {
  const sent: Sent[] = [];
  for (const entry of entries) {
    const outcome = await sendOne(client, entry).then(
      (): Outcome => 'delivered',
      (error): Outcome => (isRefusal(error) ? outcomeOf(error, error) : { failed: error }),
    );
    sent.push({ entry, outcome });
    if (isFailure(outcome)) break;
  }
  return sent;
}

function sendOne(client: Client, entry: JournalEntry | UseEntry): Promise<unknown> {
  const { address, input, idempotencyKey } = entry;
  switch (address) {
    case 'POST /v1/usage':
      return client.use(input, { idempotencyKey });
    case 'POST /v1/ai/usage':
      return client.ai.use(input, { idempotencyKey });
    case 'POST /v1/holds/{id}/settle':
      return settle(client, entry as JournalEntry<'POST /v1/holds/{id}/settle'>);
  }
}

/** A hold that has expired meanwhile may have given everything back: what was used is then charged without it. */
async function settle(
  client: Client,
  { input, idempotencyKey, ifReleased }: JournalEntry<'POST /v1/holds/{id}/settle'>,
): Promise<unknown> {
  try {
    return await client.holds.settle(input, { idempotencyKey });
  } catch (error) {
    const isReleased = isRefusal(error, 'hold_not_open') && error.details.status === 'RELEASED';
    if (!isReleased || ifReleased === undefined) throw error;
    return sendOne(client, ifReleased);
  }
}

/** What is said of the key or the moment is not said of the entry. */
function outcomeOf({ code, message, details }: RefusedWith, error: unknown): Outcome {
  const isNoAnswer = isUndecided(code) || code === 'unauthorized' || code === 'forbidden';
  return isNoAnswer ? { failed: error } : { refused: { code, message, details } };
}
