import { createHash } from 'node:crypto';
import type { Answer } from '../store.ts';
import { nowSeconds, type World } from '../world.ts';
import { keyInUse, StripeError } from './errors.ts';
import { canonicalForm } from './form.ts';

const KEY_LENGTH_MAX = 255; // Stripe's
const LIFETIME_SECONDS = 24 * 60 * 60; // Stripe forgets keys after at least a day

/** Keys whose request is being worked on, from its headers to its answer. */
export class KeysInUse {
  readonly #keys = new Set<string>();

  /** Takes the key, or says that another request holds it. Returns how to give it back. */
  claim(key: string): () => void {
    if (key.length > KEY_LENGTH_MAX) {
      throw new StripeError(400, {
        type: 'invalid_request_error',
        message: `Idempotency keys may be at most ${KEY_LENGTH_MAX} characters; yours has ${key.length}.`,
      });
    }
    if (this.#keys.has(key)) throw keyInUse(key);
    this.#keys.add(key);
    return () => this.#keys.delete(key);
  }
}

/** The answer that was given to this key before. Another request with the same key is refused. */
export function findAnswer(world: World, key: string, path: string, body: string): Answer | undefined {
  const answer = world.store.get('answer', key);
  if (answer === undefined || answer.at <= nowSeconds(world) - LIFETIME_SECONDS) return undefined;
  if (answer.path !== path) {
    throw mismatch(
      `Keys for idempotent requests can only be used for the same endpoint they were first used for ('${answer.path}' vs '${path}'). Try using a key other than '${key}' if you meant to execute a different request.`,
    );
  }
  if (answer.fingerprint !== fingerprintOf(body)) {
    throw mismatch(
      `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
    );
  }
  return answer;
}

/** Keeps an answer under its key, in the write that it answers for, and forgets those whose time is over. */
export function keepAnswer(world: World, answer: Omit<Answer, 'fingerprint' | 'at'>, sent: string): void {
  const now = nowSeconds(world);
  for (const { id, at } of world.store.all('answer')) {
    if (at > now - LIFETIME_SECONDS) break; // oldest first
    world.store.drop('answer', id);
  }
  world.store.put('answer', { ...answer, fingerprint: fingerprintOf(sent), at: now });
}

function fingerprintOf(body: string): string {
  return createHash('sha256').update(canonicalForm(body)).digest('base64url');
}

function mismatch(message: string): StripeError {
  return new StripeError(400, { type: 'idempotency_error', message });
}
