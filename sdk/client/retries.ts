import { Refusal, Unreachable } from './errors.ts';

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
