import { type Selectable, sql } from 'kysely';
import { addJob, addJobs } from '../db/jobs.ts';
import { type Filters, type PageAsked, readPage } from '../db/page.ts';
import type { Db } from '../db/pool.ts';
import type { StripeEvent } from '../db/types.ts';
import type { Queryable } from '../engine/store.ts';
import type { Verdict } from './change.ts';

/** What an event is about: an object, and the customer whose events are worked off together, one after the other. */
export type About = { objectId: string | null; customerId: string | null };

export type KeptEvent = About & {
  id: string;
  type: string;
  livemode: boolean;
  payload: string;
  status: 'RECEIVED' | 'IGNORED';
  error: string | null;
};

/** The tasks that work off what has come about a customer, an event that was left, and one that is to be read again. */
export const CUSTOMER_TASK = 'stripe.customer';
export const EVENT_TASK = 'stripe.event';
export const REPLAY_TASK = 'stripe.replay';

/**
 * Keeps events in one statement; one that is there already stays as it is. Resolves to what those are about that are new
 * and wait. Payloads travel as one array of JSON, where nothing has to be escaped.
 */
export async function keepEvents(db: Queryable, events: readonly KeptEvent[], now: Date): Promise<About[]> {
  const { rows } = await db.query({
    name: 'stripe:keep',
    text: `
      insert into "StripeEvent" (id, type, "objectId", livemode, payload, status, error, "receivedAt")
      select id, type, "objectId", livemode, payload, status, error, $8
      from rows from (
        unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::"StripeEventStatus"[], $6::text[]),
        jsonb_array_elements($7::jsonb)
      ) event(id, type, "objectId", livemode, status, error, payload)
      order by id -- two processes that are told the same never wait for each other in a circle
      on conflict (id) do nothing
      returning id`,
    values: [
      events.map(({ id }) => id),
      events.map(({ type }) => type),
      events.map(({ objectId }) => objectId),
      events.map(({ livemode }) => livemode),
      events.map(({ status }) => status),
      events.map(({ error }) => error),
      `[${events.map(({ payload }) => payload).join()}]`,
      now,
    ],
  });
  const kept = new Set(rows.map(({ id }) => id));
  return events
    .filter(({ id, status }) => status === 'RECEIVED' && kept.delete(id))
    .map(({ objectId, customerId }) => ({ objectId, customerId }));
}

/** Has events worked off: one job for each customer that they are about, which takes its objects in the order given. */
export async function addCustomerJobs(db: Queryable, about: readonly About[]): Promise<void> {
  const payloads = [...Map.groupBy(about, ({ customerId, objectId }) => customerId ?? objectId)].map(
    ([id, its]) => ({ id, objectIds: [...new Set(its.map(({ objectId }) => objectId))] }),
  );
  await db.query({
    name: 'stripe:jobs',
    text: `select ${addJobs(CUSTOMER_TASK, 'payload')} from json_array_elements($1::json) job(payload)`,
    values: [JSON.stringify(payloads)],
  });
}

export type OpenEvent = { id: string; type: string; objectId: string };

/** The events of some objects that are not closed yet. */
export async function findOpenEventsOf(db: Queryable, objectIds: string[]): Promise<OpenEvent[]> {
  const { rows } = await db.query({
    name: 'stripe:open',
    text: `
      select id, type, "objectId"
      from "StripeEvent"
      where "objectId" = any($1) and status in ('RECEIVED', 'FAILED')
      order by "receivedAt", id`,
    values: [objectIds],
  });
  return rows;
}

/** An event that is not closed yet, first, and all others of its object; `evenClosed`: the event in any case. */
export async function findOpenEvents(db: Queryable, id: string, evenClosed: boolean): Promise<OpenEvent[]> {
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
    name: 'stripe:close',
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
