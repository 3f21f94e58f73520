import { isDeepStrictEqual } from 'node:util';
import Stripe from 'stripe';
import { invalid, noSuch } from './api/errors.ts';
import { listing, paginate } from './api/lists.ts';
import { boolean, created, listOf, type Params, text } from './api/params.ts';
import { makeId } from './ids.ts';
import type { Endpoint } from './store.ts';
import { nowSeconds, type World } from './world.ts';

/** The shape of events: the version that the pinned `stripe` package speaks. */
export const API_VERSION = Stripe.API_VERSION;

const LIFETIME_SECONDS = 30 * 24 * 60 * 60; // Stripe answers for events of the last 30 days

type Content<E> = E extends Stripe.Event ? Pick<E, 'type' | 'data'> : never;

/** Records that something happened and, in the same write, what is to be delivered because of it. */
export function emit(world: World, content: Content<Stripe.Event>): void {
  const now = nowSeconds({ clock: world.eventClock ?? world.clock });
  for (const event of world.store.all('event')) {
    if (event.created > now - LIFETIME_SECONDS) break; // oldest first
    if (!isOnItsWay(world, event)) world.store.drop('event', event.id);
  }
  const id = makeId('event');
  const endpoints = [...world.store.all('endpoint')].filter((endpoint) => listensTo(endpoint, content.type));
  world.store.put('event', {
    id,
    object: 'event',
    api_version: API_VERSION,
    created: now,
    livemode: false,
    pending_webhooks: endpoints.length,
    request: world.request,
    ...content,
  });
  for (const endpoint of endpoints) {
    world.store.put('delivery', {
      id: `${id}:${endpoint.id}`,
      event: id,
      endpoint: endpoint.id,
      attempts: 0,
    });
  }
}

/** Months may pass in one step; what was told in them is delivered all the same. */
function isOnItsWay(world: World, { id, pending_webhooks: pending }: Stripe.Event): boolean {
  if (pending === 0) return false;
  return [...world.store.all('endpoint')].some(
    (endpoint) => world.store.get('delivery', `${id}:${endpoint.id}`) !== undefined,
  );
}

function listensTo({ endpoint }: Endpoint, type: string): boolean {
  if (endpoint.status !== 'enabled') return false;
  return endpoint.enabled_events.includes('*') || endpoint.enabled_events.includes(type);
}

/** What an update changed, as it was before: `previous_attributes`. */
export function previousOf<T extends object>(before: T, after: T): Partial<T> {
  const previous: Partial<T> = {};
  for (const key of Object.keys(after) as (keyof T)[]) {
    if (!isDeepStrictEqual(before[key], after[key])) previous[key] = before[key];
  }
  return previous;
}

export const eventListing = {
  ...listing,
  created: created(),
  delivery_success: boolean(),
  type: text(),
  types: listOf(text(), 20),
};

export function listEvents(world: World, params: Params<typeof eventListing>): Stripe.ApiList<Stripe.Event> {
  const { created: within, delivery_success: delivered, type, types } = params;
  if (type !== undefined && types !== undefined) {
    throw invalid('You may only specify one of these parameters: type, types.', { param: 'type' });
  }
  return paginate(world.store.all('event'), '/v1/events', params, 'event', (event) => {
    if (within !== undefined && !within(event.created)) return false;
    if (delivered !== undefined && delivered !== (event.pending_webhooks === 0)) return false;
    if (type !== undefined && !matches(type, event.type)) return false;
    return types === undefined || types.includes(event.type);
  });
}

/** `customer.*` names all events that begin with `customer.`. */
function matches(pattern: string, type: string): boolean {
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

export function retrieveEvent(world: World, _params: unknown, id: string): Stripe.Event {
  const event = world.store.get('event', id);
  if (event === undefined) throw noSuch('event', id);
  return event;
}
