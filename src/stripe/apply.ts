import { Contradiction, commit } from './change.ts';
import { isMissing } from './client.ts';
import { followedBy } from './events.ts';
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
  const followed = followedBy(event.type)!;
  const ids = events.filter(({ type }) => followedBy(type) === followed).map(({ id }) => id);
  try {
    const change = await followed.read(services, event.objectId);
    const verdict = await commit(services, async (tx) => {
      const verdict = await change(tx);
      await closeEvents(tx, ids, verdict, clock.now());
      return verdict;
    });
    if (verdict.status === 'FAILED') report(`somebody has to look at the event ${eventId}`, verdict.error);
  } catch (error) {
    await failEvents(pool, ids, (error as Error).message);
    if (!(error instanceof Contradiction || isMissing(error))) throw error;
    report(`the event ${eventId} contradicts what Tollgate knows`, error);
  }
}
