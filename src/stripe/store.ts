import type { Queryable } from '../engine/store.ts';
import type { Verdict } from './change.ts';

export type KeptEvent = {
  id: string;
  type: string;
  objectId: string | null;
  livemode: boolean;
  payload: string;
  status: 'RECEIVED' | 'IGNORED';
  error: string | null;
};

/** The task that works off an event. */
export const EVENT_TASK = 'stripe.event';

/** Keeps an event, and its job with it, in one statement; one that is there already stays as it is. */
export async function keepEvent(db: Queryable, event: KeptEvent, now: Date): Promise<void> {
  await db.query({
    text: `
      with kept as (
        insert into "StripeEvent" (id, type, "objectId", livemode, payload, status, error, "receivedAt")
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (id) do nothing
        returning id, status
      )
      select ${addJob('id')}
      from kept
      where status = 'RECEIVED'`,
    values: [
      event.id,
      event.type,
      event.objectId,
      event.livemode,
      event.payload,
      event.status,
      event.error,
      now,
    ],
  });
}

/** One waiting job an event; asking again for one that runs, or was left behind locked, makes another. */
function addJob(id: string): string {
  return `graphile_worker.add_job(
        '${EVENT_TASK}', json_build_object('id', ${id}), job_key => '${EVENT_TASK}:' || ${id}, job_key_mode => 'preserve_run_at'
      )`;
}

/** An event that is not closed yet, first, and all others of its object. */
export async function findOpenEvents(
  db: Queryable,
  id: string,
): Promise<{ id: string; type: string; objectId: string }[]> {
  const { rows } = await db.query({
    text: `
      select other.id, other.type, other."objectId"
      from "StripeEvent" event
      join "StripeEvent" other on other."objectId" = event."objectId"
      where event.id = $1
        and event.status in ('RECEIVED', 'FAILED')
        and other.status in ('RECEIVED', 'FAILED')
      order by other.id <> event.id, other."receivedAt"`,
    values: [id],
  });
  return rows;
}

export async function closeEvents(db: Queryable, ids: string[], verdict: Verdict, now: Date): Promise<void> {
  await db.query({
    text: `
      update "StripeEvent"
      set status = $2, error = $3, attempts = attempts + 1, "appliedAt" = $4
      where id = any($1)`,
    values: [
      ids,
      verdict.status,
      verdict.status === 'APPLIED' ? null : verdict.error,
      verdict.status === 'APPLIED' ? now : null,
    ],
  });
}

export async function failEvents(db: Queryable, ids: string[], error: string): Promise<void> {
  await db.query({
    // Another process may have closed them meanwhile.
    text: `
      update "StripeEvent"
      set status = 'FAILED', error = $2, attempts = attempts + 1
      where id = any($1) and status in ('RECEIVED', 'FAILED')`,
    values: [ids, error],
  });
}

/** Gives a job again to events that have waited since before then: its worker may have been killed. */
export async function requeueEvents(db: Queryable, receivedBefore: Date, max: number): Promise<void> {
  await db.query({
    text: `
      select ${addJob('id')}
      from (
        select id
        from "StripeEvent"
        where status = 'RECEIVED' and "receivedAt" <= $1
        order by "receivedAt"
        limit $2
      ) waiting`,
    values: [receivedBefore, max],
  });
}
