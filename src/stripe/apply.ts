import { transaction } from '../engine/store.ts';
import { Contradiction } from './change.ts';
import { readingOf } from './events.ts';
import type { StripeServices } from './services.ts';
import { closeEvents, failEvents, findOpenEvents } from './store.ts';

/**
 * Works off a stored event: reads its object again and applies the present state, which settles every event of that
 * object that had been stored before the reading. A failure is kept with the events; unless it is a contradiction, it
 * is thrown for the job to be tried again.
 */
export async function applyEvent(services: StripeServices, eventId: string): Promise<void> {
  const { pool, clock } = services;
  const events = await findOpenEvents(pool, eventId);
  const [event] = events;
  if (event === undefined) return; // settled together with another one of its object
  const read = readingOf(event.type)!;
  const ids = events.filter(({ type }) => readingOf(type) === read).map(({ id }) => id);
  try {
    const change = await read(services, event.objectId);
    await transaction(pool, async (tx) => closeEvents(tx, ids, await change(tx), clock.now()));
  } catch (error) {
    await failEvents(pool, ids, (error as Error).message);
    if (!(error instanceof Contradiction)) throw error;
    services.report(`event ${eventId} contradicts what Tollgate knows`, error);
  }
}
