import { fingerprintOf } from '../lib/fingerprints.ts';
import type { Answer } from './batch.ts';
import type { Asked, Engine } from './engine.ts';
import type { Operation } from './operations.ts';
import type { Queryable } from './store.ts';

/** How a verb that changes something is called. */
export type CallOptions = {
  /** Same key and same request: the first answer again. */
  idempotencyKey?: string | null;
  /** The caller's own open transaction: booked if and when it commits. */
  transaction?: Queryable;
};

/** What a verb answers, and whether it is an earlier answer that is given again. */
export type Answered<T> = { value: T; replayed: boolean };

/** Hands an operation to the engine, in the caller's transaction if there is one. */
export function submit(engine: Engine, asked: Asked, { transaction }: CallOptions): Promise<Answer> {
  return transaction === undefined ? engine.submit(asked) : engine.submitIn(transaction, asked);
}

/** A client's key with what was asked under it. */
export function idempotencyOf(
  { idempotencyKey: key }: CallOptions,
  verb: string,
  input: unknown,
): Operation['idempotency'] {
  return key === null || key === undefined ? null : { key, fingerprint: fingerprintOf(verb, input) };
}
