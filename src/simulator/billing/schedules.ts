import { isDeepStrictEqual } from 'node:util';
import type Stripe from 'stripe';
import { invalid, noSuch } from '../api/errors.ts';
import { listing, paginate } from '../api/lists.ts';
import { changeMetadata, metadata } from '../api/metadata.ts';
import { boolean, created, definedOf, oneOf, type Params, required, text } from '../api/params.ts';
import { emit, previousOf } from '../events.ts';
import { makeId } from '../ids.ts';
import { idOf } from '../references.ts';
import { nowSeconds, type World } from '../world.ts';
import { cancelSubscription } from './endings.ts';
import { prorationBehavior } from './fields.ts';
import { composePhases, phaseFields, phaseOf } from './phases.ts';
import { enterPhase, freeSubscription } from './scheduled.ts';
import { currentPhase } from './scheduleState.ts';
import { changeSubscription, findSubscription, isRunning } from './state.ts';

const endBehavior = oneOf('cancel', 'release');

export const scheduleFields = {
  from_subscription: required(text()),
  metadata: metadata(),
};

/** A schedule of what a subscription is already; its later phases are told by an update. */
export function createSchedule(
  world: World,
  params: Params<typeof scheduleFields>,
): Stripe.SubscriptionSchedule {
  const subscription = findSubscription(world, params.from_subscription, 'from_subscription');
  if (subscription.schedule !== null || !isRunning(subscription)) {
    throw invalid(
      subscription.schedule === null
        ? `You cannot migrate a subscription that is ${subscription.status} to a schedule.`
        : 'You cannot migrate a subscription that is already attached to a schedule.',
      { param: 'from_subscription' },
    );
  }
  const phase = phaseOf(subscription);
  const schedule: Stripe.SubscriptionSchedule = {
    id: makeId('schedule'),
    object: 'subscription_schedule',
    application: null,
    billing_mode: subscription.billing_mode,
    canceled_at: null,
    completed_at: null,
    created: nowSeconds(world),
    current_phase: { end_date: phase.end_date, start_date: phase.start_date },
    customer: subscription.customer,
    customer_account: null,
    default_settings: {
      application_fee_percent: null,
      billing_cycle_anchor: 'automatic',
      billing_thresholds: null,
      collection_method: 'charge_automatically',
      default_payment_method: subscription.default_payment_method,
      description: null,
      invoice_settings: {
        account_tax_ids: null,
        custom_fields: null,
        days_until_due: null,
        description: null,
        footer: null,
        issuer: { type: 'self' },
      },
      on_behalf_of: null,
      transfer_data: null,
    },
    end_behavior: 'release',
    livemode: false,
    metadata: changeMetadata({}, params.metadata),
    pause_schedules: [],
    phases: [phase],
    released_at: null,
    released_subscription: null,
    status: 'active',
    subscription: subscription.id,
    test_clock: subscription.test_clock,
  };
  world.store.put('schedule', schedule);
  emit(world, { type: 'subscription_schedule.created', data: { object: schedule } });
  changeSubscription(world, subscription, { schedule: schedule.id });
  return schedule;
}

export const scheduleChanges = {
  end_behavior: endBehavior,
  metadata: metadata(),
  phases: phaseFields,
  proration_behavior: prorationBehavior,
};

/** The first phase that is sent is the one that runs: what it says comes at once, the others at their time. */
export function updateSchedule(
  world: World,
  params: Params<typeof scheduleChanges>,
  id: string,
): Stripe.SubscriptionSchedule {
  const before = activeSchedule(world, id, 'update');
  const phases =
    params.phases === undefined ? before.phases : composePhases(world, params.phases, currentPhase(before));
  const first = phases[0]!;
  const after: Stripe.SubscriptionSchedule = {
    ...before,
    ...definedOf({ end_behavior: params.end_behavior }),
    current_phase: { end_date: first.end_date, start_date: first.start_date },
    metadata: changeMetadata(before.metadata ?? {}, params.metadata),
    phases: params.phases === undefined ? before.phases : phases,
  };
  if (params.phases === undefined) after.current_phase = before.current_phase;
  world.store.put('schedule', after);
  emit(world, {
    type: 'subscription_schedule.updated',
    data: { object: after, previous_attributes: previousOf(before, after) },
  });
  if (params.phases !== undefined && !isDeepStrictEqual(first.items, currentPhase(before).items)) {
    enterPhase(world, after, first, params.proration_behavior ?? 'create_prorations');
  }
  return findSchedule(world, id);
}

export const releaseFields = { preserve_cancel_date: boolean() };

/** The subscription goes on as it is, on its own. */
export function releaseSchedule(
  world: World,
  _params: Params<typeof releaseFields>,
  id: string,
): Stripe.SubscriptionSchedule {
  return freeSubscription(world, activeSchedule(world, id, 'release'));
}

export const cancelFields = { invoice_now: boolean(), prorate: boolean() };

/** Ends the schedule, and its subscription with it. */
export function cancelSchedule(
  world: World,
  params: Params<typeof cancelFields>,
  id: string,
): Stripe.SubscriptionSchedule {
  const schedule = activeSchedule(world, id, 'cancel');
  cancelSubscription(
    world,
    { invoice_now: params.invoice_now ?? true, prorate: params.prorate ?? true },
    idOf(schedule.subscription) ?? '',
  );
  return findSchedule(world, id);
}

function activeSchedule(world: World, id: string, verb: string): Stripe.SubscriptionSchedule {
  const schedule = findSchedule(world, id);
  if (schedule.status === 'active') return schedule;
  throw invalid(
    `You cannot ${verb} a subscription schedule that is currently in the \`${schedule.status}\` status.`,
  );
}

export function retrieveSchedule(world: World, _params: unknown, id: string): Stripe.SubscriptionSchedule {
  return findSchedule(world, id);
}

function findSchedule(world: World, id: string): Stripe.SubscriptionSchedule {
  const schedule = world.store.get('schedule', id);
  if (schedule === undefined) throw noSuch('subscription schedule', id);
  return schedule;
}

export const scheduleListing = { ...listing, created: created(), customer: text() };

export function listSchedules(
  world: World,
  params: Params<typeof scheduleListing>,
): Stripe.ApiList<Stripe.SubscriptionSchedule> {
  const { created: within, customer } = params;
  const rows = world.store.all('schedule');
  return paginate(rows, '/v1/subscription_schedules', params, 'subscription schedule', (schedule) => {
    if (within !== undefined && !within(schedule.created)) return false;
    return customer === undefined || schedule.customer === customer;
  });
}
