import {
  type ErrorBody,
  ForeignAnswer,
  Refusal,
  TimedOut,
  type TollgateError,
  Unreachable,
} from './errors.ts';
import { isWorthRetrying, readRetryAfter, waitAfter } from './retries.ts';

/** Where to, and for how long. */
export type Line = {
  url: string;
  secretKey: string;
  fetch: typeof fetch;
  timeoutMs: number;
  deadlineMs: number;
  attemptsMax: number;
};

/** How long a call may take. */
export type Limits = Pick<Line, 'timeoutMs' | 'deadlineMs' | 'attemptsMax'>;

/** Those that somebody has set. */
export type OwnLimits = { [K in keyof Limits]?: number | undefined };

export type Request = {
  method: string;
  path: string;
  body?: object | undefined;
  idempotencyKey?: string | undefined;
  signal?: AbortSignal | undefined;
};

/** An attempt that failed, and what was asked for before the next one. */
type Failure = { error: unknown; retryAfterMs: number };

/**
 * Sends a request until it is answered, again with the same key where that may help, and resolves to the answer's body.
 * Throws what the last attempt failed with.
 */
export async function send(line: Line, request: Request): Promise<unknown> {
  const endsAt = performance.now() + line.deadlineMs;
  for (let attempts = 1; ; attempts++) {
    const leftMs = endsAt - performance.now();
    const outcome = await attempt(line, request, Math.min(line.timeoutMs, leftMs));
    if ('body' in outcome) return outcome.body;
    const { error, retryAfterMs } = outcome;
    if (!isWorthRetrying(error) || attempts >= line.attemptsMax) throw error;
    const waitMs = waitAfter(attempts, retryAfterMs, Math.random());
    // To wait only to give up helps nobody.
    if (performance.now() + waitMs >= endsAt) throw error;
    await wait(waitMs, request.signal);
  }
}

async function attempt(
  line: Line,
  request: Request,
  timeoutMs: number,
): Promise<{ body: unknown } | Failure> {
  const { signal, idempotencyKey } = request;
  signal?.throwIfAborted();
  const init = initOf(line, request);
  const ending = new AbortController();
  const abort = () => ending.abort();
  const timer = setTimeout(abort, timeoutMs);
  signal?.addEventListener('abort', abort);
  try {
    const response = await line.fetch(line.url + request.path, { ...init, signal: ending.signal });
    const text = await response.text();
    const retryAfterMs = readRetryAfter(response.headers.get('retry-after'), Date.now());
    return read(response, text, retryAfterMs, idempotencyKey);
  } catch (cause) {
    signal?.throwIfAborted();
    const error = ending.signal.aborted
      ? new TimedOut(`Tollgate did not answer within ${Math.round(timeoutMs)} ms.`, { cause, idempotencyKey })
      : new Unreachable(`Tollgate cannot be reached at ${line.url}: ${whyOf(cause)}.`, {
          cause,
          idempotencyKey,
        });
    return { error, retryAfterMs: 0 };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

function initOf({ secretKey }: Line, { method, body, idempotencyKey }: Request) {
  return {
    method,
    // A redirect would make a GET of a POST.
    redirect: 'manual' as const,
    headers: {
      authorization: `Bearer ${secretKey}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}

function read(
  { status, ok, headers }: Response,
  text: string,
  retryAfterMs: number,
  idempotencyKey: string | undefined,
): { body: unknown } | Failure {
  const body = parse(text);
  // Whoever else says yes has booked nothing.
  const isTollgate = headers.get('request-id')?.startsWith('req_') ?? false;
  if (ok && body !== undefined && isTollgate) return { body };
  const refused = (body as { error?: ErrorBody } | undefined)?.error;
  return { retryAfterMs, error: errorOf() };

  function errorOf(): TollgateError {
    if (typeof refused?.code === 'string') return new Refusal(status, refused, idempotencyKey);
    if (ok && isTollgate) return new Unreachable('The answer was cut off.', { idempotencyKey });
    if (status === 429 || status >= 500) {
      const message = `Something in front of Tollgate answered ${status}: ${text.slice(0, EXCERPT_LENGTH)}`;
      return new Unreachable(message, { idempotencyKey });
    }
    return new ForeignAnswer(
      `What answered ${status} is not Tollgate, or its header request-id was taken away: is \`url\` right?`,
      status,
    );
  }
}

/** Of a page that somebody else made: enough to see who. */
const EXCERPT_LENGTH = 200;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What fetch fails with says little itself; its cause says more. */
function whyOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
}
