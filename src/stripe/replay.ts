import type { Selectable } from 'kysely';
import type Stripe from 'stripe';
import type { Db } from '../db/pool.ts';
import type { StripeEvent } from '../db/types.ts';
import { Refusal } from '../lib/errors.ts';
import { objectIdOf, whyIgnored } from './events.ts';
import { type EventRow, findEvent, putBack } from './store.ts';

/** One event as it was kept, with what Stripe sent. */
export async function showEvent(db: Db, id: string): Promise<Selectable<StripeEvent>> {
  const event = await findEvent(db, id);
  if (event === undefined) throw noSuchEvent(id);
  return event;
}

/**
 * Puts an event back among those that wait, whatever became of it, to be worked off at once: its object is read again,
 * and its present state applied. What was booked before is not booked twice. `livemode` is the mode of the key.
 */
export async function replayEvent(
  { db, livemode }: { db: Db; livemode: boolean },
  id: string,
): Promise<EventRow> {
  // By what is known today: a newer version may know what to do with events that an older one ignored.
  const kept = await showEvent(db, id);
  const event = kept.payload as Stripe.Event;
  const objectId = objectIdOf(event);
  const reason = whyIgnored(event, livemode);
  if (reason !== null) {
    throw new Refusal('not_replayable', `The event ${id} cannot be replayed. ${reason}`, { param: 'id' });
  }
  const put = await putBack(db, { id, objectId });
  if (put === undefined) throw noSuchEvent(id);
  return put;
}

function noSuchEvent(id: string): Refusal {
  return new Refusal('not_found', `There is no event ${JSON.stringify(id)}.`, { param: 'id' });
}
