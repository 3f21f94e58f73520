import { createRequire } from 'node:module';
import type { PriceList } from './find.ts';
import type { AIPrice, ModelPrice, Pool, PoolPrice } from './price.ts';

type Package = typeof import('@pydantic/genai-prices');
type Found = NonNullable<ReturnType<Package['calcPrice']>>;

/** What the package names its version: pinned, since prices come with it. */
export const GENAI_PRICES_VERSION = '0.1.8';

const PACKAGE = '@pydantic/genai-prices';

/**
 * The list that comes as a package: it is part of the installation, and nothing is fetched. That it is there is seen now.
 * It is read once, when the first model is looked up: that takes 30 ms and 8 MB, for which a server at rest has no use.
 */
export function genaiPrices(): PriceList {
  const require = createRequire(import.meta.url);
  require.resolve(PACKAGE);
  let read: Package | undefined;

  /** With nothing used, all that is calculated is which price counts. */
  const lookUp = ({ calcPrice }: Package, model: string, at: number, providerId?: string) =>
    calcPrice({ input_tokens: 0, output_tokens: 0 }, model, {
      timestamp: new Date(at),
      ...(providerId === undefined ? {} : { providerId }),
    });

  return {
    version: GENAI_PRICES_VERSION,
    find(model, at) {
      read ??= require(PACKAGE) as Package;
      const [, prefix, rest] = /^([^:/]+)[:/](.+)$/.exec(model) ?? [];
      const provider = prefix === undefined ? undefined : read.findProvider({ providerId: prefix });
      const found = provider === undefined ? lookUp(read, model, at) : lookUp(read, rest!, at, provider.id);
      const price = found === null ? undefined : modelPriceOf(found.model_price);
      if (found === null || price === undefined) return undefined;
      return {
        source: 'GENAI_PRICES',
        version: GENAI_PRICES_VERSION,
        provider: found.provider.id,
        model: found.model.id,
        ...validityOf(found),
        ...price,
      };
    },
  };
}

/** Since when, and in which hours, the price counts that was found. */
function validityOf({ model, model_price }: Found): Pick<AIPrice, 'from' | 'daily'> {
  const conditions = Array.isArray(model.prices) ? model.prices : [];
  const constraint = conditions.find(({ prices }) => prices === model_price)?.constraint;
  if (constraint === undefined) return {};
  return constraint.type === 'start_date'
    ? { from: constraint.start_date }
    : { daily: { from: constraint.start_time, until: constraint.end_time } };
}

/** What the package calls the price of a pool, for a million tokens. */
const POOL_OF = new Map<string, Pool>([
  ['input_mtok', 'input'],
  ['cache_read_mtok', 'cachedInput'],
  ['cache_write_mtok', 'cacheWrite'],
  ['cache_write_1h_mtok', 'cacheWrite1h'],
  ['input_audio_mtok', 'audioInput'],
  ['input_image_mtok', 'imageInput'],
  ['output_mtok', 'output'],
  ['output_reasoning_mtok', 'reasoning'],
  ['output_audio_mtok', 'audioOutput'],
  ['output_image_mtok', 'imageOutput'],
]);

/** Not counted in pools: tools of the provider, and audio and images from a cache, which count as read anew. */
const LEFT_OUT = new Set([
  ...['web_searches_kcount', 'storage_searches_kcount'],
  ...['cache_audio_read_mtok', 'cache_image_read_mtok'],
]);

/** Undefined: there is no price for tokens, or also one for what no pool counts, such as hours or video. */
function modelPriceOf(prices: Found['model_price']): ModelPrice | undefined {
  const price: ModelPrice = {};
  for (const [key, value] of Object.entries(prices)) {
    const pool = POOL_OF.get(key);
    if (value === undefined || LEFT_OUT.has(key)) continue;
    if (pool !== undefined) price.tokens = { ...price.tokens, [pool]: poolPriceOf(value) };
    else if (key === 'requests_kcount' && typeof value === 'number') price.perThousandRequests = value;
    else return undefined;
  }
  return price.tokens?.input === undefined ? undefined : price;
}

function poolPriceOf(value: NonNullable<Found['model_price'][string]>): PoolPrice {
  if (typeof value === 'number') return value;
  return { base: value.base, tiers: value.tiers.map(({ start, price }) => ({ above: start, price })) };
}
