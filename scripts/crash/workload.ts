import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/lib/random.ts';
import type { Answer, Client } from '../../test/client.ts';

/** Where the server is at the moment; null while it is being started again. */
export type Door = { client: Client | null };

/** One thing asked of the engine, told apart from all others by its tag, which is kept with its decision. */
export type Operation = { tag: string; key: string | null; outcome: Outcome };

export type Outcome =
  | { type: 'open' }
  /** Asked without a key, and the connection was cut: done once, or not at all. */
  | { type: 'unknown' }
  | { type: 'acknowledged'; id: string | null }
  /** An answer that nobody should have got. */
  | { type: 'unexpected'; what: string };

/** A request with the operations in it, and the answer that every repeat must get, too. */
export type Asked = {
  path: string;
  body: Record<string, unknown>;
  key: string | null;
  operations: Operation[];
  answer: string | null;
};

const WORKERS = 12;
const WORKSPACES = 5;
const RETRY_MS = 20;

/** How long one request may go without an answer before it counts as hung: longer than any restart. */
const PATIENCE_MS = 60_000;

/** Workers that use, charge, hold, settle, grant and give back, each asking again with the same key until it is answered. */
export class Workload {
  readonly asked: Asked[] = [];
  retried = 0;
  readonly #name: string;
  readonly #random: Random;
  readonly #door: Door;
  readonly #workspaces: string[];
  readonly #refundable: string[] = [];
  /** Holds that nobody has settled or released yet. */
  readonly #open: string[] = [];
  #isOver = false;
  #count = 0;
  #workers: Promise<void>[] = [];

  private constructor(name: string, random: Random, door: Door, workspaces: string[]) {
    this.#name = name;
    this.#random = random;
    this.#door = door;
    this.#workspaces = workspaces;
  }

  static async start({
    name,
    random,
    door,
  }: {
    name: string;
    random: Random;
    door: Door;
  }): Promise<Workload> {
    const client = door.client!;
    const workspaces = await Promise.all(Array.from({ length: WORKSPACES }, () => client.workspace('crash')));
    for (const id of workspaces) await client.grant(id, 300);
    const workload = new Workload(name, random, door, workspaces);
    workload.#workers = Array.from({ length: WORKERS }, () => workload.#work());
    return workload;
  }

  /** Lets everything that was begun come to its end. */
  async finish(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#workers);
  }

  async #work(): Promise<void> {
    while (!this.#isOver) {
      const asked = this.#choose();
      this.asked.push(asked);
      await this.#ask(asked);
    }
  }

  #choose(): Asked {
    const workspaceId = this.#random.pick(this.#workspaces);
    const useId = this.#random.below(4) === 0 ? this.#refundable.pop() : undefined;
    if (useId !== undefined) return this.#request(`/v1/usage/${useId}/refund`, (tag) => ({ reason: tag }));
    const holdId = this.#random.below(3) === 0 ? this.#open.shift() : undefined;
    if (holdId !== undefined) return this.#ofHold(holdId);
    switch (this.#random.below(7)) {
      case 0:
        return this.#request('/v1/credits/grants', (description) => ({
          ...{ workspaceId, amount: 1 + this.#random.below(9) / 4, type: 'PROMOTION', description },
        }));
      case 1:
        return this.#request('/v1/ai/usage', (description) => ({
          ...{
            workspaceId,
            type: 'TEXT_CHAT',
            pageId: 'page',
            points: 1 + this.#random.below(30),
            description,
          },
        }));
      case 2:
        return this.#batch();
      case 3:
        return this.#request('/v1/holds', (pageId) => ({
          ...{ workspaceId, featureCode: 'ai.points', amount: 1 + this.#random.below(30) },
          ...{ onExpire: 'settle', ai: { type: 'TEXT_CHAT', pageId } },
        }));
      default:
        return this.#request('/v1/usage', (description) => ({
          ...{ workspaceId, featureCode: this.#feature(), amount: this.#amount(), description },
        }));
    }
  }

  /** What is asked of a hold has no words of its own: it is told apart by its key. */
  #ofHold(id: string): Asked {
    const operation = this.#operation(true);
    const isReleased = this.#random.below(5) === 0;
    const amount = this.#random.below(40);
    return {
      path: `/v1/holds/${id}/${isReleased ? 'release' : 'settle'}`,
      body: isReleased ? {} : { amount },
      ...{ key: operation.key, operations: [operation], answer: null },
    };
  }

  #request(path: string, bodyOf: (tag: string) => Record<string, unknown>): Asked {
    const operation = this.#operation(this.#random.below(3) > 0);
    return { path, body: bodyOf(operation.tag), key: operation.key, operations: [operation], answer: null };
  }

  #batch(): Asked {
    const operations = Array.from({ length: 1 + this.#random.below(8) }, () => this.#operation(true));
    const items = operations.map(({ tag, key }) => ({
      workspaceId: this.#random.pick(this.#workspaces),
      featureCode: this.#feature(),
      amount: this.#amount(),
      description: tag,
      idempotencyKey: key,
    }));
    // Without a key of its own a batch can be asked again, too: its items have theirs.
    const key = this.#random.below(2) === 0 ? `batch of ${operations[0]!.tag}` : null;
    return { path: '/v1/usage/batch', body: { items }, key, operations, answer: null };
  }

  #operation(hasKey: boolean): Operation {
    const tag = `crash ${this.#name} ${this.#count++}`;
    return { tag, key: hasKey ? `key of ${tag} ${this.#workspaces[0]}` : null, outcome: { type: 'open' } };
  }

  #feature = () => this.#random.pick(['mixed', 'mixed', 'paid', 'odd', 'blocked', 'extra']);
  #amount = () => (1 + this.#random.below(400)) / 100;

  async #ask(asked: Asked): Promise<void> {
    const repeatable = asked.operations.every(({ key }) => key !== null);
    for (const until = Date.now() + PATIENCE_MS; ; this.retried++, await sleep(RETRY_MS)) {
      const answer = await this.#post(asked);
      if (answer !== null && isAnswer(answer)) return this.#note(asked, answer);
      const outcome: Outcome | null =
        answer?.status === 500
          ? { type: 'unexpected', what: `500 ${answer.text}` }
          : Date.now() > until
            ? { type: 'unexpected', what: `no answer in time: ${answer?.text}` }
            : null;
      if (outcome === null && repeatable) continue;
      for (const operation of asked.operations) operation.outcome = outcome ?? { type: 'unknown' };
      return;
    }
  }

  /** Null where the connection was cut. */
  async #post({ path, body, key }: Asked): Promise<Answer | null> {
    while (this.#door.client === null) await sleep(RETRY_MS);
    try {
      return await this.#door.client.post(path, body, key ?? undefined);
    } catch {
      return null;
    }
  }

  #note(asked: Asked, { status, body, text }: Answer): void {
    asked.answer = withoutRequestId(text);
    if (asked.path !== '/v1/usage/batch') {
      this.#noteOne(asked.operations[0]!, status, body);
      return;
    }
    body.results.forEach((result: { ok: boolean; usage: unknown; error: unknown }, i: number) => {
      const operation = asked.operations[i]!;
      this.#noteOne(operation, result.ok ? 200 : 402, result.ok ? result.usage : result);
    });
  }

  // biome-ignore lint/suspicious/noExplicitAny: an answer
  #noteOne(operation: Operation, status: number, body: any): void {
    const refusal = body.error?.code;
    if (
      status >= 400 &&
      !['limit_reached', 'insufficient_credits', 'feature_not_in_plan'].includes(refusal)
    ) {
      operation.outcome = { type: 'unexpected', what: `${status} ${JSON.stringify(body)}` };
      return;
    }
    operation.outcome = {
      type: 'acknowledged',
      // A refund answers with the use that it gave back, and the end of a hold with the hold.
      id: ['REFUNDED', 'SETTLED', 'RELEASED'].includes(body.status)
        ? null
        : (body.id ?? body.error.details.creditUsageId ?? null),
    };
    if (body.status === 'SUCCEEDED') this.#refundable.push(body.id);
    if (body.status === 'HELD') this.#open.push(body.id);
  }
}

/** Whether a request is done with: anything but "not now". */
function isAnswer({ status, body }: Answer): boolean {
  if (status >= 500 || status === 429) return false;
  const codes = body.results?.map((result: { error?: { code: string } }) => result.error?.code) ?? [];
  return !codes.some((code: string) => code === 'unavailable' || code === 'rate_limited');
}

/** What differs between an answer and its repeats: a refusal names the request that it answers. */
export function withoutRequestId(text: string): string {
  return text.replace(/"requestId":"req_\w+"/, '"requestId":""');
}
