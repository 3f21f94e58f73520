import type Stripe from 'stripe';

/** Everything that the simulator has, whole. */
export type Truth = {
  sessions: Stripe.Checkout.Session[];
  subscriptions: Stripe.Subscription[];
  invoices: Stripe.Invoice[];
  intents: Map<string, Stripe.PaymentIntent>;
  refunds: Stripe.Refund[];
  disputes: Stripe.Dispute[];
  customers: Stripe.Customer[];
};

type Listing<T> = { autoPagingToArray(options: { limit: number }): Promise<T[]> };

const all = <T>(list: Listing<T>): Promise<T[]> => list.autoPagingToArray({ limit: 10_000 });

export async function readTruth(stripe: Stripe): Promise<Truth> {
  const limit = 100;
  const intents = await all(stripe.paymentIntents.list({ limit }));
  return {
    sessions: await all(stripe.checkout.sessions.list({ limit })),
    subscriptions: await all(stripe.subscriptions.list({ limit, status: 'all' })),
    invoices: await all(stripe.invoices.list({ limit, expand: ['data.payments'] })),
    intents: new Map(intents.map((intent) => [intent.id, intent])),
    refunds: await all(stripe.refunds.list({ limit })),
    disputes: await all(stripe.disputes.list({ limit })),
    customers: await all(stripe.customers.list({ limit })),
  };
}

/** Money in major units. The catalog sells in dollars and yen. */
export function moneyOf(amount: number, currency: string): number {
  return currency === 'jpy' ? amount : amount / 100;
}

/** What a workspace's rows must be, by what Stripe has; a model of its own, in as few rules as will do. */
export type Expected = {
  /** Payments that succeeded: `intent amount currency`. */
  paid: string[];
  /** Payments of invoices that were not paid, by invoice. Null: it may be there or not. */
  unpaid: Map<string, string | null>;
  reversals: string[];
  /** Credits bought, by intent, and how much of them is to be taken back. */
  bought: Map<string, { credits: number; reversed: number }>;
  subscription: string | null;
  /** Plan and month of the credits that must be there now; null where none have to. */
  month: { plan: string; credits: number } | null;
  /** Subscriptions that are paid for at once. */
  live: number;
};

export const PLAN_CREDITS: Record<string, number> = { BASIC: 100, PRO: 500 };
const STATUS: Record<string, string> = {
  ...{ active: 'ACTIVE', trialing: 'TRIAL', past_due: 'PAST_DUE', unpaid: 'UNPAID', paused: 'UNPAID' },
  canceled: 'CANCELED',
};
const REFUND: Record<string, string> = {
  ...{
    pending: 'PENDING',
    requires_action: 'PENDING',
    succeeded: 'SUCCEEDED',
    failed: 'FAILED',
    canceled: 'FAILED',
  },
};
const DISPUTE: Record<string, string> = {
  ...{
    warning_needs_response: 'INQUIRY',
    warning_under_review: 'INQUIRY',
    warning_closed: 'WON',
    won: 'WON',
  },
  ...{ needs_response: 'OPEN', under_review: 'OPEN', lost: 'LOST' },
};

const idOf = (of: string | { id: string } | null | undefined): string | null =>
  typeof of === 'string' ? of : (of?.id ?? null);

export const planOf = (item: { price: Stripe.Price } | undefined): string =>
  String(idOf(item?.price.product)).replace('tollgate_plan_', '');

export function expectedOf(truth: Truth, workspaceId: string, now: Date): Expected {
  const subscriptions = truth.subscriptions.filter(({ metadata }) => metadata.workspaceId === workspaceId);
  const ids = new Set(subscriptions.map(({ id }) => id));
  const invoices = truth.invoices.filter(({ parent }) =>
    ids.has(String(idOf(parent?.subscription_details?.subscription))),
  );
  const sessions = truth.sessions.filter(
    ({ metadata, mode, payment_status: paid }) =>
      mode === 'payment' && metadata?.workspaceId === workspaceId && paid === 'paid',
  );
  const paidBy = new Map<string, { amount: number; currency: string }>();
  for (const { payment_intent: intent, amount_total: amount, currency } of sessions) {
    paidBy.set(idOf(intent)!, { amount: amount!, currency: currency! });
  }
  const topUps = [...truth.intents.values()].filter(
    ({ metadata, status }) =>
      metadata.topUp === 'auto' && metadata.workspaceId === workspaceId && status === 'succeeded',
  );
  for (const { id, amount, currency } of topUps) paidBy.set(id, { amount, currency });
  const purchases = new Set(paidBy.keys());
  const unpaid = new Map<string, string | null>();
  for (const invoice of invoices) {
    if (invoice.status === 'draft' || invoice.amount_due === 0) continue;
    if (invoice.status !== 'paid') unpaid.set(invoice.id!, unpaidStatus(truth, invoice, subscriptions));
    else paidBy.set(intentOf(invoice), { amount: invoice.amount_paid, currency: invoice.currency });
  }
  const about = [
    ...truth.refunds.map((one) => ({
      ...one,
      status: REFUND[one.status ?? ''] ?? 'unknown',
      sort: 'REFUND',
    })),
    ...truth.disputes.map((one) => ({ ...one, status: DISPUTE[one.status] ?? 'unknown', sort: 'DISPUTE' })),
  ].filter(({ payment_intent: intent }) => paidBy.has(String(idOf(intent))));
  const bought = new Map<string, { credits: number; reversed: number }>();
  for (const [intent, { amount, currency }] of paidBy) {
    const back = about
      .filter((one) => idOf(one.payment_intent) === intent)
      .filter(({ status }) => ['PENDING', 'SUCCEEDED', 'OPEN', 'LOST'].includes(status))
      .reduce((sum, one) => sum + one.amount, 0);
    const credits = purchases.has(intent) ? creditsFor(moneyOf(amount, currency), currency) : 0;
    bought.set(intent, { credits, reversed: Math.min(1, back / amount) });
  }
  const chosen = choose(subscriptions);
  return {
    paid: [...paidBy]
      .map(([intent, of]) => `${intent} ${moneyOf(of.amount, of.currency)} ${of.currency}`)
      .sort(),
    unpaid,
    reversals: about
      .map(({ id, sort, status, amount, currency }) => `${id} ${sort} ${status} ${moneyOf(amount, currency)}`)
      .sort(),
    bought,
    subscription: chosen === undefined ? null : wordsOf(chosen),
    month: chosen === undefined ? null : monthOf(chosen, invoices, now),
    live: subscriptions.filter(({ status }) => ['active', 'trialing', 'past_due'].includes(status)).length,
  };
}

/** The small pack costs 10 dollars or 1500 yen; amounts of one's own buy 100 a dollar, and 0.65 a yen. */
function creditsFor(amount: number, currency: string): number {
  if (currency === 'usd') return amount * 100;
  return amount === 1500 ? 1000 : Math.round(amount * 0.65 * 1e6) / 1e6;
}

function intentOf({ id, payments }: Stripe.Invoice): string {
  const paid = payments?.data.find(({ status }) => status === 'paid');
  return idOf(paid?.payment.payment_intent) ?? id!;
}

function unpaidStatus(
  truth: Truth,
  invoice: Stripe.Invoice,
  subscriptions: Stripe.Subscription[],
): string | null {
  const of = subscriptions.find(({ id }) => id === idOf(invoice.parent?.subscription_details?.subscription));
  const isGone = !truth.customers.some(({ id }) => id === idOf(invoice.customer));
  if (isGone || of?.status.startsWith('incomplete')) return null;
  if (invoice.status !== 'open') return 'FAILED';
  const payment = invoice.payments?.data.find((one) => one.is_default);
  const intent = truth.intents.get(String(idOf(payment?.payment.payment_intent)));
  return invoice.attempted && intent?.status === 'requires_payment_method' ? 'FAILED' : 'PENDING';
}

/** Of those that go on, the oldest; else of those that owe; else the one that began last. */
function choose(subscriptions: Stripe.Subscription[]): Stripe.Subscription | undefined {
  const rank = ({ status }: Stripe.Subscription) =>
    status === 'canceled' ? 2 : STATUS[status] === 'UNPAID' ? 1 : 0;
  return subscriptions
    .filter(({ status }) => STATUS[status] !== undefined)
    .sort(
      (a, b) =>
        rank(a) - rank(b) ||
        (a.start_date - b.start_date) * (rank(a) === 2 ? -1 : 1) ||
        (a.id < b.id ? -1 : 1),
    )[0];
}

function wordsOf(subscription: Stripe.Subscription): string {
  const {
    id,
    status,
    ended_at: endedAt,
    cancel_at: cancelAt,
    cancel_at_period_end: atEnd,
    items,
  } = subscription;
  const item = items.data[0]!;
  const end = status === 'canceled' ? endedAt! : item.current_period_end;
  const ends = status === 'canceled' ? null : (cancelAt ?? (atEnd ? item.current_period_end : null));
  return [
    ...[id, STATUS[status], planOf(item), item.price.recurring?.interval, subscription.currency],
    ...[timeOf(end), ends === null ? '-' : timeOf(ends)],
  ].join(' ');
}

const timeOf = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** The credits of the present month, where the plan is had and a paid line of a plan as good lasts now. */
function monthOf(of: Stripe.Subscription, invoices: Stripe.Invoice[], now: Date): Expected['month'] {
  if (of.status !== 'active') return null; // grace and trials give or do not give by rules of their own
  const plan = planOf(of.items.data[0]);
  const seconds = now.getTime() / 1000;
  const endsBefore = of.cancel_at !== null && of.cancel_at <= seconds;
  const isPaid = invoices.some(
    ({ status, parent, lines }) =>
      status === 'paid' &&
      idOf(parent?.subscription_details?.subscription) === of.id &&
      lines.data.some(
        ({ amount, period, pricing }) =>
          amount > 0 &&
          period.start <= seconds &&
          period.end > seconds &&
          rankOf(String(pricing?.price_details?.product)) >= rankOf(plan),
      ),
  );
  return isPaid && !endsBefore ? { plan, credits: PLAN_CREDITS[plan] ?? 0 } : null;
}

function rankOf(plan: string): number {
  return ['BASIC', 'PRO'].indexOf(plan.replace('tollgate_plan_', ''));
}
