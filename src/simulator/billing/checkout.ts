import type Stripe from 'stripe';
import { type Decline, invalid } from '../api/errors.ts';
import { changeMetadata, metadata } from '../api/metadata.ts';
import { group, integer, type Params, text } from '../api/params.ts';
import { liveCustomer } from '../livingCustomers.ts';
import type { Means } from '../payments/means.ts';
import { billingDetails } from '../payments/methods.ts';
import { attempt, findIntent, openIntent } from '../payments/payments.ts';
import { addMethod, save } from '../payments/wallet.ts';
import { idOf } from '../references.ts';
import type { Order, SubscriptionOrder } from '../store.ts';
import { nowSeconds, type World } from '../world.ts';
import { begin, composeFirstInvoice, composeSubscription } from './beginnings.ts';
import { giveDiscounts } from './discounts.ts';
import { trialSettings } from './fields.ts';
import { intentOf, invoiceOfIntent } from './invoicePayments.ts';
import { findInvoice, subscriptionIdOf } from './invoices.ts';
import { payInvoice } from './paying.ts';
import { DAY_SECONDS } from './periods.ts';
import { findSubscription } from './state.ts';

const TRIAL_SECONDS_MIN = 2 * DAY_SECONDS; // Stripe's, for a trial until a date

const data = {
  description: text(500),
  metadata: metadata(),
  trial_end: integer(),
  trial_period_days: integer({ min: 1, max: 730 }),
  trial_settings: trialSettings,
};
export const subscriptionData = group(data);

/** What a session's subscription will be told when it is paid for. */
export function subscriptionOrder(world: World, sent: Params<typeof data> = {}): SubscriptionOrder {
  const { description, trial_end: end, trial_period_days: days, trial_settings: trial } = sent;
  if (end !== undefined && (days !== undefined || end < nowSeconds(world) + TRIAL_SECONDS_MIN)) {
    throw invalid(
      'The `trial_end` date has to be at least 2 days in the future, and without a number of days.',
      {
        param: 'subscription_data[trial_end]',
      },
    );
  }
  return {
    id: null,
    description: description ?? null,
    metadata: changeMetadata({}, sent.metadata),
    missingMethod: trial?.end_behavior.missing_payment_method ?? 'create_invoice',
    trialDays: days ?? null,
    trialEnd: end ?? null,
  };
}

export function hasTrial({ trialDays, trialEnd }: SubscriptionOrder): boolean {
  return trialDays !== null || trialEnd !== null;
}

type Sale = Order & { subscription: SubscriptionOrder };

/** How a session's subscription came out: paid, to be confirmed by the card's holder, or declined. */
export type Begun = {
  subscription: Stripe.Subscription | null;
  intent: Stripe.PaymentIntent | null;
  decline: Decline | null;
};

/** Whether a card is declined before anything begins. */
export function isDeclined(session: Stripe.Checkout.Session, means: Means | null): boolean {
  if (means?.type !== 'card' || means.decline === null || means.authentication !== 'never') return false;
  return session.amount_total !== 0 || !means.attaches;
}

/**
 * Begins the subscription that a session sells. A card that is declined begins nothing; one whose holder has to confirm
 * leaves it incomplete until then.
 */
export function beginFromSession(
  world: World,
  session: Stripe.Checkout.Session,
  sale: Sale,
  means: Means | null,
  email: string,
  returnUrl: string,
): Begun {
  if (isDeclined(session, means)) return decline(world, session, means!, email);
  const method =
    means === null ? null : addMethod(world, means, billingDetails(email), { allow_redisplay: 'limited' });
  const subscription = startOf(world, session, sale, method?.id ?? null);
  const invoice = findInvoice(world, idOf(subscription.latest_invoice) ?? '');
  if (invoice.amount_due === 0 && method !== null) setUp(world, method, String(subscription.customer));
  const tried = payInvoice(world, invoice, { method: method?.id ?? null, presence: 'on_session', returnUrl });
  const { intent } = tried;
  return {
    subscription: findSubscription(world, subscription.id),
    intent,
    decline: intent?.status === 'requires_action' ? null : tried.decline,
  };
}

/** The attempt is seen, as a failed payment, but nothing has begun. */
function decline(world: World, session: Stripe.Checkout.Session, means: Means, email: string): Begun {
  const amount = session.amount_total ?? 0;
  if (amount === 0) {
    return { subscription: null, intent: null, decline: means.type === 'card' ? means.decline : null };
  }
  const asked = openIntent(world, {
    amount,
    currency: session.currency ?? '',
    customer: idOf(session.customer),
    description: 'Subscription creation',
    metadata: {},
    payment_method_types: session.payment_method_types,
    setup_future_usage: 'off_session',
  });
  const tried = attempt(world, asked, addMethod(world, means, billingDetails(email)), 'on_session');
  return { subscription: null, intent: tried.intent, decline: tried.decline };
}

/** A card that was given for a trial can be charged when that is over. */
function setUp(world: World, method: Stripe.PaymentMethod, customer: string): void {
  save(world, method, customer);
  const key = world.store.get('key', method.id);
  if (key !== undefined) world.store.put('key', { ...key, isSetUp: true });
}

/** The subscription of an earlier attempt, with the method of this one; or a new one. */
function startOf(
  world: World,
  session: Stripe.Checkout.Session,
  sale: Sale,
  method: string | null,
): Stripe.Subscription {
  const { id } = sale.subscription;
  const earlier = id === null ? undefined : world.store.get('subscription', id);
  if (earlier?.status === 'incomplete') {
    const retried: Stripe.Subscription = { ...earlier, default_payment_method: method };
    world.store.put('subscription', retried);
    return retried;
  }
  const composed = compose(world, session, sale);
  const discounts = giveDiscounts(world, composed, sale.subscription.discounts ?? [], session.id);
  const subscription = { ...composed, default_payment_method: method, discounts };
  begin(world, subscription, composeFirstInvoice(world, subscription));
  world.store.put('order', { ...sale, subscription: { ...sale.subscription, id: subscription.id } });
  return findSubscription(world, subscription.id);
}

function compose(
  world: World,
  session: Stripe.Checkout.Session,
  { items, subscription: asked }: Sale,
): Stripe.Subscription {
  const customer = liveCustomer(world, idOf(session.customer) ?? '', 'customer');
  const { trialDays, trialEnd } = asked;
  const end = trialDays === null ? trialEnd : nowSeconds(world) + trialDays * DAY_SECONDS;
  const wanted = items.map(({ price, quantity }) => ({
    metadata: {},
    price: price!,
    quantity: quantity ?? 1,
  }));
  return composeSubscription(world, customer, wanted, {
    ...(asked.description === null ? {} : { description: asked.description }),
    metadata: asked.metadata,
    ...(end === null ? {} : { trial_end: end }),
    trial_settings: { end_behavior: { missing_payment_method: asked.missingMethod } },
  });
}

/** The session whose subscription begins with an intent. */
export function sessionOfIntent(world: World, intent: string): Stripe.Checkout.Session | undefined {
  const invoice = invoiceOfIntent(world, intent);
  if (invoice?.billing_reason !== 'subscription_create') return undefined;
  const subscription = subscriptionIdOf(invoice);
  for (const order of world.store.all('order')) {
    if (order.subscription?.id === subscription) return world.store.get('session', order.id);
  }
  return undefined;
}

/** The session with the subscription that it has sold, and its invoice. */
export function withSubscription(world: World, session: Stripe.Checkout.Session): Stripe.Checkout.Session {
  const id = world.store.get('order', session.id)?.subscription?.id ?? null;
  if (id === null) return session;
  const { customer, latest_invoice: invoice } = findSubscription(world, id);
  return { ...session, customer, invoice, subscription: id };
}

/** The intent that pays a session, directly or by the invoice of its subscription. */
export function intentOfSession(
  world: World,
  session: Stripe.Checkout.Session,
): Stripe.PaymentIntent | undefined {
  const invoice = idOf(session.invoice);
  const id = idOf(session.payment_intent) ?? (invoice === null ? null : intentOf(world, invoice));
  return id === null ? undefined : findIntent(world, id);
}
