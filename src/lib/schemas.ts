import { z } from 'zod';
import { AMOUNT_MAX, type Micros, toMicros, toUnits } from './amounts.ts';
import { Refusal } from './errors.ts';
import { toIso } from './times.ts';

/** Checks a request against its schema. Throws `invalid_request`, naming the first field that is wrong. */
export function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  if (issue.code === 'unrecognized_keys') {
    const param = pathOf([...issue.path, issue.keys[0]!]);
    throw new Refusal('invalid_request', `${param} is not a field of this request.`, { param });
  }
  const param = pathOf(issue.path) || 'body';
  const code = issue.code === 'too_big' && issue.origin === 'array' ? 'payload_too_large' : 'invalid_request';
  throw new Refusal(code, `${param}: ${issue.message}`, { param });
}

function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : String(part)))
    .join('.')
    .replaceAll('.[', '[');
}

/** An amount: a JSON number with at most six decimals, above 0 and up to 1,000,000,000; micro-units once parsed. */
export const amountSchema = amountFrom(1n, 'above 0', { exclusiveMinimum: 0 });

/** An amount that may be nothing. */
export const amountOrNoneSchema = amountFrom(0n, 'from 0', { minimum: 0 });

function amountFrom(least: Micros, from: string, meta: { minimum?: number; exclusiveMinimum?: number }) {
  const message = `must be a number ${from} and up to ${toUnits(AMOUNT_MAX)} with at most six decimals`;
  const description = `${from[0]!.toUpperCase()}${from.slice(1)} and up to 1,000,000,000, with at most six decimals.`;
  return z
    .number(message)
    .meta({ description, ...meta, maximum: 1e9 })
    .transform((units, context): Micros => {
      const micros = toMicros(units);
      if (micros !== undefined && micros >= least && micros <= AMOUNT_MAX) return micros;
      context.issues.push({ code: 'custom', message, input: units });
      return z.NEVER;
    });
}

/** A text of at most this many characters. */
export function textSchema(max: number, min = 1) {
  const message = `must be a text of ${min} to ${max} characters`;
  return z
    .string(message)
    .min(min, message)
    .max(max, message)
    .refine(isKeepable, 'must not contain NUL characters or half surrogate pairs');
}

/** Postgres keeps no NUL characters and no half surrogate pairs; nobody means to send them. */
function isKeepable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

const WORKSPACE_ID_MESSAGE = 'must be 1 to 128 of A-Z a-z 0-9 _ - . :';
export const workspaceIdSchema = z
  .string(WORKSPACE_ID_MESSAGE)
  .regex(/^[A-Za-z0-9_.:-]{1,128}$/, WORKSPACE_ID_MESSAGE);

/** Longer than any code that the catalog accepts: an unknown one is answered `feature_unknown`. */
export const featureCodeSchema = textSchema(128);

export const descriptionSchema = textSchema(500, 0);

const TIME_MESSAGE = 'must be an ISO 8601 time with its zone, such as 2026-01-31T12:00:00Z';

/** A point in time; epoch milliseconds once parsed. */
export const timeSchema = z
  .string(TIME_MESSAGE)
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/, TIME_MESSAGE)
  .meta({ format: 'date-time' })
  .transform((text, context): number => {
    const time = Date.parse(text);
    if (!Number.isNaN(time) && isDay(text.slice(0, 10)) && hasFourDigits(time)) return time;
    context.issues.push({ code: 'custom', message: TIME_MESSAGE, input: text });
    return z.NEVER;
  });

/** Seen from UTC, a last day of 9999 may lie in 10000, which is written in another way. */
function hasFourDigits(time: number): boolean {
  return /^\d{4}-/.test(toIso(time));
}

/** JavaScript reads 30 February as 2 March. */
function isDay(date: string): boolean {
  return new Date(date).toISOString().startsWith(date);
}

const KEY_MESSAGE = 'must be 1 to 255 characters';
/** What a client sends as Idempotency-Key: header characters, which are Latin-1 at most. */
export const idempotencyKeySchema = textSchema(255).meta({ description: KEY_MESSAGE });

/** A key as its caller names it. Throws `invalid_request`. */
export function parseKey(key: unknown, param: 'Idempotency-Key' | 'idempotencyKey'): string {
  const result = idempotencyKeySchema.safeParse(key);
  if (result.success) return result.data;
  throw new Refusal('invalid_request', `${param} ${result.error.issues[0]!.message}.`, { param });
}
