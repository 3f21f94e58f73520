import { AMOUNT_MAX, MICROS_PER_UNIT, type Micros, min, toMicros, toUnits } from '../../lib/amounts.ts';
import { Refusal } from '../../lib/errors.ts';

// What AI work costs at its provider, and how many points that is. Pure and exact.

/**
 * Where a token is counted: in exactly one of these. Beside each stands the pool that it is priced as where a price says
 * nothing of it. Null: it is refused then, because it may well cost many times as much.
 */
const PRICED_AS = {
  input: null,
  cachedInput: 'input',
  cacheWrite: 'input',
  cacheWrite1h: null,
  audioInput: null,
  imageInput: null,
  output: null,
  reasoning: 'output',
  audioOutput: null,
  imageOutput: null,
} as const;
export type Pool = keyof typeof PRICED_AS;
export const POOLS = Object.keys(PRICED_AS) as Pool[];

const isInput = (pool: Pool) => !['output', 'reasoning', 'audioOutput', 'imageOutput'].includes(pool);

/** Tokens of one call, or of several that are charged together, by pool. */
export type Tokens = { [K in Pool]?: number | undefined };

export type Images = { count: number; size?: string | undefined; quality?: string | undefined };

/** What a model did, or is to do: tokens or images, and not both. */
export type ModelWork = { model: string; tokens?: Tokens | undefined; images?: Images | undefined };

/** A request that may name a model's work. */
export type WorkAsked = {
  model?: string | undefined;
  tokens?: Tokens | undefined;
  images?: Images | undefined;
};

/** The work that a request names; null: it names an amount. */
export function workOf({ model, tokens, images }: WorkAsked): ModelWork | null {
  if (model === undefined) return null;
  return tokens === undefined ? { model, images } : { model, tokens };
}

/** The most tokens in one pool of one request: more than any context, and far from where sums are not exact. */
export const TOKENS_MAX = 1_000_000_000;

/** The most images in one request. */
export const IMAGES_MAX = 10_000;

/** Dollars for a million tokens. With tiers, all of them cost what the last tier says that the whole input is above. */
export type PoolPrice = number | { base: number; tiers: { above: number; price: number }[] };

/** An image of this size and quality; what is not said may be any. The price that says most counts. */
export type ImagePrice = { size?: string | undefined; quality?: string | undefined; price: number };

/** What a provider asks for, in dollars. Plain JSON, its numbers are decimals. */
export type ModelPrice = {
  tokens?: { [K in Pool]?: PoolPrice };
  /** For a thousand requests, beside their tokens. */
  perThousandRequests?: number;
  images?: ImagePrice[];
};

/** Where a price is from: the price list, the catalog's own table, or what it says of models that it does not know. */
export const PRICE_SOURCES = ['GENAI_PRICES', 'CATALOG', 'FALLBACK'] as const;

/** All that points are made of. It is kept with the decision, and prices later work of the same hold. */
export type AIPrice = ModelPrice & {
  source: (typeof PRICE_SOURCES)[number];
  /** Of the price list. */
  version?: string;
  provider?: string;
  /** As the source names it. */
  model?: string;
  /** Since when it counts, where the source says so. */
  from?: string;
  /** The hours of each day in which it counts, in UTC. */
  daily?: { from: string; until: string };
  markup: number;
  /** What one point pays for. */
  pointUsd: number;
};

/** Dollars in units of 1e-24: any decimal price of a million tokens is a whole number of them for one. */
export type Cost = bigint;

const COST_DECIMALS = 24;
const USD: Cost = 10n ** BigInt(COST_DECIMALS);
const PER_MILLION = 6;
const PER_THOUSAND = 3;

/** What the provider takes for this work. Throws `invalid_request` for what the price says nothing of. */
export function costOf(price: ModelPrice, { model, tokens, images }: ModelWork): Cost {
  if (images !== undefined) return BigInt(images.count) * costOfImage(price, model, images);
  const used = POOLS.filter((pool) => (tokens?.[pool] ?? 0) > 0);
  if (used.length === 0) return 0n;
  const input = inputOf(tokens!);
  const perRequest = exactly(price.perThousandRequests ?? 0, COST_DECIMALS - PER_THOUSAND);
  return used.reduce(
    (sum, pool) => sum + BigInt(tokens![pool]!) * costOfToken(price, model, pool, input),
    perRequest,
  );
}

/** Points for a cost: rounded up, and at least one, so that no work is free. */
export function pointsFor(cost: Cost, { markup, pointUsd }: AIPrice): Micros {
  const point = USD * toMicros(pointUsd)!;
  const points = (cost * toMicros(markup)! + point - 1n) / point;
  return (points > 0n ? points : 1n) * MICROS_PER_UNIT;
}

export type Priced = {
  /** Whole points, in micro-units. */
  points: Micros;
  /** What the provider takes, in dollars, rounded up at the twelfth decimal. */
  costUsd: number;
};

/** What work comes to at a price. Nothing done, as when a call broke off before it began, is no points. */
export function priceWork(price: AIPrice, work: ModelWork): Priced {
  const isNothing = work.images === undefined && POOLS.every((pool) => (work.tokens?.[pool] ?? 0) === 0);
  if (isNothing) return { points: 0n, costUsd: 0 };
  const cost = costOf(price, work);
  const points = pointsFor(cost, price);
  if (points > AMOUNT_MAX) {
    const param = work.images === undefined ? 'tokens' : 'images';
    throw new Refusal(
      'invalid_request',
      `${param}: is ${points / MICROS_PER_UNIT} points in all; at most ${toUnits(AMOUNT_MAX)} can be charged at once.`,
      { param },
    );
  }
  return { points, costUsd: toUsd(cost) };
}

/**
 * The most output tokens that can be had for so many points, with all other tokens as they are. Null: not even those
 * others can be paid for.
 */
export function affordableOutput(price: AIPrice, work: ModelWork, points: Micros): number | null {
  const tokens = work.tokens!;
  const outputOf = (output: number) => costOf(price, { ...work, tokens: { ...tokens, output } });
  // A model that only reads, such as one for embeddings, has no price for output: there is none to be had.
  if (price.tokens?.output === undefined) return affordableUnits(price, outputOf(0), 0n, points, 0);
  const withOne = outputOf(1);
  const perToken = costOfToken(price, work.model, 'output', inputOf(tokens));
  return affordableUnits(price, withOne - perToken, perToken, points, TOKENS_MAX);
}

/** The most images of this size and quality that can be had for so many points. */
export function affordableImages(price: AIPrice, { model, images }: ModelWork, points: Micros): number {
  return affordableUnits(price, 0n, costOfImage(price, model, images!), points, IMAGES_MAX) ?? 0;
}

function affordableUnits(
  { markup, pointUsd }: AIPrice,
  base: Cost,
  perUnit: Cost,
  points: Micros,
  most: number,
): number | null {
  const whole = points / MICROS_PER_UNIT;
  const budget = (whole * USD * toMicros(pointUsd)!) / toMicros(markup)!;
  if (whole < 1n || budget < base) return null;
  return perUnit === 0n ? most : Number(min((budget - base) / perUnit, BigInt(most)));
}

function inputOf(tokens: Tokens): number {
  return POOLS.filter(isInput).reduce((sum, pool) => sum + (tokens[pool] ?? 0), 0);
}

function costOfToken(price: ModelPrice, model: string, pool: Pool, input: number): Cost {
  for (let priced: Pool | null = pool; priced !== null; priced = PRICED_AS[priced]) {
    const found = price.tokens?.[priced];
    if (found !== undefined) return exactly(tierOf(found, input), COST_DECIMALS - PER_MILLION);
  }
  const param = `tokens.${pool}`;
  throw new Refusal('invalid_request', `${param}: the price of ${name(model)} says nothing of such tokens.`, {
    param,
  });
}

function tierOf(price: PoolPrice, input: number): number {
  if (typeof price === 'number') return price;
  return price.tiers.reduce((found, tier) => (input > tier.above ? tier.price : found), price.base);
}

function costOfImage({ images = [] }: ModelPrice, model: string, asked: Images): Cost {
  const [found] = images
    .filter(({ size }) => size === undefined || size === asked.size)
    .filter(({ quality }) => quality === undefined || quality === asked.quality)
    .sort((a, b) => saysOf(b) - saysOf(a));
  if (found !== undefined) return exactly(found.price, COST_DECIMALS);
  if (images.length === 0) {
    throw new Refusal('invalid_request', `images: the price of ${name(model)} says nothing of images.`, {
      param: 'images',
    });
  }
  const known = images.map(({ size = 'any size', quality = 'any quality' }) => `${size} in ${quality}`);
  throw new Refusal(
    'invalid_request',
    `images: the price of ${name(model)} is for ${known.join(', ')}; name one of these.`,
    { param: 'images' },
  );
}

/** How much a price of images says. */
export function saysOf({ size, quality }: ImagePrice): number {
  return (size === undefined ? 0 : 1) + (quality === undefined ? 0 : 1);
}

function name(model: string): string {
  return JSON.stringify(model);
}

/** A decimal number, as it is written, times a power of ten. What is smaller than one counts as one. */
function exactly(price: number, decimals: number): Cost {
  const [, whole, part = '', exponent = '0'] = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(price))!;
  const digits = BigInt(whole! + part);
  const shift = decimals - part.length + Number(exponent);
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  return (digits + divisor - 1n) / divisor;
}

const USD_DECIMALS = 12; // exact for any price of a million tokens with six decimals

function toUsd(cost: Cost): number {
  const unit = 10n ** BigInt(COST_DECIMALS - USD_DECIMALS);
  return Number((cost + unit - 1n) / unit) / 10 ** USD_DECIMALS;
}
