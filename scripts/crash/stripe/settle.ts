import { setTimeout as sleep } from 'node:timers/promises';
import { requeueWaiting, rereadCheckouts, rereadSubscriptions } from '../../../src/jobs/tasks.ts';
import type { StripeServices } from '../../../src/stripe/services.ts';
import { lookAfterTopUps } from '../../../src/stripe/topups/charge.ts';
import type { Asking } from './asking.ts';
import type { Site } from './site.ts';
import { moveTime } from './time.ts';

/** Whatever a process that was killed has left is due by then. */
const LATER_MS = 10 * 60_000;

const PATIENCE_MS = 60_000;
const POLL_MS = 100;

/** Lets all that was begun come to its end, with nothing going wrong any more; resolves to what does not. */
export async function settle(site: Site, asking: Asking): Promise<string[]> {
  site.simulator.setFaults();
  await site.simulator.idle();
  await moveTime(site, asking, LATER_MS);
  await site.simulator.idle();
  for (const until = Date.now() + PATIENCE_MS; ; await sleep(POLL_MS)) {
    await doEveryMinute(site.services);
    const left = await underWay(site.services);
    if (left.length === 0) return [];
    if (Date.now() > until) return left.map((what) => `it comes to no end: ${what}`);
  }
}

/** What the servers do each minute, without waiting for it. */
async function doEveryMinute(services: StripeServices): Promise<void> {
  await requeueWaiting(services, 0);
  await rereadCheckouts(services);
  await rereadSubscriptions(services);
  await lookAfterTopUps(services);
}

async function underWay({ pool }: StripeServices): Promise<string[]> {
  const { rows } = await pool.query(`
    select 'event ' || id || ' ' || type as what from "StripeEvent" where status = 'RECEIVED'
    union all
    select 'top-up of ' || "workspaceId" from "AutoTopUp" where status = 'PENDING'`);
  return rows.map(({ what }) => what);
}
