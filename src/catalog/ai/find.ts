import { type Micros, toUnits } from '../../lib/amounts.ts';
import { Refusal } from '../../lib/errors.ts';
import { type AIPrice, type ModelPrice, type ModelWork, type Priced, priceWork } from './price.ts';

/** How a catalog prices AI work. */
export type AIPricing = {
  /** What one point pays for at a provider, in dollars. */
  pointUsd: Micros;
  /** What the provider's cost is multiplied by. */
  markup: Micros;
  /** The price list that is asked for models that are not in the catalog's own table. */
  list: PriceList | null;
  /** The catalog's own table: prices by model, the latest first. */
  models: Map<string, DatedPrice[]>;
  /** For models that nobody knows. */
  fallback: ModelPrice | null;
};

/** Prices of the providers' price pages, by model and time. */
export type PriceList = {
  version: string;
  /** The price of a model at a time. Undefined: it is unknown, or priced by what no pool of tokens counts. */
  find(model: string, at: number): SourcePrice | undefined;
};

/** A price as its source has it. */
export type SourcePrice = Omit<AIPrice, 'markup' | 'pointUsd'>;

/** Counts from a day on, at 0:00 UTC; null: always. */
export type DatedPrice = { from: string | null; price: ModelPrice };

/**
 * The price that counts for this work now: of the catalog's own table, else of the price list, else of the fallback.
 * Throws `model_unknown` where there is none.
 */
export function findPrice(pricing: AIPricing | null, work: ModelWork, now: number): AIPrice {
  const found = pricing === null ? undefined : findIn(pricing, work, now);
  if (found === undefined) throw modelUnknown(pricing, work);
  return { ...found, markup: toUnits(pricing!.markup), pointUsd: toUnits(pricing!.pointUsd) };
}

/** What work comes to now, and by which price. */
export type QuotedWork = Priced & { price: AIPrice };

export function quoteWork(pricing: AIPricing | null, work: ModelWork, now: number): QuotedWork {
  const price = findPrice(pricing, work, now);
  return { price, ...priceWork(price, work) };
}

function findIn(
  { models, list, fallback }: AIPricing,
  work: ModelWork,
  now: number,
): SourcePrice | undefined {
  const { model } = work;
  const own = models.get(model)?.find(({ from }) => from === null || Date.parse(from) <= now);
  if (own !== undefined && prices(own.price, work)) {
    return { source: 'CATALOG', model, ...(own.from === null ? {} : { from: own.from }), ...own.price };
  }
  const listed = list?.find(model, now);
  if (listed !== undefined && prices(listed, work)) return listed;
  return fallback !== null && prices(fallback, work) ? { source: 'FALLBACK', ...fallback } : undefined;
}

/** Whether a price is one for work of this kind. */
function prices(price: ModelPrice, { images }: ModelWork): boolean {
  return images === undefined ? price.tokens !== undefined : price.images !== undefined;
}

function modelUnknown(pricing: AIPricing | null, { model, images }: ModelWork): Refusal {
  const kind = images === undefined ? 'tokens' : 'images';
  const what = `no price for ${kind} of the model ${JSON.stringify(model)}`;
  const advice =
    pricing === null
      ? 'it has no `ai` that says how models are priced'
      : `check its name, add it to ai.models, or name an ai.fallback${pricing.list === null ? '' : '; another host is named as "groq:llama-3.3-70b-versatile"'}`;
  return new Refusal('model_unknown', `The catalog has ${what}: ${advice}.`, {
    param: 'model',
    details: { model, kind },
  });
}
