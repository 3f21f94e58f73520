import { Contradiction, commit } from './change.ts';
import { isMissing } from './client.ts';
import { type Followed, followedBy } from './events.ts';
import type { StripeServices } from './services.ts';
import { closeEvents, failEvents, findOpenEvents, findOpenEventsOf } from './store.ts';

/**
 * Works off the events that wait about some objects, one after the other: each object is read again, and its present
 * state applied, which closes all of its events that had been stored before. A failure is kept with the events; unless
 * somebody has to look at it, it is thrown for the job to be tried again.
 */
export async function applyObjects(services: StripeServices, objectIds: string[]): Promise<void> {
  const events = Map.groupBy(await findOpenEventsOf(services.pool, objectIds), ({ objectId }) => objectId);
  const failures: unknown[] = [];
  for (const objectId of new Set(objectIds)) {
    const ways = Map.groupBy(events.get(objectId) ?? [], ({ type }) => followedBy(type)!);
    for (const [followed, together] of ways) {
      const ids = together.map(({ id }) => id);
      await applyTogether(services, followed, objectId, ids).catch((error) => failures.push(error));
    }
  }
  if (failures.length > 0) throw failures[0];
}

/**
 * Works off one event, and with it those of its object that the same is read for. `again`: also if it is closed. Another
 * job may have closed it from what it had read before somebody asked for a replay.
 */
export async function applyEvent(
  services: StripeServices,
  eventId: string,
  { again = false }: { again?: boolean } = {},
): Promise<void> {
  const events = await findOpenEvents(services.pool, eventId, again);
  const [event] = events;
  if (event === undefined) return; // closed together with another one of its object
  const followed = followedBy(event.type)!;
  const ids = events.filter(({ type }) => followedBy(type) === followed).map(({ id }) => id);
  await applyTogether(services, followed, event.objectId, ids);
}

async function applyTogether(
  services: StripeServices,
  followed: Followed,
  objectId: string,
  ids: string[],
): Promise<void> {
  const { pool, clock, report } = services;
  try {
    const change = await followed.read(services, objectId);
    const verdict = await commit(services, async (tx) => {
      const verdict = await change(tx);
      await closeEvents(tx, ids, verdict, clock.now());
      return verdict;
    });
    if (verdict.status === 'FAILED') report(`somebody has to look at the event ${ids[0]}`, verdict.error);
  } catch (error) {
    await failEvents(pool, ids, (error as Error).message);
    if (!(error instanceof Contradiction || isMissing(error))) throw error;
    report(`the event ${ids[0]} contradicts what Tollgate knows`, error);
  }
}
