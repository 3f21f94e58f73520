import { type Limits, type Line, type OwnLimits, type Request, send } from './send.ts';
import type { Operations } from './types.ts';

export type Address = keyof Operations;
export type Input<A extends Address> = Operations[A]['input'];
export type Answer<A extends Address> = Operations[A]['answer'];

export type CallOptions = OwnLimits & {
  /**
   * What makes a repeat the same request, 1 to 255 characters: the first answer is given again, and nothing is done twice.
   * Without one, each call makes its own, and its attempts share it.
   */
  idempotencyKey?: string | undefined;
  signal?: AbortSignal | undefined;
};

/** Asks for what is at an address. What its path does not name travels as the body, or in the query. */
export async function call<A extends Address>(
  line: Line,
  address: A,
  input: Input<A>,
  { idempotencyKey, signal, ...limits }: CallOptions = {},
): Promise<Answer<A>> {
  const { method, path, body } = requestOf(address, input);
  const key = method === 'POST' ? (idempotencyKey ?? crypto.randomUUID()) : undefined;
  if (key !== undefined) checkKey(key);
  const request = { method, path, body, signal, idempotencyKey: key };
  return (await send({ ...line, ...checkLimits(limits) }, request)) as Answer<A>;
}

function requestOf(address: Address, input: object): Pick<Request, 'method' | 'path' | 'body'> {
  const [method, template] = address.split(' ') as [string, string];
  const rest: Record<string, unknown> = { ...input };
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const { [name]: value } = rest;
    delete rest[name];
    return pathPart(name, value);
  });
  if (method === 'POST' || method === 'PUT') return { method, path, body: rest };
  return { method, path: path + queryOf(rest) };
}

function pathPart(name: string, value: unknown): string {
  // Dots would lead to another address, however they are written.
  if (typeof value === 'string' && !/^\.{0,2}$/.test(value)) return encodeURIComponent(value);
  throw new TypeError(`${name} is ${JSON.stringify(value)}, which cannot be asked for.`);
}

function queryOf(input: Record<string, unknown>): string {
  const given = Object.entries(input).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]));
  return given.length === 0 ? '' : `?${query}`;
}

/** Header characters, and no blank at an end: there it would be lost on the way. */
const KEY = /^(?! )[\x20-\x7e\xa1-\xff]{1,255}(?<! )$/;

function checkKey(key: string): void {
  if (!KEY.test(key)) throw new TypeError('idempotencyKey must be 1 to 255 characters of Latin-1.');
}

/** The longest that a timer can wait. */
const TIMER_MAX_MS = 2 ** 31 - 1;

const LIMITS: readonly string[] = ['timeoutMs', 'deadlineMs', 'attemptsMax'];

/** Limits as they were given; what was left out is left out. Throws for one that cannot be. */
export function checkLimits(limits: OwnLimits): Partial<Limits> {
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    if (!LIMITS.includes(name)) throw new TypeError(`${name} is no option of this call.`);
    if (typeof value === 'number' && value >= 1 && value <= TIMER_MAX_MS) continue;
    throw new TypeError(`${name} must be a number from 1 to ${TIMER_MAX_MS}.`);
  }
  return Object.fromEntries(given);
}
