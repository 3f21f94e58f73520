import { fingerprintOf } from '../lib/fingerprints.ts';
import { parseKey } from '../lib/schemas.ts';
import type { Answer } from './batch.ts';
import type { Asked, Engine } from './engine.ts';
import type { Operation } from './operations.ts';
import type { Queryable } from './store.ts';

/** How a verb that changes something is called. */
export type CallOptions = {
  /** Same key and same request: the first answer again. */
  idempotencyKey?: string | null;
  /** What the caller calls this request; a refusal that is given again names the first. */
  requestId?: string;
  /** The caller's own open transaction: booked if and when it commits. */
  transaction?: Queryable;
};

/** What a verb answers, and whether it is an earlier answer that is given again. */
export type Answered<T> = { value: T; replayed: boolean };

/** Hands an operation to the engine, in the caller's transaction if there is one. */
export function submit(engine: Engine, asked: Asked, { transaction }: CallOptions): Promise<Answer> {
  return transaction === undefined ? engine.submit(asked) : engine.submitIn(transaction, asked);
}

/** A client's key with what was asked under it. Throws `invalid_request`. */
export function idempotencyOf(
  { idempotencyKey: key, requestId }: CallOptions,
  verb: string,
  input: unknown,
): Operation['idempotency'] {
  if (key === null || key === undefined) return null;
  return {
    key: parseKey(key, 'idempotencyKey'),
    fingerprint: fingerprintOf(verb, input),
    ...(requestId === undefined ? {} : { requestId }),
  };
}
