import type { Clock } from '../lib/clock.ts';
import type { Dunning } from './billing/dunning.ts';
import type { Store } from './store.ts';

/** What every verb of the simulator works on, and for which request. */
export type World = {
  clock: Clock;
  store: Store;
  /** What events go by, where `clock` is a test clock. */
  eventClock?: Clock;
  /** The simulator's own address; payment pages live under it. */
  baseUrl: string;
  /** How often an invoice that could not be paid is tried again, and what comes when it never is. */
  dunning: Dunning;
  /** The API request that is being answered; both null when a person or a test acts. */
  request: { id: string | null; idempotency_key: string | null };
};

/** The present as Stripe counts time: whole seconds. */
export function nowSeconds(world: Pick<World, 'clock'>): number {
  return Math.floor(world.clock.now().getTime() / 1000);
}

/** The address of a session's payment page. */
export function pageUrl(world: Pick<World, 'baseUrl'>, sessionId: string): string {
  return `${world.baseUrl}/c/pay/${sessionId}`;
}

/** The page where a card's holder confirms a payment, or the card itself, by 3D Secure. */
export function authenticationUrl(world: Pick<World, 'baseUrl'>, intentId: string): string {
  return `${world.baseUrl}/c/3ds/${intentId}`;
}

/** The same at another time, when nobody asks: what is due then happens then. */
export function at(world: World, seconds: number): World {
  return {
    ...world,
    clock: { now: () => new Date(seconds * 1000) },
    request: { id: null, idempotency_key: null },
  };
}
