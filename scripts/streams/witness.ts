import type { Exchange } from '../../test/wire.ts';
import type { Asked, Tokens } from './judge.ts';

/** A hold that Tollgate said it had taken, and of which it has not said yet that it ended. */
export type OpenHold = {
  id: string;
  tag: string;
  expiresAt: number;
  isReported: boolean;
  /** It was asked to end. */
  isEnding: boolean;
};

/** A hold that was asked for, whatever was answered. */
type Begun = { tag: string; exchange: Exchange };

const OF_HOLD = /^POST \/v1\/holds\/([^/]+)\/(progress|settle|release)$/;

/** Keeps what went between workers and Tollgate, apart from both: what was asked of each hold, and what was answered. */
export class Witness {
  #begun: Begun[] = [];
  readonly #ofHold = new Map<string, Exchange[]>();

  note(exchange: Exchange): void {
    const [, id] = OF_HOLD.exec(exchange.call) ?? [];
    if (id !== undefined) this.#ofHold.set(id, [...(this.#ofHold.get(id) ?? []), exchange]);
    else if (exchange.call === 'POST /v1/holds') {
      this.#begun.push({ tag: JSON.parse(exchange.body).ai.pageId, exchange });
    }
  }

  /** What was seen of one worker is not needed any more. */
  forget(prefix: string): void {
    for (const { id } of this.taken(prefix)) this.#ofHold.delete(id);
    this.#begun = this.#begun.filter(({ tag }) => !tag.startsWith(prefix));
  }

  /** Whether all that was asked has its answer, or never will have one. */
  isQuiet(): boolean {
    const begun = this.#begun.map(({ exchange }) => exchange);
    return [begun, ...this.#ofHold.values()].every((all) => all.every(({ answer }) => answer !== 'open'));
  }

  /** The holds that Tollgate said it had taken for the streams of one worker, by their tags. */
  taken(prefix: string): { id: string; tag: string; expiresAt: string }[] {
    return this.#begun.flatMap(({ tag, exchange }) => {
      if (!tag.startsWith(prefix) || outcomeOf(exchange) !== 'done') return [];
      const { id, expiresAt } = answerOf(exchange);
      return [{ id, tag, expiresAt }];
    });
  }

  /** What was asked of a hold, in the order in which it was. */
  asked(holdId: string): Asked[] {
    return (this.#ofHold.get(holdId) ?? []).map((exchange) => ({
      verb: OF_HOLD.exec(exchange.call)![2] as Asked['verb'],
      key: exchange.key!,
      tokens: (JSON.parse(exchange.body).tokens as Tokens | undefined) ?? null,
      outcome: outcomeOf(exchange),
    }));
  }

  /** Holds of one worker that are open, as far as this witness knows. */
  open(prefix: string): OpenHold[] {
    return this.taken(prefix).flatMap(({ id, tag, expiresAt }) => {
      const all = this.#ofHold.get(id) ?? [];
      const ends = all.filter(({ call }) => !call.endsWith('/progress')).map(outcomeOf);
      if (ends.includes('done') || ends.includes('refused')) return [];
      const done = all.filter((exchange) => outcomeOf(exchange) === 'done').map(answerOf);
      const times = [expiresAt, ...done.map((answer) => answer.expiresAt)].map(Date.parse);
      const isEnding = ends.length > 0;
      return [{ id, tag, expiresAt: Math.max(...times), isReported: done.length > 0, isEnding }];
    });
  }
}

function outcomeOf({ answer }: Exchange): Asked['outcome'] {
  if (typeof answer === 'string') return answer;
  if (answer.status < 300) return 'done';
  return answer.status < 500 ? 'refused' : 'lost';
}

function answerOf({ answer }: Exchange): { id: string; expiresAt: string } {
  if (typeof answer === 'string') throw new Error('there is no answer');
  return JSON.parse(answer.body);
}
