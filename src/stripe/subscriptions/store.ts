import { addJob } from '../../db/jobs.ts';
import type { Queryable } from '../../engine/store.ts';
import { REPLAY_TASK } from '../store.ts';

/**
 * Lets be read again what could not be applied because of subscriptions that have ended: its error names one of them. The
 * events of another payer are not closed with those of this one.
 */
export async function replayBlockedBy(db: Queryable, subscriptionIds: string[]): Promise<void> {
  await db.query({
    text: `
      select ${addJob(REPLAY_TASK, 'id')}
      from (
        select id
        from "StripeEvent"
        where status = 'FAILED' and exists (select from unnest($1::text[]) as ended(id) where strpos(error, ended.id) > 0)
      ) blocked`,
    values: [subscriptionIds],
  });
}
