import type Stripe from 'stripe';
import { Refusal } from '../../lib/errors.ts';
import { fingerprintOf } from '../../lib/fingerprints.ts';
import { newId } from '../../lib/ids.ts';
import { type Change, changeOf } from '../../subscriptions/change.ts';
import { priceOfPlan } from '../../subscriptions/checkout.ts';
import type { Subscription } from '../../subscriptions/subscriptions.ts';
import type { Terms } from '../../subscriptions/types.ts';
import { ask } from '../client.ts';
import { makeOnce, REPEATABLE } from '../once.ts';
import { expanded, idOf } from '../references.ts';
import type { StripeServices } from '../services.ts';
import { type Current, currentOf, paymentRequired, settle } from './current.ts';
import { priceOf } from './prices.ts';
import { EXPANDED, planItemOf, retrieveSubscription } from './standing.ts';

/**
 * Changes the plan or interval of a workspace's subscription. More is at once, and what is left of the period is paid for:
 * where that payment fails, the old plan stays, and it is refused with the page to pay on. Less is when the period ends.
 * To ask for what it is gives up what is pending, or waits to be paid. Whoever repeats it finds it done: it says what shall be, not by how much.
 */
export async function changeSubscription(
  services: StripeServices,
  workspaceId: string,
  to: Terms,
  act: string = newId('act'),
): Promise<Subscription> {
  let current = await currentOf(services, workspaceId);
  let price = await priceFor(services, current, to);
  requirePaid(current);
  if (whenOf(current, to) !== 'upgrade' && (await giveUpUpgrade(services, current))) {
    current = await currentOf(services, workspaceId);
    price = await priceFor(services, current, to);
  }
  const verb = { none: stay, upgrade: changeNow, downgrade: changeLater }[whenOf(current, to)];
  return settle(services, workspaceId, await verb(services, current, price, act));
}

/** What a change comes to for this subscription. A trial has nothing that is paid for and could be lost: all is at once. */
export function whenOf({ subscription, terms }: Current, to: Terms): Change {
  const change = changeOf(terms, to);
  return change === 'downgrade' && subscription.status === 'trialing' ? 'upgrade' : change;
}

/** The price of another plan, in the currency that the subscription has; of its own plan, the one that it has. */
export async function priceFor(services: StripeServices, current: Current, to: Terms): Promise<Stripe.Price> {
  const { subscription, terms, item } = current;
  if (changeOf(terms, to) === 'none') return item.price;
  const { currency, amount } = pricedIn(services, to, subscription.currency);
  return priceOf(services, { ...to, currency, amount });
}

/** What a plan costs in the currency of a subscription, which keeps it. */
function pricedIn({ catalog }: StripeServices, to: Terms, currency: string) {
  try {
    return priceOfPlan(catalog, to, currency);
  } catch (refusal) {
    if (!(refusal instanceof Refusal) || refusal.param !== 'currency') throw refusal;
    throw new Refusal(
      'invalid_request',
      `The subscription is in "${currency}", in which ${to.plan} is not sold: end it, and begin one in another currency.`,
      { param: 'plan' },
    );
  }
}

function requirePaid({ subscription }: Current): void {
  if (subscription.status === 'active' || subscription.status === 'trialing') return;
  throw paymentRequired(subscription, 'A payment is owed for this subscription, which comes first.');
}

/** As it is, and as it was sold, whatever the catalog says since. */
async function stay(
  services: StripeServices,
  current: Current,
  _price: Stripe.Price,
  act: string,
): Promise<Stripe.Subscription> {
  return giveUpSchedule(services, await keepGoing(services, current, act));
}

async function changeNow(
  services: StripeServices,
  current: Current,
  price: Stripe.Price,
  act: string,
): Promise<Stripe.Subscription> {
  const { subscription } = current;
  const waiting = subscription.pending_update?.subscription_items?.[0]?.price.id === price.id;
  const changed = waiting ? subscription : await updatePrice(services, current, price, act);
  // What is pending, and an end that was asked for, are given up once it is paid, and not where it is not.
  if (changed.pending_update === null) {
    return keepGoing(services, { subscription: await giveUpSchedule(services, changed) }, act);
  }
  await settle(services, current.workspaceId, changed);
  throw paymentRequired(changed, 'The payment did not go through, and the plan stays as it was.');
}

function updatePrice(
  services: StripeServices,
  { subscription, item }: Current,
  price: Stripe.Price,
  act: string,
): Promise<Stripe.Subscription> {
  const { id } = subscription;
  const params: Stripe.SubscriptionUpdateParams = {
    items: [{ id: item.id, price: price.id }],
    proration_behavior: 'always_invoice',
    payment_behavior: 'pending_if_incomplete',
    expand: EXPANDED,
  };
  return makeOnce<Stripe.Subscription>(
    keyOf('change', act, subscription),
    (options) => services.stripe.subscriptions.update(id, params, options),
    async () => {
      const now = await retrieveSubscription(services, id);
      const changed = now.pending_update?.subscription_items?.[0] ?? planItemOf(now);
      return changed.price.id === price.id ? now : null;
    },
  );
}

/** A schedule of two phases: what is paid for until it ends, and what comes then. Stripe makes the change by itself. */
async function changeLater(
  services: StripeServices,
  current: Current,
  price: Stripe.Price,
  act: string,
): Promise<Stripe.Subscription> {
  const { stripe } = services;
  const subscription = await keepGoing(services, current, act);
  const schedule = expanded(subscription.schedule) ?? (await makeSchedule(services, subscription, act));
  const { item } = current;
  // What else is sold with the plan stays.
  const itemsAt = (ofPlan: Stripe.Price) =>
    subscription.items.data.map(({ id, price: own, quantity }) => ({
      price: id === item.id ? ofPlan.id : own.id,
      ...(quantity === undefined ? {} : { quantity }),
    }));
  const params: Stripe.SubscriptionScheduleUpdateParams = {
    end_behavior: 'release',
    proration_behavior: 'none',
    phases: [
      {
        items: itemsAt(item.price),
        // The phase that runs: others may be over.
        start_date: schedule.current_phase?.start_date ?? item.current_period_start,
        end_date: item.current_period_end,
      },
      {
        items: itemsAt(price),
        start_date: item.current_period_end,
        duration: { interval: price.recurring!.interval, interval_count: 1 },
        proration_behavior: 'none',
      },
    ],
  };
  await makeOnce<unknown>(
    keyOf('phases', act, subscription),
    (options) => stripe.subscriptionSchedules.update(schedule.id, params, options),
    REPEATABLE,
  );
  return subscription;
}

/** A subscription has one schedule: who asks for another change at the same moment may have made it. */
async function makeSchedule(
  services: StripeServices,
  subscription: Stripe.Subscription,
  act: string,
): Promise<Stripe.SubscriptionSchedule> {
  const { subscriptionSchedules } = services.stripe;
  const find = async () => expanded((await retrieveSubscription(services, subscription.id)).schedule);
  try {
    return await makeOnce<Stripe.SubscriptionSchedule>(
      keyOf('schedule', act, subscription),
      (options) => subscriptionSchedules.create({ from_subscription: subscription.id }, options),
      find,
    );
  } catch (error) {
    const made = await find();
    if (made !== null) return made;
    throw error;
  }
}

/** Who changes a plan means to keep it: an end that was asked for is given up. */
async function keepGoing(
  services: StripeServices,
  { subscription }: Pick<Current, 'subscription'>,
  act: string,
): Promise<Stripe.Subscription> {
  if (subscription.cancel_at_period_end === false && subscription.cancel_at === null) return subscription;
  const params: Stripe.SubscriptionUpdateParams = subscription.cancel_at_period_end
    ? { cancel_at_period_end: false }
    : { cancel_at: '' };
  return makeOnce<Stripe.Subscription>(
    keyOf('resume', act, subscription),
    (options) =>
      services.stripe.subscriptions.update(subscription.id, { ...params, expand: EXPANDED }, options),
    REPEATABLE,
  );
}

async function giveUpSchedule(
  services: StripeServices,
  subscription: Stripe.Subscription,
): Promise<Stripe.Subscription> {
  const scheduleId = idOf(subscription.schedule);
  if (scheduleId === null) return subscription;
  await makeOnce<Stripe.SubscriptionSchedule>(
    `release-${scheduleId}`,
    (options) => services.stripe.subscriptionSchedules.release(scheduleId, {}, options),
    async () => {
      const schedule = await ask(() => services.stripe.subscriptionSchedules.retrieve(scheduleId));
      return schedule.status === 'released' ? schedule : null;
    },
  );
  return { ...subscription, schedule: null };
}

/**
 * An upgrade that waits for its payment is given up by whoever asks for something else than more: its invoice is void, and
 * nobody can pay it any more. False where none waits. Who pays at the same moment has the better plan.
 */
async function giveUpUpgrade(
  services: StripeServices,
  { subscription }: Pick<Current, 'subscription'>,
): Promise<boolean> {
  const invoiceId = idOf(subscription.latest_invoice);
  if (subscription.pending_update === null || invoiceId === null) return false;
  const { invoices } = services.stripe;
  const findEnded = async () => {
    const now = await ask(() => invoices.retrieve(invoiceId));
    return now.status === 'open' ? null : now;
  };
  try {
    await makeOnce<Stripe.Invoice>(
      `void-${invoiceId}`,
      (options) => invoices.voidInvoice(invoiceId, {}, options),
      findEnded,
    );
  } catch (error) {
    if ((await findEnded()) === null) throw error;
  }
  return true;
}

/** Ends a workspace's subscription: when its period ends, or now, which gives nothing back. */
export async function cancelSubscription(
  services: StripeServices,
  workspaceId: string,
  at: 'period_end' | 'now',
  act: string = newId('act'),
): Promise<Subscription> {
  const { stripe } = services;
  const current = await currentOf(services, workspaceId);
  const { subscription } = current;
  await giveUpUpgrade(services, current);
  await giveUpSchedule(services, subscription);
  const { id } = subscription;
  const canceled =
    at === 'now'
      ? await cancelNow(services, id)
      : await makeOnce<Stripe.Subscription>(
          keyOf('cancel', act, subscription),
          (options) => stripe.subscriptions.update(id, { cancel_at_period_end: true }, options),
          REPEATABLE,
        );
  return settle(services, workspaceId, canceled);
}

/** Stripe takes no keys for what it deletes: after any failure, it is looked whether it is done. */
async function cancelNow(services: StripeServices, id: string): Promise<Stripe.Subscription> {
  try {
    return await ask(() => services.stripe.subscriptions.cancel(id, { invoice_now: false, prorate: false }));
  } catch (error) {
    const now = await retrieveSubscription(services, id);
    if (now.status === 'canceled') return now;
    throw error;
  }
}

/** Gives up an end that was asked for; a subscription that Stripe has paused goes on. */
export async function resumeSubscription(
  services: StripeServices,
  workspaceId: string,
  act: string = newId('act'),
): Promise<Subscription> {
  const current = await currentOf(services, workspaceId);
  const resumed =
    current.subscription.status === 'paused'
      ? await makeOnce<Stripe.Subscription>(
          keyOf('unpause', act, current.subscription),
          (options) => services.stripe.subscriptions.resume(current.subscription.id, {}, options),
          async () => {
            const now = await retrieveSubscription(services, current.subscription.id);
            return now.status === 'paused' ? null : now;
          },
        )
      : await keepGoing(services, current, act);
  return settle(services, workspaceId, resumed);
}

/**
 * What is asked once carries one key at each step: again after an answer was lost, it changes nothing twice. The same asked
 * later is another act, and is done. `act`: the client's key, or an id of its own.
 */
function keyOf(step: string, act: string, { id }: Stripe.Subscription): string {
  return `${step}-${fingerprintOf(step, act, id)}`;
}
