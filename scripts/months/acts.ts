import type pg from 'pg';
import type Stripe from 'stripe';
import type { Random } from '../../src/lib/random.ts';
import { type Customer, orderOf, type Shop } from '../../test/shop.ts';

/** What acts work with. `stripe` is the dashboard's client. */
export type Stage = {
  shop: Pick<Shop, 'post' | 'send' | 'spend' | 'simulator'> & { database: { pool: pg.Pool } };
  stripe: Stripe;
};

/** One that buys, subscribes and uses. */
export type Tenant = { customer: Customer; sessions: string[]; refundable: string[]; portal: string | null };

export type Act = (stage: Stage, tenant: Tenant, random: Random) => Promise<unknown>;

const CARDS = ['4242424242424242', '5555555555554444', '4000000000003220', '4000000000009995'] as const;

/** Acts by name, with how often each is chosen. */
export type Acts = Record<string, [number, Act]>;

export const ACTS: Acts = {
  'buy credits': [6, buyCredits],
  subscribe: [6, subscribe],
  change: [4, change],
  cancel: [2, (stage, tenant, random) => cancel(stage, tenant, random.chance(0.7) ? 'period_end' : 'now')],
  resume: [2, ({ shop }, { customer }) => shop.post(`/v1/subscriptions/${customer.workspaceId}/resume`, {})],
  use: [6, use],
  refund: [3, refund],
  'refund at the dashboard': [2, dashboardRefund],
  'a refund fails': [1, failRefund],
  'a dispute begins': [2, dispute],
  'a dispute ends': [2, endDispute],
  'a card changes': [3, changeCard],
  'an invoice is paid': [2, payInvoice],
  'an invoice is given up': [1, giveUpInvoice],
  'the dashboard changes a plan': [2, dashboardChange],
  'the dashboard ends a subscription': [1, dashboardCancel],
  'the portal changes something': [2, usePortal],
  'a customer is deleted': [0.3, deleteCustomer],
};

/** One of the acts, by its weight. */
export function pickAct(random: Random, acts: Acts = ACTS): [string, Act] {
  const all = Object.entries(acts);
  const sum = all.reduce((total, [, [weight]]) => total + weight, 0);
  let left = random.below(sum * 1000) / 1000;
  for (const [name, [weight, act]] of all) {
    left -= weight;
    if (left < 0) return [name, act];
  }
  return ['use', use];
}

async function buyCredits(stage: Stage, tenant: Tenant, random: Random): Promise<void> {
  const amount = 5 + random.below(40);
  const what = random.pick([
    { pack: 'small' },
    { pack: 'small', currency: 'jpy' },
    { amount, currency: 'usd' },
    { amount: amount * 149, currency: 'jpy' },
  ]);
  const { body } = await stage.shop.post('/v1/checkout/credits', orderOf(tenant.customer, what));
  await pay(stage, tenant, body.sessionId, random);
}

async function subscribe(stage: Stage, tenant: Tenant, random: Random): Promise<void> {
  const order = orderOf(tenant.customer, {
    plan: random.pick(['BASIC', 'PRO']),
    interval: random.chance(0.7) ? 'month' : 'year',
    currency: random.chance(0.8) ? 'usd' : 'jpy',
    ...(random.chance(0.3) ? { trialDays: random.pick([3, 14]) } : {}),
  });
  const { body } = await stage.shop.post('/v1/checkout/subscription', order);
  await pay(stage, tenant, body.sessionId, random);
}

/** On the page: at once, later, with 3D Secure, by bank, after a card that was declined, or not at all. */
export async function pay(
  { shop }: Stage,
  tenant: Tenant,
  sessionId: string | undefined,
  random: Random,
): Promise<void> {
  if (sessionId === undefined) return;
  tenant.sessions.push(sessionId);
  if (random.chance(0.1)) return;
  if (random.chance(0.1)) shop.simulator.decline(sessionId);
  const isDelayed = random.chance(0.1);
  const { status, payment_intent: intent } = shop.simulator.pay(
    sessionId,
    isDelayed ? { delayed: true } : { card: random.pick(CARDS) },
  );
  if (isDelayed && random.chance(0.8)) {
    shop.simulator.settleDelayed(sessionId, random.chance(0.7) ? 'succeed' : 'fail');
  }
  if (status === 'open' && typeof intent === 'string') {
    shop.simulator.authenticate(intent, random.chance(0.8) ? 'succeed' : 'fail');
  }
}

function change({ shop }: Stage, { customer }: Tenant, random: Random) {
  return shop.post(`/v1/subscriptions/${customer.workspaceId}/change`, {
    plan: random.pick(['BASIC', 'PRO']),
    interval: random.chance(0.7) ? 'month' : 'year',
  });
}

function cancel({ shop }: Stage, { customer }: Tenant, at: 'period_end' | 'now') {
  return shop.post(`/v1/subscriptions/${customer.workspaceId}/cancel`, { at });
}

function use({ shop }: Stage, { customer }: Tenant, random: Random) {
  return shop.spend(customer, 1 + random.below(300));
}

async function payments(
  { shop }: Stage,
  { customer }: Tenant,
): Promise<{ id: string; paymentId: string; left: number }[]> {
  const { rows } = await shop.database.pool.query(
    `select id, "paymentId", (amount - refunded - disputed)::float as left
    from "Payment" where "workspaceId" = $1 and status = 'SUCCEEDED' order by "createdAt", id`,
    [customer.workspaceId],
  );
  return rows;
}

async function refund(stage: Stage, tenant: Tenant, random: Random): Promise<void> {
  const paid = await payments(stage, tenant);
  if (paid.length === 0) return;
  const { id, left } = random.pick(paid);
  const amount = Math.max(1, Math.floor(left / 3));
  const key = random.chance(0.5) ? { 'idempotency-key': `refund-${id}-${amount}` } : {};
  const body = random.chance(0.5) ? { amount } : {};
  const times = 1 + random.below(2); // somebody who got no answer asks again
  for (let i = 0; i < times; i++) await stage.shop.post(`/v1/payments/${id}/refund`, body, key);
}

async function dashboardRefund({ stripe, ...stage }: Stage, tenant: Tenant, random: Random): Promise<void> {
  const paid = await payments({ stripe, ...stage }, tenant);
  if (paid.length === 0) return;
  const made = await stripe.refunds.create({ payment_intent: random.pick(paid).paymentId, amount: 100 });
  tenant.refundable.push(made.id);
}

async function failRefund({ shop }: Stage, { refundable }: Tenant): Promise<void> {
  const id = refundable.pop();
  if (id !== undefined) shop.simulator.failRefund(id);
}

async function dispute(stage: Stage, tenant: Tenant, random: Random): Promise<void> {
  const paid = await payments(stage, tenant);
  if (paid.length === 0) return;
  const { latest_charge: charge } = await stage.stripe.paymentIntents.retrieve(random.pick(paid).paymentId);
  const isInquiry = random.chance(0.3);
  stage.shop.simulator.dispute(String(charge), isInquiry ? { status: 'warning_needs_response' } : {});
}

async function endDispute(stage: Stage, tenant: Tenant, random: Random): Promise<void> {
  for (const { paymentId } of await payments(stage, tenant)) {
    const { data } = await stage.stripe.disputes.list({ payment_intent: paymentId });
    for (const { id, status } of data) {
      if (status.startsWith('warning')) stage.shop.simulator.moveDispute(id, 'warning_closed');
      else if (status === 'needs_response') {
        stage.shop.simulator.moveDispute(id, random.chance(0.5) ? 'won' : 'lost');
      }
    }
  }
}

/** What this tenant has at Stripe; undefined for one that has none yet. */
async function subscriptionOf(
  { stripe }: Stage,
  { customer }: Tenant,
): Promise<Stripe.Subscription | undefined> {
  const { data } = await stripe.customers.list({ email: customer.user.email });
  if (data[0] === undefined) return undefined;
  const subscriptions = await stripe.subscriptions.list({ customer: data[0].id });
  return subscriptions.data[0];
}

async function changeCard(stage: Stage, tenant: Tenant, random: Random): Promise<void> {
  const method = (await subscriptionOf(stage, tenant))?.default_payment_method;
  const behaviour = random.pick(['insufficient_funds', 'authentication_required', null, null]);
  if (method) stage.shop.simulator.setCard(String(method), behaviour);
}

async function openInvoice(stage: Stage, tenant: Tenant): Promise<string | undefined> {
  const subscription = await subscriptionOf(stage, tenant);
  if (subscription === undefined) return undefined;
  const { data } = await stage.stripe.invoices.list({ subscription: subscription.id, status: 'open' });
  return data[0]?.id;
}

async function payInvoice(stage: Stage, tenant: Tenant): Promise<void> {
  const id = await openInvoice(stage, tenant);
  if (id !== undefined) await stage.stripe.invoices.pay(id);
}

async function giveUpInvoice(stage: Stage, tenant: Tenant, random: Random): Promise<void> {
  const id = await openInvoice(stage, tenant);
  if (id === undefined) return;
  if (random.chance(0.5)) await stage.stripe.invoices.voidInvoice(id);
  else await stage.stripe.invoices.markUncollectible(id);
}

async function dashboardChange(stage: Stage, tenant: Tenant, random: Random): Promise<void> {
  const subscription = await subscriptionOf(stage, tenant);
  const item = subscription?.items.data[0];
  if (subscription === undefined || item === undefined) return;
  const terms = `${random.pick(['BASIC', 'PRO'])}_${random.pick(['month', 'year'])}`;
  const { data } = await stage.stripe.prices.list({
    lookup_keys: [`tollgate_${terms}_${subscription.currency}`],
  });
  if (data[0] === undefined) return;
  await stage.stripe.subscriptions.update(subscription.id, {
    items: [{ id: item.id, price: data[0].id }],
    proration_behavior: random.pick(['always_invoice', 'create_prorations', 'none']),
    ...(random.chance(0.5) ? { payment_behavior: 'pending_if_incomplete' } : {}),
  });
}

async function dashboardCancel(stage: Stage, tenant: Tenant, random: Random): Promise<void> {
  const subscription = await subscriptionOf(stage, tenant);
  if (subscription === undefined) return;
  if (random.chance(0.3)) await stage.stripe.subscriptions.cancel(subscription.id);
  else await stage.stripe.subscriptions.update(subscription.id, { cancel_at_period_end: random.chance(0.6) });
}

async function usePortal(stage: Stage, tenant: Tenant, random: Random): Promise<void> {
  const { workspaceId, user } = tenant.customer;
  const { body } = await stage.shop.post('/v1/portal', {
    workspaceId,
    user,
    returnUrl: 'https://shop.test/',
  });
  const subscription = await subscriptionOf(stage, tenant);
  if (typeof body.url !== 'string' || subscription === undefined) return;
  const terms = `${random.pick(['BASIC', 'PRO'])}_${random.pick(['month', 'year'])}`;
  const { data } = await stage.stripe.prices.list({
    lookup_keys: [`tollgate_${terms}_${subscription.currency}`],
  });
  const form = random.pick([
    { act: 'cancel', subscription: subscription.id },
    { act: 'keep', subscription: subscription.id },
    { act: 'switch', subscription: subscription.id, price: data[0]?.id ?? '' },
  ]);
  await fetch(body.url, { method: 'POST', redirect: 'manual', body: new URLSearchParams(form) });
}

async function deleteCustomer({ stripe }: Stage, { customer }: Tenant): Promise<void> {
  const { data } = await stripe.customers.list({ email: customer.user.email });
  if (data[0] !== undefined) await stripe.customers.del(data[0].id);
}
