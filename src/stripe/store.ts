import { type Selectable, sql } from 'kysely';
import { addJob } from '../db/jobs.ts';
import { type Filters, type PageAsked, readPage } from '../db/page.ts';
import type { Db } from '../db/pool.ts';
import type { StripeEvent } from '../db/types.ts';
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

/** The tasks that work off an event: one that has come, and one that somebody wants to be read again. */
export const EVENT_TASK = 'stripe.event';
export const REPLAY_TASK = 'stripe.replay';

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
      select ${addJob(EVENT_TASK, 'id')}
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

/** An event that is not closed yet, first, and all others of its object; `evenClosed`: the event in any case. */
export async function findOpenEvents(
  db: Queryable,
  id: string,
  evenClosed: boolean,
): Promise<{ id: string; type: string; objectId: string }[]> {
  const { rows } = await db.query({
    text: `
      select other.id, other.type, other."objectId"
      from "StripeEvent" event
      join "StripeEvent" other on other."objectId" = event."objectId"
      where event.id = $1
        and (event.status in ('RECEIVED', 'FAILED') or $2)
        and (other.status in ('RECEIVED', 'FAILED') or other.id = event.id)
      order by other.id <> event.id, other."receivedAt"`,
    values: [id, evenClosed],
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
      select ${addJob(EVENT_TASK, 'id')}
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

/** An event as it stands in a list. */
export type EventRow = Omit<Selectable<StripeEvent>, 'payload'>;

const COLUMNS = [
  ...(['id', 'type', 'objectId', 'livemode', 'status'] as const),
  ...(['attempts', 'error', 'receivedAt', 'appliedAt'] as const),
];

export const listEvents = (db: Db, page: PageAsked, filters: Filters<'StripeEvent'>) =>
  readPage(db.selectFrom('StripeEvent').select(COLUMNS), page, filters, 'receivedAt');

export const findEvent = (db: Db, id: string): Promise<Selectable<StripeEvent> | undefined> =>
  db.selectFrom('StripeEvent').selectAll().where('id', '=', id).executeTakeFirst();

/** Makes an event one that waits, and gives it a job of its own, in one statement. */
export async function putBack(
  db: Db,
  { id, objectId }: { id: string; objectId: string | null },
): Promise<EventRow | undefined> {
  const { rows } = await sql<EventRow>`
    with event as (
      update "StripeEvent"
      set status = 'RECEIVED', "objectId" = ${objectId}, error = null, "appliedAt" = null
      where id = ${id}
      returning ${sql.join(COLUMNS.map((column) => sql.ref(column)))}
    )
    select event.*
    from event
    cross join lateral ${sql.raw(addJob(REPLAY_TASK, 'event.id'))}`.execute(db);
  return rows[0];
}
