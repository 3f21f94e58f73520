import { isRefusal, Refusal, Unreachable } from './errors.ts';
import type { Code } from './types.ts';

/** The first wait is shorter than a person notices; doubled each time, it soon leaves a server alone. */
const FIRST_WAIT_MS = 100;
const WAIT_MAX_MS = 5_000;

/** Whether the same request may well be answered otherwise in a moment. */
export function isWorthRetrying(error: unknown): boolean {
  if (error instanceof Unreachable) return true;
  // What Stripe refused it refuses again.
  if (!(error instanceof Refusal) || error.code === 'provider_error') return false;
  return error.status === 429 || error.status >= 500;
}

/** Codes of answers that say neither yes nor no. */
const UNDECIDED: readonly Code[] = ['rate_limited', 'internal_error', 'unavailable'];

export function isUndecided(code: string): boolean {
  return UNDECIDED.includes(code as Code);
}

/** Whether Tollgate has said neither yes nor no: whether it was done is not known. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof Unreachable || isRefusal(error, ...UNDECIDED);
}

/**
 * How long to wait after so many attempts have failed, in milliseconds: never less than the server asked for.
 * `random` is from 0 to 1, so that clients that failed together do not come back together.
 */
export function waitAfter(attempts: number, retryAfterMs: number, random: number): number {
  const full = Math.min(FIRST_WAIT_MS * 2 ** (attempts - 1), WAIT_MAX_MS);
  return retryAfterMs + (full / 2) * (1 + random);
}

/** What a Retry-After header asks for, in milliseconds: it has seconds or a date. */
export function readRetryAfter(header: string | null, now: number): number {
  if (header === null) return 0;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}
