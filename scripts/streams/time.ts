import { until } from '../../test/shop.ts';
import type { Site, Worker } from './site.ts';

/** How long a hold lives without a report, and how far time moves at once: a few steps, in which whoever lives is heard. */
export const TTL_SECONDS = 120;
const STEP_SECONDS = 30;

/** What a report may take on the slowest machine. */
const MARGIN_SECONDS = 40;

/**
 * Moves time until whatever a dead worker held has expired. No faster than those that live report: each of their holds
 * outlives every step.
 */
export async function passTime(site: Site, living: Worker | null): Promise<void> {
  for (let passed = 0; passed <= TTL_SECONDS; passed += STEP_SECONDS) {
    await until(() => {
      const safe = site.now() + (STEP_SECONDS + MARGIN_SECONDS) * 1000;
      const open = living === null ? [] : site.witness.open(living.prefix);
      return open.every(
        ({ tag, expiresAt, isEnding }) => expiresAt > safe || (living!.told.has(tag) && !isEnding),
      );
    });
    await site.advance(STEP_SECONDS);
  }
}
