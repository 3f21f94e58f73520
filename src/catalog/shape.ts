import { z } from 'zod';
import { AMOUNT_MAX, MICROS_PER_UNIT, type Micros, toMicros } from '../lib/amounts.ts';
import { unknownKey } from './part.ts';
import { DEBT_POLICIES, WINDOWS } from './types.ts';

// The shapes of a configuration's parts. Their messages say what to write instead.

/** Names stand on pricing pages. */
const TEXT_LENGTH_MAX = 200;

/** Codes stand in URLs, in indexes and in Stripe's metadata. */
const CODE_LENGTH_MAX = 64;

/** Ten years: whoever wants longer means for ever. */
const EXPIRE_DAYS_MAX = 3650;

/** So that the dearest use, 1,000,000,000 units at this price, still fits the database's Decimal(20,6). */
const CREDITS_PER_UNIT_MAX = 10_000n * MICROS_PER_UNIT;

const ABOVE_ZERO = 'must be a number above 0 with at most six decimals';

export const CODE_PATTERN = new RegExp(`^[A-Za-z0-9][A-Za-z0-9_.:-]{0,${CODE_LENGTH_MAX - 1}}$`);
export const CODE_MESSAGE = `must be named with 1 to ${CODE_LENGTH_MAX} of A-Z a-z 0-9 _ . : -, beginning with a letter or digit`;

const TEXT_MESSAGE = `must be a text of 1 to ${TEXT_LENGTH_MAX} characters`;
export const TEXT = z.string(TEXT_MESSAGE).regex(/\S/, TEXT_MESSAGE).max(TEXT_LENGTH_MAX, TEXT_MESSAGE);

export const FEATURE = z.discriminatedUnion(
  'type',
  [
    strict({ name: TEXT, type: z.literal('switch') }),
    strict({
      name: TEXT,
      type: z.literal('metered'),
      whole: z.boolean('must be true or false').optional(),
    }),
  ],
  {
    error: ({ input }) =>
      typeof input === 'object' && input !== null
        ? "must be 'switch' or 'metered'"
        : 'must be an object with name, type',
  },
);

export const METER = strict({
  allowance: z.union(
    [z.literal('unlimited').transform(() => null), micros(0n, AMOUNT_MAX)],
    "must be a number from 0 to 1,000,000,000 with at most six decimals, or 'unlimited'",
  ),
  per: z.enum(WINDOWS, `must be ${WINDOWS.map((window) => `'${window}'`).join(' or ')}`).optional(),
  overage: z.unknown().optional(),
});

export const OVERAGE_IN_CREDITS = strict({
  creditsPerUnit: micros(1n, CREDITS_PER_UNIT_MAX, `${ABOVE_ZERO}, up to 10,000`),
});

/** Money in major units, per currency. */
export const PRICE = z.record(
  z.string(),
  micros(1n, AMOUNT_MAX, ABOVE_ZERO),
  'must be an object with a price per currency, such as { usd: 10 }',
);

export const PACK = strict({
  name: TEXT,
  credits: micros(1n, AMOUNT_MAX, `${ABOVE_ZERO}, up to 1,000,000,000`),
  price: z.unknown().optional(),
});

export const CUSTOM_CREDITS = strict({
  min: micros(1n, AMOUNT_MAX, ABOVE_ZERO),
  max: micros(1n, AMOUNT_MAX, ABOVE_ZERO),
  creditsPerUnit: micros(1n, AMOUNT_MAX, ABOVE_ZERO),
});

/** Stripe's longest trial: two years. */
export const TRIAL_DAYS_MAX = 730;
export const TRIAL_DAYS = days(1, TRIAL_DAYS_MAX).optional();

/** Longer than Stripe tries to collect a payment. */
const GRACE_DAYS_MAX = 90;
export const GRACE_DAYS = days(0, GRACE_DAYS_MAX).optional();

export const PLAN_CREDITS = micros(1n, AMOUNT_MAX, `${ABOVE_ZERO}, up to 1,000,000,000`).optional();

export const EXPIRE_AFTER_DAYS = days(1, EXPIRE_DAYS_MAX, ', or null for ever').nullable();

export const DEBT = z
  .enum(DEBT_POLICIES, `must be ${DEBT_POLICIES.map((policy) => `'${policy}'`).join(' or ')}`)
  .default('next_purchase');

/** An object with these keys and no others. */
export function strict<S extends z.core.$ZodLooseShape>(shape: S) {
  const keys = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? unknownKey(keys) : `must be an object with ${keys.join(', ')}`,
  });
}

function days(min: number, max: number, or = '') {
  const message = `must be a whole number of days from ${min} to ${max}${or}`;
  return z.int(message).min(min, message).max(max, message);
}

/** A number as exact micro-units within these bounds. */
export function micros(min: Micros, max: Micros, message?: string) {
  return z
    .custom<number>((value) => {
      const exact = typeof value === 'number' ? toMicros(value) : undefined;
      return exact !== undefined && exact >= min && exact <= max;
    }, message)
    .transform((value) => toMicros(value)!);
}
