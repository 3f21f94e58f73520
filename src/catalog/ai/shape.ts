import { z } from 'zod';
import { MICROS_PER_UNIT, toMicros } from '../../lib/amounts.ts';
import { micros, strict, TEXT } from '../shape.ts';
import { POOLS, type PoolPrice } from './price.ts';

// The shapes of what a catalog says of AI work. Their messages say what to write instead.

/** Far above any price of a million tokens, or of an image. */
const USD_MAX = 1_000_000n * MICROS_PER_UNIT;

const USD_MESSAGE = 'must be dollars from 0 to 1,000,000 with at most six decimals';
const USD = z.custom<number>((value) => {
  const exact = typeof value === 'number' ? toMicros(value) : undefined;
  return exact !== undefined && exact >= 0n && exact <= USD_MAX;
}, USD_MESSAGE);

export const POINT_USD = micros(
  1n,
  USD_MAX,
  'must say how many dollars one point pays for: a number above 0, up to 1,000,000, with at most six decimals',
);

/** A thousand times the cost; below one, at a loss. */
const MARKUP_MAX = 1000n * MICROS_PER_UNIT;
export const MARKUP = micros(
  1n,
  MARKUP_MAX,
  'must be a number above 0, up to 1,000, with at most six decimals; 1.25 is a quarter more than the cost',
).default(MICROS_PER_UNIT);

export const LIST = z.literal('genai-prices', "must be 'genai-prices', or be left out").optional();

const ABOVE_MESSAGE = 'must be a whole number of tokens, 0 or more';
const TIERED = strict({
  base: USD,
  tiers: z
    .array(
      strict({ above: z.int(ABOVE_MESSAGE).min(0, ABOVE_MESSAGE), price: USD }),
      'must be a list of tiers',
    )
    .min(1, 'must have a tier such as { above: 200000, price: 5 }')
    .refine(
      (tiers) => tiers.every(({ above }, index) => index === 0 || above > tiers[index - 1]!.above),
      'must rise: each tier is above more tokens than the one before',
    ),
});

export const POOL_PRICE: z.ZodType<PoolPrice> = z.unknown().transform((value, context): PoolPrice => {
  const result = (typeof value === 'object' && value !== null ? TIERED : USD).safeParse(value);
  if (result.success) return result.data;
  for (const { path, message } of result.error.issues)
    context.issues.push({ code: 'custom', path, message, input: value });
  return z.NEVER;
});

export const PER_THOUSAND = USD.optional();

export const IMAGE_PRICE = strict({ size: TEXT.optional(), quality: TEXT.optional(), price: USD });

const FROM_MESSAGE = 'must be a day such as 2026-01-31, and counts from 0:00 UTC';
export const FROM = z.iso.date(FROM_MESSAGE).optional();

export const MODEL_KEYS = [...POOLS, 'perThousandRequests', 'images'];
