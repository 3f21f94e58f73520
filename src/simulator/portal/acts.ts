import type Stripe from 'stripe';
import { invalid, noSuch } from '../api/errors.ts';
import { definedOf, email, integer, oneOf, type Params, required, text } from '../api/params.ts';
import { cancelSubscription } from '../billing/endings.ts';
import { pauseSubscription, resumeSubscription } from '../billing/pauses.ts';
import { scheduleOf } from '../billing/scheduleState.ts';
import { createSchedule, updateSchedule } from '../billing/schedules.ts';
import { findSubscription, isOver } from '../billing/state.ts';
import { updateSubscription } from '../billing/updates.ts';
import { updateCustomer } from '../customers.ts';
import { liveCustomer } from '../livingCustomers.ts';
import { cardMeans } from '../payments/cards.ts';
import { billingDetails } from '../payments/methods.ts';
import { openSetup, trySetup } from '../payments/setups.ts';
import { addMethod } from '../payments/wallet.ts';
import { findPrice } from '../prices.ts';
import { idOf } from '../references.ts';
import type { PortalSession } from '../store.ts';
import type { World } from '../world.ts';
import { findConfiguration } from './configurations.ts';

type Features = Stripe.BillingPortal.Configuration.Features;

/** The forms of the portal's page. */
export const actFields = {
  act: required(oneOf('save_card', 'save_details', 'cancel', 'keep', 'switch', 'pause', 'resume')),
  card: text(),
  email: email(),
  feedback: oneOf(
    'customer_service',
    'low_quality',
    'missing_features',
    'other',
    'switched_service',
    'too_complex',
    'too_expensive',
    'unused',
  ),
  name: text(256),
  price: text(),
  quantity: integer({ min: 1 }),
  subscription: text(),
};
type Sent = Params<typeof actFields>;

/** What came of it: done, not done because of a problem, or to be confirmed at an address. */
export type Done = { problem?: string; actionUrl?: string };

/** A customer does something on the portal's page, if its configuration lets them. */
export function act(world: World, row: PortalSession, sent: Sent): Done {
  const { features } = findConfiguration(world, idOf(row.session.configuration) ?? '');
  const { customer } = row.session;
  if (sent.act === 'save_card') {
    requireEnabled(features, 'payment_method_update');
    return saveCard(world, row, sent.card ?? '');
  }
  if (sent.act === 'save_details') {
    requireEnabled(features, 'customer_update');
    return saveDetails(world, customer, features, sent);
  }
  const subscription = ownSubscription(world, customer, sent.subscription ?? '');
  if (sent.act === 'switch') {
    requireEnabled(features, 'subscription_update');
    return switchPrice(world, subscription, features, sent);
  }
  if (sent.act === 'pause' || sent.act === 'resume') {
    requireEnabled(features, 'subscription_pause');
    const verb = sent.act === 'pause' ? pauseSubscription : resumeSubscription;
    verb(world, {}, subscription.id);
    return {};
  }
  requireEnabled(features, 'subscription_cancel');
  if (sent.act === 'keep') updateSubscription(world, { cancel_at_period_end: false }, subscription.id);
  else cancel(world, subscription, features.subscription_cancel, sent);
  return {};
}

function requireEnabled(features: Features, name: keyof Features): void {
  if (!features[name].enabled) throw invalid(`This portal does not offer that: \`${name}\` is disabled.`);
}

/** The subscriptions of a customer that have not ended, oldest first. */
export function subscriptionsOf(world: World, customer: string): Stripe.Subscription[] {
  return [...world.store.all('subscription')].filter(
    (subscription) => subscription.customer === customer && !isOver(subscription),
  );
}

function ownSubscription(world: World, customer: string, id: string): Stripe.Subscription {
  const subscription = findSubscription(world, id, 'subscription');
  if (subscription.customer !== customer) throw noSuch('subscription', id, 'subscription');
  return subscription;
}

/** A new card is set up as any other: its bank may decline it, or want its holder to confirm. */
function saveCard(world: World, row: PortalSession, number: string): Done {
  const { customer, url } = row.session;
  const details = billingDetails(liveCustomer(world, customer).email);
  const method = addMethod(world, cardMeans(number), details, { allow_redisplay: 'always' });
  const setup = openSetup(world, { customer, payment_method_types: ['card'] });
  world.store.put('portalSession', { ...row, setup: setup.id });
  const { setup: tried, decline } = trySetup(world, setup, method, url);
  if (decline !== null) return { problem: decline.message };
  const actionUrl = tried.next_action?.redirect_to_url?.url;
  if (actionUrl !== undefined && actionUrl !== null) return { actionUrl };
  chargeFromNowOn(world, customer, method.id);
  return {};
}

/** A card that was confirmed later is saved as one that needed no confirmation. */
export function followPortalSetup(world: World, setup: Stripe.SetupIntent): void {
  for (const row of world.store.all('portalSession')) {
    if (row.setup !== setup.id || setup.status !== 'succeeded') continue;
    chargeFromNowOn(world, row.session.customer, idOf(setup.payment_method) ?? '');
  }
}

/** The customer's default; also of subscriptions that have one of their own. */
function chargeFromNowOn(world: World, customer: string, method: string): void {
  updateCustomer(world, { invoice_settings: { default_payment_method: method } }, customer);
  for (const { default_payment_method: own, id } of subscriptionsOf(world, customer)) {
    if (own !== null) updateSubscription(world, { default_payment_method: method }, id);
  }
}

function saveDetails(world: World, customer: string, { customer_update }: Features, sent: Sent): Done {
  const details = definedOf({ email: sent.email, name: sent.name });
  for (const name of Object.keys(details)) {
    if (!customer_update.allowed_updates.includes(name)) {
      throw invalid(`This portal does not offer to change the ${name}.`);
    }
  }
  updateCustomer(world, details, customer);
  return {};
}

function cancel(
  world: World,
  { id }: Stripe.Subscription,
  { mode, proration_behavior: behavior }: Features['subscription_cancel'],
  { feedback }: Sent,
): void {
  const details = feedback === undefined ? {} : { cancellation_details: { feedback } };
  if (mode === 'at_period_end') {
    updateSubscription(world, { ...details, cancel_at_period_end: true }, id);
    return;
  }
  const invoiced = { invoice_now: behavior === 'always_invoice', prorate: behavior !== 'none' };
  cancelSubscription(world, { ...details, ...invoiced }, id);
}

/** Another price of the configuration. One that is invoiced at once is had once it is paid. */
function switchPrice(
  world: World,
  subscription: Stripe.Subscription,
  { subscription_update: offer }: Features,
  { price, quantity }: Sent,
): Done {
  const offered = (offer.products ?? []).find(({ prices }) => prices.includes(price ?? ''));
  if (price === undefined || offered === undefined || !offer.default_allowed_updates.includes('price')) {
    throw invalid('This portal does not offer that price.', { param: 'price' });
  }
  const [item, ...others] = subscription.items.data;
  if (item === undefined || others.length > 0) {
    throw invalid('A subscription of several items is not changed on the portal.');
  }
  requireQuantity(offered, offer.default_allowed_updates, quantity);
  if (isForLater(world, item.price, price, offer)) {
    switchLater(world, subscription, item, price);
    return {};
  }
  const isEnding = subscription.status === 'trialing' && offer.trial_update_behavior === 'end_trial';
  const behavior = prorationOf(offer.proration_behavior);
  const after = updateSubscription(
    world,
    {
      items: [{ id: item.id, price, ...definedOf({ quantity }) }],
      proration_behavior: behavior,
      ...(offer.billing_cycle_anchor === 'now' ? { billing_cycle_anchor: { type: 'now' as const } } : {}),
      ...(isEnding ? { trial_end: 'now' } : {}),
      ...(behavior === 'always_invoice' ? { payment_behavior: 'pending_if_incomplete' } : {}),
    },
    subscription.id,
  );
  return after.pending_update === null
    ? {}
    : { problem: 'The payment did not go through. The change waits for it: see the open invoice.' };
}

/** Whether the configuration lets this switch wait for the end of the period. */
function isForLater(
  world: World,
  from: Stripe.Price,
  priceId: string,
  { schedule_at_period_end: { conditions } }: Features['subscription_update'],
): boolean {
  const to = findPrice(world, priceId);
  const shortens = daysOf(to) < daysOf(from);
  const decreases = daysOf(to) === daysOf(from) && (to.unit_amount ?? 0) < (from.unit_amount ?? 0);
  return conditions.some(({ type }) => (type === 'shortening_interval' ? shortens : decreases));
}

const DAYS = { day: 1, week: 7, month: 30, year: 365 };

/** About as long as the interval of a price is: enough to tell which is the longer one. */
function daysOf({ recurring }: Stripe.Price): number {
  const { interval = 'month', interval_count: count = 1 } = recurring ?? {};
  return (DAYS[interval as keyof typeof DAYS] ?? 0) * count;
}

/** The price of today until the period ends, and then the other. */
function switchLater(
  world: World,
  subscription: Stripe.Subscription,
  item: Stripe.SubscriptionItem,
  price: string,
): void {
  const schedule =
    scheduleOf(world, subscription) ?? createSchedule(world, { from_subscription: subscription.id });
  const periodEnd = item.current_period_end;
  updateSchedule(
    world,
    {
      end_behavior: 'release',
      proration_behavior: 'none',
      phases: [
        {
          items: [{ price: item.price.id, quantity: item.quantity ?? 1 }],
          start_date: schedule.phases[0]!.start_date,
          end_date: periodEnd,
        },
        {
          items: [{ price, quantity: item.quantity ?? 1 }],
          start_date: periodEnd,
          duration: { interval: 'month', interval_count: 1 },
          proration_behavior: 'none',
        },
      ],
    },
    schedule.id,
  );
}

function prorationOf(behavior: string): 'always_invoice' | 'create_prorations' | 'none' {
  return behavior === 'always_invoice' || behavior === 'create_prorations' ? behavior : 'none';
}

function requireQuantity(
  { adjustable_quantity: adjustable }: NonNullable<Features['subscription_update']['products']>[number],
  allowed: string[],
  quantity: number | undefined,
): void {
  if (quantity === undefined) return;
  const { enabled, maximum, minimum } = adjustable;
  if (enabled && allowed.includes('quantity') && quantity >= minimum && quantity <= (maximum ?? Infinity))
    return;
  throw invalid('This portal does not offer that quantity.', { param: 'quantity' });
}
