import { z } from 'zod';
import { POOLS, type Pool, PRICE_SOURCES } from './price.ts';

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
export function perPool<T extends z.ZodType>(schema: T): Record<Pool, T> {
  const fields = POOLS.map((pool) => [pool, schema.meta({ description: POOL_MEANING[pool] })]);
  return Object.fromEntries(fields) as Record<Pool, T>;
}

const usd = z.number();

const poolPrice = z.union([
  usd,
  z.object({ base: usd, tiers: z.array(z.object({ above: z.int(), price: usd })) }),
]);

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
export const aiPriceSchema = z
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
