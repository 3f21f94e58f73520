import type { Answer, CallOptions, Input } from './call.ts';
import { createDelivery, type Delivered, type DeliveryOptions } from './delivery.ts';
import { Unreachable } from './errors.ts';
import { type HeldWork, type HoldInput, heldWork } from './held.ts';
import {
  ASSUMED,
  type Assumed,
  entryOf,
  type JournalEntry,
  type Journaled,
  type JournaledAddress,
  journaled,
  type RefusedEntry,
} from './journal.ts';
import { isUnanswered, isUndecided } from './retries.ts';
import type { Limits } from './send.ts';
import type { Client } from './verbs.ts';

/** What happens when Tollgate cannot be asked. `closed`: the call throws. `open`: the work is allowed, and paid later. */
export type WhenUnreachable = 'closed' | 'open';

export type JournalOptions = DeliveryOptions & {
  /** For every use that nothing else is said of; `closed` unless given. */
  whenUnreachable?: WhenUnreachable | undefined;
  /** By `featureCode`; AI points are `ai.points`. */
  whenUnreachableByFeature?: Readonly<Record<string, WhenUnreachable>> | undefined;
};

export type OpenCallOptions = CallOptions & {
  /** For this call, whatever is said elsewhere. */
  whenUnreachable?: WhenUnreachable | undefined;
};

type Uses = Answer<'POST /v1/usage/batch'>['results'];

/** A client whose uses can go on while Tollgate is unreachable. Its answers may then be `Journaled` or `Assumed`. */
export type JournalingClient = Omit<Client, 'check' | 'use' | 'useBatch' | 'ai' | 'holds'> & {
  check(
    input: Input<'POST /v1/check'>,
    options?: OpenCallOptions,
  ): Promise<Answer<'POST /v1/check'> | Assumed>;
  use(
    input: Input<'POST /v1/usage'>,
    options?: OpenCallOptions,
  ): Promise<Answer<'POST /v1/usage'> | Journaled>;
  /** Open where the call says so, or all of its features are. */
  useBatch(
    input: Input<'POST /v1/usage/batch'>,
    options?: OpenCallOptions,
  ): Promise<{ results: Array<Uses[number] | { ok: true; usage: Journaled }> }>;
  ai: {
    use(
      input: Input<'POST /v1/ai/usage'>,
      options?: OpenCallOptions,
    ): Promise<Answer<'POST /v1/ai/usage'> | Journaled>;
  };
  holds: Client['holds'] & {
    /**
     * Takes a hold for work that is settled at its end. Where Tollgate is unreachable and the feature is open, the work goes on
     * without one, and what it came to is written down.
     */
    begin(input: HoldInput, options?: OpenCallOptions): Promise<HeldWork>;
  };
  /** Whether a use of this feature goes on while Tollgate is unreachable, unless its call says otherwise. */
  isOpen(featureCode: string): boolean;
  /** Delivers what waits in the journal. Throws if Tollgate does not take all of it; what was not taken waits on. */
  deliver(): Promise<Delivered>;
  /** What was delivered and refused: work that was done and that nobody pays for. */
  refusedUses(): Promise<RefusedEntry[]>;
};

/** Work that may go on without an answer waits less for one. */
const OPEN_LIMITS: Limits = { timeoutMs: 1_000, deadlineMs: 2_000, attemptsMax: 2 };

/** The feature that AI work is counted in. */
export const AI_POINTS = 'ai.points';

/** Whether it was written down instead of being booked. */
export function isJournaled(answer: object): answer is Journaled {
  return 'status' in answer && answer.status === 'JOURNALED';
}

/** Makes the uses of a client go on while Tollgate is unreachable. `limits` are those that the client was given. */
export function withJournal(
  client: Client,
  { whenUnreachable = 'closed', whenUnreachableByFeature = {}, ...options }: JournalOptions,
  limits: Partial<Limits>,
): JournalingClient {
  const { journal } = options;
  const delivery = createDelivery(client, options);
  delivery.wake();

  function isOpen(features: readonly string[], asked: WhenUnreachable | undefined): boolean {
    if (asked !== undefined) return asked === 'open';
    const policies = features.map((feature) => whenUnreachableByFeature[feature] ?? whenUnreachable);
    return policies.every((policy) => policy === 'open');
  }

  /** Asks, and takes what `otherwise` says where there is no answer and the work may go on. */
  async function ask<T, U>(
    features: readonly string[],
    { whenUnreachable: asked, ...own }: OpenCallOptions,
    attempt: (options: CallOptions) => Promise<T>,
    otherwise: () => Promise<U>,
  ): Promise<T | U> {
    if (!isOpen(features, asked)) return attempt(own);
    try {
      return await attempt({ ...OPEN_LIMITS, ...limits, ...own });
    } catch (error) {
      if (!isUnanswered(error)) throw error;
      return otherwise();
    }
  }

  async function write(entries: JournalEntry[]): Promise<void> {
    try {
      await journal.append(entries);
    } catch (cause) {
      const message = `Tollgate cannot be reached, and the journal cannot be written: ${(cause as Error).message}`;
      throw new Unreachable(message, { cause, idempotencyKey: entries[0]!.idempotencyKey });
    }
    delivery.wake();
  }

  /** Asks with a key that is kept, whether by Tollgate or in the journal. */
  async function askOrWrite<A extends JournaledAddress>(
    address: A,
    input: Input<A>,
    feature: string,
    options: OpenCallOptions,
    attempt: (options: CallOptions) => Promise<Answer<A>>,
  ): Promise<Answer<A> | Journaled> {
    const idempotencyKey = options.idempotencyKey ?? crypto.randomUUID();
    return ask([feature], { ...options, idempotencyKey }, attempt, async () => {
      await write([entryOf(address, input, idempotencyKey)]);
      return journaled(idempotencyKey);
    });
  }

  return {
    ...client,
    check: (input, options = {}) =>
      ask(
        [input.featureCode],
        options,
        (own) => client.check(input, own),
        async () => ASSUMED,
      ),
    use: (input, options = {}) =>
      askOrWrite('POST /v1/usage', input, input.featureCode, options, (own) => client.use(input, own)),
    ai: {
      use: (input, options = {}) =>
        askOrWrite('POST /v1/ai/usage', input, AI_POINTS, options, (own) => client.ai.use(input, own)),
    },
    async useBatch({ items }, options = {}) {
      const features = items.map(({ featureCode }) => featureCode);
      const attempt = async (own: CallOptions) => (await client.useBatch({ items }, own)).results;
      const answers = await ask(features, options, attempt, async () => items.map(() => undefined));
      const isUnanswered = (answer: Uses[number] | undefined) =>
        answer === undefined || (!answer.ok && isUndecided(answer.error.code));
      if (!isOpen(features, options.whenUnreachable) || !answers.some(isUnanswered)) {
        return { results: answers as Uses };
      }
      const open = items.filter((_, index) => isUnanswered(answers[index]));
      await write(open.map(({ idempotencyKey, ...use }) => entryOf('POST /v1/usage', use, idempotencyKey)));
      const results = answers.map((answer, index) => {
        const { idempotencyKey } = items[index]!;
        return isUnanswered(answer) ? { ok: true as const, usage: journaled(idempotencyKey) } : answer!;
      });
      return { results };
    },
    holds: {
      ...client.holds,
      async begin(input, options = {}) {
        const features = [input.featureCode];
        const take = (own: CallOptions) => client.holds.create(input, own);
        const hold = await ask(features, options, take, async () => null);
        const isOpenWork = isOpen(features, options.whenUnreachable);
        return heldWork({ client, input, hold, write: isOpenWork ? write : undefined });
      },
    },
    isOpen: (featureCode) => isOpen([featureCode], undefined),
    deliver: delivery.deliver,
    refusedUses: () => journal.refused(),
  };
}
