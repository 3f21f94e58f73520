/** Charges AI work while it streams: middleware of the Vercel AI SDK on a client of `tollgate/client`. */
export { tollgateImages } from './images.ts';
export { tollgate } from './middleware.ts';
export type { MeterFailure, MeterSettings, TextOrLookup } from './settings.ts';
