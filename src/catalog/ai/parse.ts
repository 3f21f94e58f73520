import type { Part } from '../part.ts';
import type { AIPricing, DatedPrice } from './find.ts';
import { genaiPrices } from './list.ts';
import { type ImagePrice, type ModelPrice, POOLS, saysOf } from './price.ts';
import { FROM, IMAGE_PRICE, LIST, MARKUP, MODEL_KEYS, PER_THOUSAND, POINT_USD, POOL_PRICE } from './shape.ts';

/** Model names as providers write them, with the host before them. */
const MODEL_LENGTH_MAX = 200;

/** Reads how a catalog prices AI work; null where it says nothing, and only whole points can be charged. */
export function readAI(part: Part): AIPricing | null {
  if (part.value === undefined || !part.hasKeys(['pointUsd', 'markup', 'list', 'models', 'fallback']))
    return null;
  const pointUsd = part.at('pointUsd').read(POINT_USD);
  const markup = part.at('markup').read(MARKUP);
  const list = part.at('list').read(LIST);
  const fallback = part.at('fallback');
  const pricing = {
    list: list === undefined ? null : genaiPrices(),
    models: readModels(part.at('models')),
    fallback: fallback.value === undefined ? null : readPrice(fallback),
  };
  return pointUsd === undefined || markup === undefined ? null : { pointUsd, markup, ...pricing };
}

function readModels(part: Part): Map<string, DatedPrice[]> {
  const models = new Map<string, DatedPrice[]>();
  const entries = part.value === undefined ? [] : (part.entries() ?? []);
  for (const [model, entry] of entries) {
    if (model.trim() === '' || model.length > MODEL_LENGTH_MAX)
      entry.refuse(`must be named with 1 to ${MODEL_LENGTH_MAX} characters, as calls name the model`);
    models.set(model, readDated(entry));
  }
  return models;
}

/** One price, or several that follow one another: the latest first. */
function readDated(part: Part): DatedPrice[] {
  const items = Array.isArray(part.value) ? part.items() : [part];
  const dated = items.map((item) => {
    const from = item.at('from').read(FROM) ?? null;
    return { from, price: readPrice(item, ['from']) };
  });
  if (dated.length === 0) part.refuse('must have a price');
  for (const [index, { from }] of dated.entries()) {
    const day = items[index]!.at('from');
    const before = dated[index - 1]?.from ?? null;
    if (index > 0 && from === null) day.refuse('must be there: only the first price may always have counted');
    else if (before !== null && from! <= before) day.refuse('must be after the one before');
  }
  return dated.reverse();
}

function readPrice(part: Part, more: string[] = []): ModelPrice {
  const price: ModelPrice = {};
  if (!part.hasKeys([...more, ...MODEL_KEYS])) return price;
  for (const pool of POOLS) {
    if (part.at(pool).value === undefined) continue;
    const found = part.at(pool).read(POOL_PRICE);
    if (found !== undefined) price.tokens = { ...price.tokens, [pool]: found };
  }
  const perThousandRequests = part.at('perThousandRequests').read(PER_THOUSAND);
  if (perThousandRequests !== undefined) price.perThousandRequests = perThousandRequests;
  const images = part.at('images');
  if (images.value !== undefined) price.images = readImages(images);
  if (price.tokens === undefined && price.images === undefined)
    part.refuse('must have a price for tokens, such as { input: 1.25, output: 10 }, or for images');
  if (price.tokens !== undefined && part.at('input').value === undefined)
    part.at('input').refuse('must be there: every call reads something');
  return price;
}

function readImages(part: Part): ImagePrice[] {
  const items = part.items();
  if (items.length === 0)
    part.refuse("must be a list such as [{ size: '1024x1024', quality: 'high', price: 0.167 }]");
  const read = items.map((item) => ({ item, image: item.read(IMAGE_PRICE) }));
  const images = read.flatMap(({ image }) => image ?? []);
  for (const { item, image } of read) {
    const earlier = image === undefined ? [] : images.slice(0, images.indexOf(image));
    if (earlier.some((other) => isDoubtful(other, image!, images)))
      item.refuse('says as much as another price of the same images: add one that says both');
  }
  return images;
}

/** Whether of some image two prices say as much as each other, and none says more. */
function isDoubtful(a: ImagePrice, b: ImagePrice, images: readonly ImagePrice[]): boolean {
  const meet = (one?: string, other?: string) => one === undefined || other === undefined || one === other;
  if (saysOf(a) !== saysOf(b) || !meet(a.size, b.size) || !meet(a.quality, b.quality)) return false;
  const both = { size: a.size ?? b.size, quality: a.quality ?? b.quality, price: 0 };
  return !images.some(
    (image) => saysOf(image) > saysOf(a) && image.size === both.size && image.quality === both.quality,
  );
}
