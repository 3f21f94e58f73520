import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../../src/lib/random.ts';
import type { Answer, Client } from '../../../test/client.ts';
import { withoutRequestId } from '../workload.ts';
import type { Door } from './site.ts';

/** One thing asked, and what was answered in the end. */
export type Asked = { method: string; path: string; body: unknown; key: string; answer: Answer };

const RETRY_MS = 20;

/** How long one request may go without an answer before it counts as hung: longer than any restart. */
const PATIENCE_MS = 60_000;

const BOTH_AT_ONCE = 0.4;

/** Asks as clients do who want an answer: again with the same key until there is one; of two servers, often both at once. */
export class Asking {
  readonly asked: Asked[] = [];
  readonly broken: string[] = [];
  retried = 0;
  readonly #doors: Door[];
  readonly #random: Random;
  #count = 0;

  constructor(doors: Door[], random: Random) {
    this.#doors = doors;
    this.#random = random;
  }

  async ask(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const key = headers['idempotency-key'] ?? `crash ${this.#count++}`;
    for (const until = Date.now() + PATIENCE_MS; ; this.retried++, await sleep(RETRY_MS)) {
      const answers = await this.#askSome({ method, path, body, key });
      const [answer] = answers;
      if (answer !== undefined) {
        this.#note({ method, path, body, key, answer }, answers);
        return answer;
      }
      if (Date.now() > until) throw new TypeError(`${method} ${path} got no answer in time`);
    }
  }

  /** Whoever asks again what was done gets the first answer, whatever has happened since. */
  async askAgain(client: Client): Promise<void> {
    const kept = this.asked.filter(({ method, answer }) => method === 'POST' && isKept(answer));
    const lastOf = new Map(kept.map((asked) => [asked.key, asked]));
    for (const { method, path, body, key, answer } of [...lastOf.values()].slice(-REPEATS_MAX)) {
      const again = await client.call(method, path, body, { 'idempotency-key': key });
      if (withoutRequestId(again.text) === withoutRequestId(answer.text)) continue;
      this.broken.push(`${path} with ${key}: answered ${answer.text} first, and ${again.text} again`);
    }
  }

  async #askSome(asked: Omit<Asked, 'answer'>): Promise<Answer[]> {
    while (this.#doors.every(({ client }) => client === null)) await sleep(RETRY_MS);
    const doors = this.#random.chance(BOTH_AT_ONCE) ? this.#doors : [this.#random.pick(this.#doors)];
    const answers = await Promise.all(doors.map((door) => send(door, asked)));
    return answers.filter((answer) => answer !== null && isAnswer(answer)) as Answer[];
  }

  #note(asked: Asked, answers: Answer[]): void {
    const what = `${asked.method} ${asked.path} with ${asked.key}`;
    this.asked.push(asked);
    for (const { status, text } of answers) if (status === 500) this.broken.push(`${what}: 500 ${text}`);
    const done = new Set(answers.filter(isKept).map(({ text }) => withoutRequestId(text)));
    if (asked.method === 'POST' && done.size > 1)
      this.broken.push(`${what} was answered ${[...done].join(' and ')}`);
  }
}

/** The last ones, which are those around the kills and after them. */
const REPEATS_MAX = 200;

/** Null where nobody is there, or the connection was cut. */
async function send({ client }: Door, { method, path, body, key }: Omit<Asked, 'answer'>) {
  try {
    return client === null ? null : await client.call(method, path, body, { 'idempotency-key': key });
  } catch {
    return null;
  }
}

/** Anything but "not now". */
function isAnswer({ status }: Answer): boolean {
  return status !== 429 && status !== 503;
}

/** Done, or refused with an answer that is given again. */
function isKept({ status }: Answer): boolean {
  return status < 300 || status === 402 || status === 403;
}
