import { checkLimits } from './call.ts';
import { type JournalingClient, type JournalOptions, withJournal } from './journaling.ts';
import type { Limits, Line, OwnLimits } from './send.ts';
import { type Client, verbsOn } from './verbs.ts';

export type ClientOptions = OwnLimits & {
  /** Where Tollgate is, such as `https://tollgate.internal:3000`. */
  url: string;
  secretKey: string;
  /** Another `fetch` than the global one. */
  fetch?: typeof fetch | undefined;
};

/** Short enough for somebody who waits; Tollgate itself answers in milliseconds, or says after ten seconds that it cannot. */
const TIMEOUT_MS = 5_000;
/** Of a whole call, with its waits: what a person bears. */
const DEADLINE_MS = 20_000;
const ATTEMPTS_MAX = 4;

/** A client of the Tollgate at `url`. It opens nothing before it is asked something, and has nothing to close. */
export function createClient(options: ClientOptions & JournalOptions): JournalingClient;
export function createClient(options: ClientOptions): Client;
export function createClient(options: ClientOptions & Partial<JournalOptions>): Client | JournalingClient {
  const { url, secretKey, fetch, timeoutMs, deadlineMs, attemptsMax, ...others } = options;
  const limits = checkLimits({ timeoutMs, deadlineMs, attemptsMax });
  const client = verbsOn(lineOf({ url, secretKey, fetch }, limits));
  const { journal } = others;
  if (journal !== undefined) return withJournal(client, { ...others, journal }, limits);
  for (const [name, value] of Object.entries(others)) {
    if (value !== undefined) throw new TypeError(`${name} needs a journal: give the client one.`);
  }
  return client;
}

function lineOf({ url, secretKey, fetch: own }: ClientOptions, limits: Partial<Limits>): Line {
  // Both come from the environment most often, where they may be missing whatever their types say.
  const address = URL.canParse(url) ? new URL(url) : null;
  if (address === null || !/^https?:$/.test(address.protocol) || address.username !== '') {
    throw new TypeError(`url is where Tollgate is, such as https://tollgate.internal:3000, and not ${url}.`);
  }
  if (!/^[\x21-\x7e]+$/.test(secretKey ?? '')) {
    throw new TypeError('secretKey must be a secret key of Tollgate: its first start shows one.');
  }
  const { origin, pathname } = address;
  return {
    url: origin + pathname.replace(/\/+$/, ''),
    secretKey,
    // Looked up at each call: it may be replaced, and belongs to nothing.
    fetch: own ?? ((...request) => fetch(...request)),
    timeoutMs: TIMEOUT_MS,
    deadlineMs: DEADLINE_MS,
    attemptsMax: ATTEMPTS_MAX,
    ...limits,
  };
}
