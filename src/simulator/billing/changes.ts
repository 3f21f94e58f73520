import type Stripe from 'stripe';
import { invalid } from '../api/errors.ts';
import { group, integer, listOf, oneOf, type Params, required } from '../api/params.ts';
import { nowSeconds, type World } from '../world.ts';
import { costFor } from './discounts.ts';
import { moment, prorationBehavior } from './fields.ts';
import { changeItems, isDueAsOften, itemChange, recurrenceOf, withPeriod } from './items.ts';
import { type NewLine, periodLine } from './lines.ts';
import { nextRenewal } from './periods.ts';
import { type Proration, prorationsOf, unusedTimes } from './proration.ts';
import { periodEnd, withItems } from './state.ts';

/** What changes the bill: items, their period, and how the difference is settled. */
export const changeFields = {
  billing_cycle_anchor: group({ type: required(oneOf('now', 'unchanged')) }),
  items: listOf(group(itemChange)),
  proration_behavior: prorationBehavior,
  proration_date: integer(),
  trial_end: moment('now'),
};
export type ChangeParams = Params<typeof changeFields>;

export type Change = {
  /** The subscription after it. */
  after: Stripe.Subscription;
  /** Money for the rest of the period, back and due. */
  prorations: Proration[];
  /** Whole periods that begin with the change. */
  lines: NewLine[];
  /** Whether it is invoiced at once; else what is prorated waits for the next invoice. */
  isInvoiced: boolean;
};

/** Works out a change without making it; a preview of it shows the same. */
export function planChange(world: World, before: Stripe.Subscription, params: ChangeParams): Change {
  const items = params.items === undefined ? before.items.data : changeItems(world, before, params.items);
  const now = nowSeconds(world);
  const until = trialEndOf(before, params, now);
  if (until !== undefined && until > now) return trialChange(world, before, items, until, params);
  if (until !== undefined || startsAfresh(before, items, params)) {
    return freshPeriod(world, before, items, params);
  }
  const after: Stripe.Subscription = { ...before, items: withItems(before, items) };
  if (before.status === 'trialing' || params.proration_behavior === 'none') {
    return { after, prorations: [], lines: [], isInvoiced: false };
  }
  const prorations = prorationsOf(
    before.items.data,
    items,
    prorationDate(before, params, now),
    costFor(world, before),
  );
  const isInvoiced = params.proration_behavior === 'always_invoice' && prorations.length > 0;
  return { after, prorations, lines: [], isInvoiced };
}

function trialEndOf(
  before: Stripe.Subscription,
  { trial_end: asked }: ChangeParams,
  now: number,
): number | undefined {
  if (asked === undefined || (asked === 'now' && before.status !== 'trialing')) return undefined;
  if (asked === 'now') return now;
  if (asked <= now) {
    throw invalid('Invalid timestamp: must be an integer Unix timestamp in the future.', {
      param: 'trial_end',
    });
  }
  return asked;
}

/** Another interval, or an anchor of now, ends the period that runs and begins another. */
function startsAfresh(
  before: Stripe.Subscription,
  items: Stripe.SubscriptionItem[],
  { billing_cycle_anchor: anchor }: ChangeParams,
): boolean {
  if (anchor?.type === 'now') return true;
  if (before.status === 'trialing') return false;
  return items.some((item) => {
    const old = before.items.data.find(({ id }) => id === item.id);
    return old !== undefined && !isDueAsOften(old, item);
  });
}

function freshPeriod(
  world: World,
  before: Stripe.Subscription,
  items: Stripe.SubscriptionItem[],
  params: ChangeParams,
): Change {
  const now = nowSeconds(world);
  const wasTrial = before.status === 'trialing';
  const fresh = items.map((item) =>
    withPeriod(item, { start: now, end: nextRenewal(now, recurrenceOf(item), now) }),
  );
  const after: Stripe.Subscription = {
    ...before,
    billing_cycle_anchor: now,
    items: withItems(before, fresh),
    ...(wasTrial ? { status: 'active' as const, trial_end: now } : {}),
  };
  const isCredited = !wasTrial && params.proration_behavior !== 'none';
  const at = prorationDate(before, params, now);
  return {
    after: withCancellation(after),
    prorations: isCredited ? unusedTimes(before.items.data, at, costFor(world, before)) : [],
    lines: fresh.map((item) => periodLine(world, item, false)),
    isInvoiced: true,
  };
}

/** A trial that is moved, or that begins in the middle of a period, which then ends. */
function trialChange(
  world: World,
  before: Stripe.Subscription,
  items: Stripe.SubscriptionItem[],
  until: number,
  params: ChangeParams,
): Change {
  const now = nowSeconds(world);
  const wasTrial = before.status === 'trialing';
  const start = wasTrial ? (before.trial_start ?? now) : now;
  const free = items.map((item) => withPeriod(item, { start, end: until }));
  const after: Stripe.Subscription = {
    ...before,
    billing_cycle_anchor: until,
    items: withItems(before, free),
    status: 'trialing',
    trial_end: until,
    trial_start: start,
  };
  const isCredited = !wasTrial && params.proration_behavior !== 'none';
  const at = prorationDate(before, params, now);
  return {
    after: withCancellation(after),
    prorations: isCredited ? unusedTimes(before.items.data, at, costFor(world, before)) : [],
    lines: wasTrial ? [] : free.map((item) => periodLine(world, item, true)),
    isInvoiced: !wasTrial,
  };
}

/** What was to end with its period ends with the new one. */
export function withCancellation(subscription: Stripe.Subscription): Stripe.Subscription {
  if (!subscription.cancel_at_period_end) return subscription;
  return { ...subscription, cancel_at: periodEnd(subscription) };
}

function prorationDate(
  subscription: Stripe.Subscription,
  { proration_date: asked }: ChangeParams,
  now: number,
): number {
  if (asked === undefined) return now;
  const starts = subscription.items.data.map((item) => item.current_period_start);
  if (asked >= Math.min(...starts) && asked <= periodEnd(subscription)) return asked;
  throw invalid('The proration date must be within the current period of the subscription.', {
    param: 'proration_date',
  });
}
