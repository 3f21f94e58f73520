import type Stripe from 'stripe';
import { noSuch } from '../api/errors.ts';
import type { Form } from '../api/form.ts';
import type { Route } from '../api/route.ts';
import { idOf } from '../references.ts';
import type { World } from '../world.ts';

/** The world at the time of a test clock. Events tell the real time all the same. */
export function atClock(world: World, { frozen_time: frozen }: Stripe.TestHelpers.TestClock): World {
  return {
    ...world,
    clock: { now: () => new Date(frozen * 1000) },
    eventClock: world.eventClock ?? world.clock,
  };
}

/** The world at the time of somebody's test clock, if they live by one that is still there. */
export function inTimeOf(world: World, clock: string | { id: string } | null | undefined): World {
  const found = world.store.get('testClock', idOf(clock ?? null) ?? '');
  return found === undefined ? world : atClock(world, found);
}

/** The clock that a parameter names. */
export function namedClock(world: World, id: string, param: string): Stripe.TestHelpers.TestClock {
  const clock = world.store.get('testClock', id);
  if (clock === undefined) throw noSuch('billing clock', id, param);
  return clock;
}

/** The same route, answered at the time of whom it is about. */
export function timed(route: Route): Route {
  return {
    ...route,
    run: (world, form, ids) => route.run(inTimeOf(world, clockOf(world, form, ids)), form, ids),
  };
}

const OWNERS = ['customer', 'subscription', 'schedule', 'invoice', 'invoiceItem'] as const;
const NAMING = ['customer', 'subscription', 'from_subscription', 'schedule', 'invoice'];

function clockOf(world: World, form: Form, [id = '']: string[]): string | null {
  const ids = [id, ...NAMING.map((name) => form.get(name))];
  for (const named of ids) {
    if (typeof named !== 'string') continue;
    for (const owner of OWNERS) {
      const row = world.store.get(owner, named);
      if (row !== undefined && 'test_clock' in row) return idOf(row.test_clock ?? null);
    }
    const subscription = named.startsWith('si_') ? subscriptionOfItem(world, named) : undefined;
    if (subscription !== undefined) return idOf(subscription.test_clock);
  }
  return null;
}

function subscriptionOfItem(world: World, item: string): Stripe.Subscription | undefined {
  return [...world.store.all('subscription')].find(({ items }) => items.data.some(({ id }) => id === item));
}
