import { setTimeout as sleep } from 'node:timers/promises';
import Stripe from 'stripe';
import { ConfigError } from '../lib/config.ts';
import { Refusal } from '../lib/errors.ts';

export type StripeOptions = {
  secretKey: string;
  /** Another base address for Stripe's API: the simulator's, or a test's. */
  apiBase?: string | undefined;
  timeoutMs?: number;
};

/** Longer than Stripe needs for any of our calls, and short enough that a client still waits for the answer. */
const TIMEOUT_MS = 15_000;

/** The SDK's own, after lost connections and 5xx: with the same idempotency key, and pauses that grow. */
const NETWORK_RETRIES_MAX = 2;

/** The only client of Stripe. Its API version is the one that the pinned package was made for. */
export function createStripe({ secretKey, apiBase, timeoutMs = TIMEOUT_MS }: StripeOptions): Stripe {
  return new Stripe(secretKey, {
    timeout: timeoutMs,
    maxNetworkRetries: NETWORK_RETRIES_MAX,
    telemetry: false,
    appInfo: { name: 'Tollgate' },
    ...(apiBase === undefined ? {} : hostOf(apiBase)),
  });
}

function hostOf(apiBase: string): Pick<Stripe.StripeConfig, 'host' | 'port' | 'protocol'> {
  const { protocol, hostname, port, pathname } = new URL(apiBase);
  if (pathname !== '/') {
    throw new ConfigError('STRIPE_API_BASE must be a host without a path, such as http://127.0.0.1:12111.');
  }
  const isSecure = protocol === 'https:';
  return { protocol: isSecure ? 'https' : 'http', host: hostname, port: port || (isSecure ? 443 : 80) };
}

/** Whether a secret key moves real money. */
export function isLiveKey(secretKey: string): boolean {
  return /^[rs]k_live_/.test(secretKey);
}

/** Pauses before the next try; jittered, so that callers do not come back together. */
const RETRY_PAUSES_MS = [250, 500, 1_000, 2_000];

/**
 * Asks Stripe for something; again where the SDK would not, so a call that makes something carries its own idempotency
 * key. Throws a Refusal that says what went wrong, with the SDK's error as its cause.
 */
export async function ask<T>(call: () => Promise<T>): Promise<T> {
  for (let tried = 0; ; tried++) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Stripe.errors.StripeError)) throw error;
      if (tried >= retriesMax(error)) throw refusalOf(error);
      await sleep(RETRY_PAUSES_MS[tried]! * (0.5 + Math.random()));
    }
  }
}

/** Stripe's largest page. */
export const PAGE = 100;

/** The SDK's largest list: far more than there is of anything that is asked for here. */
const LIST_MAX = 10_000;

/** Asks Stripe for a list, page by page: all of it, or as many as are enough. */
export function askForAll<T>(
  list: (page: { limit: number }) => Stripe.ApiListPromise<T>,
  max = LIST_MAX,
): Promise<T[]> {
  return ask(() => list({ limit: PAGE }).autoPagingToArray({ limit: max }));
}

function retriesMax(error: Stripe.errors.StripeError): number {
  if (isRateLimit(error)) return RETRY_PAUSES_MS.length;
  return isAnswerLost(error) ? 2 : 0;
}

/** Too many calls. Another request that holds a lock or an idempotency key is waited for like one. */
function isRateLimit(error: Stripe.errors.StripeError): boolean {
  return error instanceof Stripe.errors.StripeRateLimitError || error.statusCode === 409;
}

/** Headers came, and no whole body after them: the SDK names the request, and does not ask again. */
function isAnswerLost(error: Stripe.errors.StripeError): boolean {
  return error instanceof Stripe.errors.StripeConnectionError && error.requestId !== undefined;
}

/** Whether a call failed because the object is not there, or not there any more. */
export function isMissing(error: unknown): boolean {
  return (
    error instanceof Refusal &&
    error.cause instanceof Stripe.errors.StripeError &&
    error.cause.code === 'resource_missing'
  );
}

/** The HTTP status of a call that failed; 0 where there was no answer. */
export function statusOf(error: unknown): number {
  const cause = error instanceof Refusal ? error.cause : error;
  return cause instanceof Stripe.errors.StripeError ? (cause.statusCode ?? 0) : 0;
}

/** A failure that Stripe keeps for the idempotency key: asking again with it brings the same, whether it is done or not. */
export const KEPT_FAILURE = 500;

function refusalOf(error: Stripe.errors.StripeError): Refusal {
  const refusal = isUnavailable(error)
    ? new Refusal(
        'provider_unavailable',
        'Stripe could not be reached, or did not answer properly: try again in a moment.',
      )
    : new Refusal('provider_error', `Stripe refused the call: ${messageOf(error)}`);
  refusal.cause = error;
  return refusal;
}

function isUnavailable(error: Stripe.errors.StripeError): boolean {
  return (
    error instanceof Stripe.errors.StripeConnectionError ||
    error instanceof Stripe.errors.StripeAPIError ||
    isRateLimit(error)
  );
}

/** Stripe's words; of keys, which it repeats in part, nothing. */
function messageOf(error: Stripe.errors.StripeError): string {
  if (error instanceof Stripe.errors.StripeAuthenticationError) {
    return 'STRIPE_SECRET_KEY is not accepted.';
  }
  return error.message.replaceAll(/\b(?:[rsp]k|whsec)_\S+/g, '***');
}
