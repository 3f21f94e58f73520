import type { CallOptions, Input } from './call.ts';
import {
  ASSUMED,
  type Assumed,
  entryOf,
  type JournalEntry,
  type Journaled,
  journaled,
  type UseEntry,
} from './journal.ts';
import { isUnanswered } from './retries.ts';
import type { HoldAnswer, SettledHold } from './types.ts';
import type { Client } from './verbs.ts';

export type HoldInput = Input<'POST /v1/holds'>;
type Done<A extends 'POST /v1/holds/{id}/progress' | 'POST /v1/holds/{id}/settle'> = Omit<Input<A>, 'id'>;

/** Work that a hold was taken for, or that goes on without one. */
export type HeldWork = {
  /** Null: it was allowed without Tollgate's answer. */
  hold: HoldAnswer | null;
  /** Says how much is used by now. Where it has no answer the next one says it, too. */
  progress(done: Done<'POST /v1/holds/{id}/progress'>, options?: CallOptions): Promise<HoldAnswer | Assumed>;
  /** Charges what the work came to. Called again, it is the same settlement. */
  settle(
    done: Done<'POST /v1/holds/{id}/settle'>,
    options?: CallOptions,
  ): Promise<SettledHold | Journaled | Assumed>;
  /** Nothing was used. Where it has no answer the hold ends by itself, by its `onExpire`. */
  release(options?: CallOptions): Promise<HoldAnswer | Assumed>;
};

type Begun = {
  client: Client;
  input: HoldInput;
  hold: HoldAnswer | null;
  /** Writes to the journal; undefined where nothing goes on without an answer. */
  write: ((entries: JournalEntry[]) => Promise<void>) | undefined;
};

export function heldWork({ client, input, hold, write }: Begun): HeldWork {
  const settleKey = crypto.randomUUID();
  const useKey = crypto.randomUUID();

  /** Asks about the hold that there is, and takes what `otherwise` says where there is no answer. */
  async function ask<T, U>(attempt: (id: string) => Promise<T>, otherwise: () => Promise<U>): Promise<T | U> {
    if (hold === null) return otherwise();
    try {
      return await attempt(hold.id);
    } catch (error) {
      if (write === undefined || !isUnanswered(error)) throw error;
      return otherwise();
    }
  }

  return {
    hold,
    progress: (done, options) =>
      ask(
        (id) => client.holds.progress({ ...done, id }, options),
        async () => ASSUMED,
      ),
    settle(done, options = {}) {
      const { idempotencyKey = settleKey } = options;
      return ask(
        (id) => client.holds.settle({ ...done, id }, { ...options, idempotencyKey }),
        async () => {
          const use = useOf(input, done, useKey);
          if (hold !== null) {
            const entry = entryOf('POST /v1/holds/{id}/settle', { ...done, id: hold.id }, idempotencyKey);
            await write!([{ ...entry, ...(done.amount === 0 ? {} : { ifReleased: use }) }]);
            return journaled(idempotencyKey);
          }
          if (done.amount === 0) return ASSUMED;
          await write!([entryOf(use.address, use.input, useKey)]);
          return journaled(useKey);
        },
      );
    },
    release: (options) =>
      ask(
        (id) => client.holds.release(id, options),
        async () => ASSUMED,
      ),
  };
}

/** What the work came to, charged without a hold. */
function useOf(
  { workspaceId, featureCode, ai }: HoldInput,
  { amount, tokens, images }: Done<'POST /v1/holds/{id}/settle'>,
  idempotencyKey: string,
): UseEntry {
  if (ai === undefined) {
    return { address: 'POST /v1/usage', input: { workspaceId, featureCode, amount }, idempotencyKey };
  }
  const { type, pageId, model } = ai;
  const work = amount === undefined ? { model, tokens, images } : { points: amount };
  return { address: 'POST /v1/ai/usage', input: { workspaceId, type, pageId, ...work }, idempotencyKey };
}
