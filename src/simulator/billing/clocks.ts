import type Stripe from 'stripe';
import { invalid } from '../api/errors.ts';
import { type listing, paginate } from '../api/lists.ts';
import { integer, type Params, required, text } from '../api/params.ts';
import { deleteCustomer } from '../customers.ts';
import { emit } from '../events.ts';
import { makeId } from '../ids.ts';
import { idOf } from '../references.ts';
import { nowSeconds, type World } from '../world.ts';
import { doDue } from './due.ts';
import { DAY_SECONDS } from './periods.ts';
import { atClock, namedClock } from './timed.ts';

type TestClock = Stripe.TestHelpers.TestClock;

const LIFETIME_SECONDS = 30 * DAY_SECONDS; // Stripe's

export const clockFields = { frozen_time: required(integer()), name: text(300) };

export function createClock(world: World, params: Params<typeof clockFields>): TestClock {
  const now = nowSeconds(world);
  const clock: TestClock = {
    id: makeId('testClock'),
    object: 'test_helpers.test_clock',
    created: now,
    deletes_after: now + LIFETIME_SECONDS,
    frozen_time: params.frozen_time,
    livemode: false,
    name: params.name ?? null,
    status: 'ready',
    status_details: {},
  };
  world.store.put('testClock', clock);
  emit(world, { type: 'test_helpers.test_clock.created', data: { object: clock } });
  return clock;
}

export const advanceFields = { frozen_time: required(integer()) };

/** Lets the time of a clock pass; what is due until then is done soon, and then the clock is ready again. */
export function advanceClock(world: World, params: Params<typeof advanceFields>, id: string): TestClock {
  const clock = namedClock(world, id, 'id');
  const { frozen_time: target } = params;
  if (clock.status !== 'ready') {
    throw invalid('The test clock is advancing already.', { code: 'test_clock_advancing' });
  }
  if (target <= clock.frozen_time) {
    throw invalid('A test clock can only advance to a later time than its own.', { param: 'frozen_time' });
  }
  const advancing: TestClock = {
    ...clock,
    status: 'advancing',
    status_details: { advancing: { target_frozen_time: target } },
  };
  world.store.put('testClock', advancing);
  emit(world, { type: 'test_helpers.test_clock.advancing', data: { object: advancing } });
  return advancing;
}

/** Does what is due on the clocks that advance. */
export function advanceClocks(world: World): void {
  for (const clock of [...world.store.all('testClock')]) {
    const target = clock.status_details.advancing?.target_frozen_time;
    if (target === undefined) continue;
    doDue(atClock(world, { ...clock, frozen_time: target }), clock.id);
    const ready: TestClock = { ...clock, frozen_time: target, status: 'ready', status_details: {} };
    world.store.put('testClock', ready);
    emit(world, { type: 'test_helpers.test_clock.ready', data: { object: ready } });
  }
}

/** With its customers, who live by it. */
export function deleteClock(world: World, _params: unknown, id: string): Stripe.TestHelpers.DeletedTestClock {
  const clock = namedClock(world, id, 'id');
  for (const customer of [...world.store.all('customer')]) {
    if (customer.deleted !== true && idOf(customer.test_clock ?? null) === id) {
      deleteCustomer(atClock(world, clock), {}, customer.id);
    }
  }
  world.store.drop('testClock', id);
  emit(world, { type: 'test_helpers.test_clock.deleted', data: { object: clock } });
  return { id, object: 'test_helpers.test_clock', deleted: true };
}

export function retrieveClock(world: World, _params: unknown, id: string): TestClock {
  return namedClock(world, id, 'id');
}

export function listClocks(world: World, params: Params<typeof listing>): Stripe.ApiList<TestClock> {
  return paginate(world.store.all('testClock'), '/v1/test_helpers/test_clocks', params, 'billing clock');
}
