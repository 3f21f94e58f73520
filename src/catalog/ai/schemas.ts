import { z } from 'zod';
import { textSchema } from '../../lib/schemas.ts';
import { IMAGES_MAX, POOLS, type Pool, PRICE_SOURCES, TOKENS_MAX, type WorkAsked } from './price.ts';

/** What each pool counts, as the API document says it: providers' own figures often contain one another. */
const POOL_MEANING: Record<Pool, string> = {
  input: 'Read, and in none of the other pools: without what came from a cache or went into it.',
  cachedInput: "Read from the provider's cache. No `input`.",
  cacheWrite: "Written to the provider's cache. No `input`.",
  cacheWrite1h: 'Written to a cache that lasts an hour, where that costs more. No `cacheWrite`.',
  audioInput: 'Audio that was read, from a cache or not. No `input`.',
  imageInput: 'Images that were read, where they have a price of their own. No `input`.',
  output: 'Written, and in none of the other pools: without reasoning.',
  reasoning: 'Thought before the answer. No `output`.',
  audioOutput: 'Audio that was made. No `output`.',
  imageOutput: 'Images that were made, where they are counted in tokens. No `output`.',
};

/** A field for each pool. */
function perPool<T extends z.ZodType, P extends Pool>(
  schema: T,
  pools: readonly P[] = POOLS as P[],
): Record<P, T> {
  const fields = pools.map((pool) => [pool, schema.meta({ description: POOL_MEANING[pool] })]);
  return Object.fromEntries(fields) as Record<P, T>;
}

const COUNT_MESSAGE = `must be a whole number from 0 to ${TOKENS_MAX}`;
const count = z.int(COUNT_MESSAGE).min(0, COUNT_MESSAGE).max(TOKENS_MAX, COUNT_MESSAGE);

const IMAGES_MESSAGE = `must be a whole number from 1 to ${IMAGES_MAX}`;

/** What a request says of a model's work. Tokens that are still to be written may be left out where they are asked for. */
export const tokensSchema = z.strictObject(
  { ...perPool(count.optional()), ...perPool(count, ['input', 'output']) },
  'must be an object with input, output and other pools',
);
export const tokensAskedSchema = tokensSchema.partial({ output: true });
export const imagesSchema = z.strictObject(
  {
    count: z.int(IMAGES_MESSAGE).min(1, IMAGES_MESSAGE).max(IMAGES_MAX, IMAGES_MESSAGE),
    size: textSchema(50).optional(),
    quality: textSchema(50).optional(),
  },
  'must be an object with count, size, quality',
);

export const modelSchema = textSchema(200).meta({
  description:
    'As its provider names it, such as `gpt-5`, or with the provider that serves it, such as `groq:openai/gpt-oss-120b`.',
});

type Mistake = { field: 'model' | 'tokens' | 'images' | 'amount'; message: string };

/**
 * What is wrong with a request that names an amount, or the work of a model, and not both. Without either, the amount is
 * what is missing, if one is needed.
 */
export function mistakeIn(
  { model, tokens, images, amount }: WorkAsked & { amount?: unknown },
  { isNeeded }: { isNeeded: boolean },
): Mistake | null {
  if (model === undefined) {
    if (tokens !== undefined || images !== undefined)
      return { field: 'model', message: 'must say which model did this' };
    return amount === undefined && isNeeded
      ? { field: 'amount', message: 'must be there, or model with tokens or images' }
      : null;
  }
  if (amount !== undefined) {
    const message = 'must be left out where a model is named: its price says what its work comes to';
    return { field: 'amount', message };
  }
  if (tokens === undefined && images === undefined)
    return { field: 'tokens', message: 'must be there, or images: what the model did' };
  const mistake = mistakeInReport({ tokens, images });
  if (mistake !== null) return mistake;
  return tokens !== undefined && POOLS.every((pool) => (tokens[pool] ?? 0) === 0)
    ? { field: 'tokens', message: 'must count at least one token' }
    : null;
}

/** What is wrong with a report of a hold: it names an amount, or what the hold's model has done, and not both. */
export function mistakeInReport({
  tokens,
  images,
  amount,
}: Omit<WorkAsked, 'model'> & { amount?: unknown }): Mistake | null {
  if (tokens !== undefined && images !== undefined)
    return { field: 'images', message: 'must be left out where there are tokens: work is one or the other' };
  const work = tokens ?? images;
  if (work !== undefined && amount !== undefined) {
    return {
      field: 'amount',
      message: 'must be left out where work is said: its price says what that comes to',
    };
  }
  if (work !== undefined || amount !== undefined) return null;
  return { field: 'amount', message: 'must be there, or tokens or images of a hold that names a model' };
}

/** Notes a mistake in a request, in the field that it is in. */
export function refuseMistake(
  { issues, value }: z.core.ParsePayload,
  mistake: Mistake | null,
  pathOf: (field: Mistake['field']) => string[] = (field) => [field],
): void {
  if (mistake === null) return;
  issues.push({ code: 'custom', path: pathOf(mistake.field), message: mistake.message, input: value });
}

const usd = z.number();

const poolPrice = z
  .union([usd, z.object({ base: usd, tiers: z.array(z.object({ above: z.int(), price: usd })) })])
  .meta({ id: 'PoolPrice' });

/** A price of a model's work, in dollars. */
export const modelPriceShape = {
  tokens: z
    .object(perPool(poolPrice.optional()))
    .optional()
    .meta({ description: 'For a million tokens; with tiers, by how many are read in all.' }),
  perThousandRequests: usd.optional(),
  images: z
    .array(z.object({ size: z.string().optional(), quality: z.string().optional(), price: usd }))
    .optional(),
};

/** The price that work was charged by, as it is kept. */
const aiPriceSchema = z
  .object({
    source: z
      .enum(PRICE_SOURCES)
      .meta({ description: "The price list, the catalog's own table, or its price for unknown models." }),
    version: z.string().optional().meta({ description: 'Of the price list.' }),
    provider: z.string().optional(),
    model: z.string().optional().meta({ description: 'As the source names it.' }),
    from: z.iso.date().optional().meta({ description: 'Since when it counts.' }),
    daily: z
      .object({ from: z.string(), until: z.string() })
      .optional()
      .meta({ description: 'The hours in which it counts, in UTC.' }),
    ...modelPriceShape,
    markup: z.number(),
    pointUsd: z.number().meta({ description: 'Dollars that one point pays for.' }),
  })
  .meta({ id: 'AIPrice' });

/** What a model did, what that was priced by, and what it cost its provider. */
export const pricedWorkSchema = z
  .object({
    model: z.string(),
    tokens: z.object(perPool(z.int().optional())).optional(),
    images: z
      .object({ count: z.int(), size: z.string().optional(), quality: z.string().optional() })
      .optional(),
    price: aiPriceSchema,
    costUsd: z.number().nullable().meta({
      description:
        "The provider's cost in dollars, rounded up at the twelfth decimal, before the markup; null, where only an amount was said.",
    }),
  })
  .meta({ id: 'PricedWork' });
