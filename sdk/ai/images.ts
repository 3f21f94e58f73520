import type { ImageModelMiddleware } from 'ai';
import { type Images, openHold } from './hold.ts';
import { type Charged, chargedBy, type MeterSettings } from './settings.ts';

type ImageParams = Parameters<NonNullable<ImageModelMiddleware['wrapGenerate']>>[0]['params'];

/**
 * The same for models of images: `wrapImageModel({ model, middleware: tollgateImages({ client, workspaceId, pageId }) })`.
 * Held are as many as were asked for, of their size and quality; charged are those that were made.
 */
export function tollgateImages(settings: MeterSettings): ImageModelMiddleware {
  return {
    specificationVersion: 'v4',

    async wrapGenerate({ params, model }) {
      const { tollgate: said, ...providerOptions } = params.providerOptions;
      const plan = {
        ...(await chargedBy(settings, said)),
        model: settings.pricedAs?.(model) ?? model.modelId,
        images: { count: params.n, size: params.size, quality: qualityOf(params) },
        signal: params.abortSignal,
      };
      const make = () => model.doGenerate({ ...params, providerOptions });
      return meterImages(settings, plan, make, ({ images }) => images.length);
    },
  };
}

/** It has no setting of its own: each provider calls it the same among its own. */
function qualityOf({ providerOptions }: ImageParams): string | undefined {
  const said = Object.values(providerOptions).map(({ quality }) => quality);
  return said.find((quality) => typeof quality === 'string');
}

export type ImagesPlan = Charged & { model: string; images: Images; signal?: AbortSignal | undefined };

/** Nothing is reported while images are made: their hold outlives any of them. */
const IMAGES_TTL_SECONDS = 900;

/** Holds images while they are made, and charges those that were. */
export async function meterImages<T>(
  settings: MeterSettings,
  { workspaceId, pageId, model, images, signal }: ImagesPlan,
  make: () => PromiseLike<T>,
  countOf: (made: T) => number,
): Promise<T> {
  const asked = { workspaceId, pageId, type: 'IMAGE_GENERATION', model, work: { images } } as const;
  const { ttlSeconds = IMAGES_TTL_SECONDS } = settings;
  const hold = await openHold({ ...settings, ttlSeconds }, asked, signal);
  let count = 0;
  try {
    const made = await make();
    count = countOf(made);
    return made;
  } finally {
    await (count === 0 ? hold.release() : hold.settle({ images: { ...images, count } }));
  }
}
