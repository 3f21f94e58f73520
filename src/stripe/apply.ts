import { isContention } from '../engine/failures.ts';
import { type Queryable, transaction } from '../engine/store.ts';
import { type Change, Contradiction, type Verdict } from './change.ts';
import { isMissing } from './client.ts';
import { readingOf } from './events.ts';
import type { StripeServices } from './services.ts';
import { closeEvents, failEvents, findOpenEvents } from './store.ts';

/**
 * Works off a stored event: reads its object again and applies the present state, which closes every event of that
 * object that had been stored before the reading. A failure is kept with the events; unless somebody has to look at it,
 * it is thrown for the job to be tried again. `again`: also if it is closed. Another job may have closed it from what
 * it had read before somebody asked for a replay.
 */
export async function applyEvent(
  services: StripeServices,
  eventId: string,
  { again = false }: { again?: boolean } = {},
): Promise<void> {
  const { pool, clock, report } = services;
  const events = await findOpenEvents(pool, eventId, again);
  const [event] = events;
  if (event === undefined) return; // closed together with another one of its object
  const read = readingOf(event.type)!;
  const ids = events.filter(({ type }) => readingOf(type) === read).map(({ id }) => id);
  try {
    const change = await read(services, event.objectId);
    await commit(services, async (tx) => {
      const verdict = await change(tx);
      await closeEvents(tx, ids, verdict, clock.now());
      return verdict;
    });
  } catch (error) {
    await failEvents(pool, ids, (error as Error).message);
    if (!(error instanceof Contradiction || isMissing(error))) throw error;
    report(`the event ${eventId} contradicts what Tollgate knows`, error);
  }
}

const CONTENTIONS_MAX = 5; // each time somebody else has got further

/** Makes a change in a transaction of its own; again where somebody else was there at the same moment. */
export async function commit({ pool }: Pick<StripeServices, 'pool'>, change: Change): Promise<Verdict> {
  for (let met = 0; ; met++) {
    try {
      return await transaction(pool, (tx: Queryable) => change(tx));
    } catch (error) {
      if (!isContention(error) || met === CONTENTIONS_MAX) throw error;
    }
  }
}
