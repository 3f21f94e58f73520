import type { AIPrice, ModelWork } from '../catalog/ai/price.ts';

/** What AI work is for, whether it is used or held. */
export type AIWork = {
  type: 'TEXT_CHAT' | 'IMAGE_GENERATION';
  pageId: string;
  /** What a model did, and all that its points were made of. */
  work?: PricedWork;
};

/**
 * Work with the price that it is charged by, and what it costs its provider, in dollars. Null, and no work: only an amount
 * was said.
 */
export type PricedWork = ModelWork & { price: AIPrice; costUsd: number | null };
