import type { AIPrice, ModelWork } from '../catalog/ai/price.ts';

/** What AI work is for, whether it is used or held. */
export type AIWork = {
  type: 'TEXT_CHAT' | 'IMAGE_GENERATION';
  pageId: string;
  /** What a model did, and all that its points were made of. */
  work?: PricedWork;
};

/** Work with the price that it was charged by, and what it cost its provider, in dollars. */
export type PricedWork = ModelWork & { price: AIPrice; costUsd: number };
