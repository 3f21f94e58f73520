import type Stripe from 'stripe';
import type { MovableClock } from '../src/lib/clock.ts';
import type { Simulator } from '../src/simulator/simulator.ts';
import type { Server } from './world.ts';

export type Shop = {
  server: Server;
  simulator: Simulator;
  /** The simulator's. */
  clock: MovableClock;
  stripe: Stripe;
};

const DAY_MS = 86_400_000;
const MONTH_MS = 32 * DAY_MS; // longer than any, so that each subscription is renewed once
const BUYERS = 8; // at once

/** Of so many people one does it. */
const SUBSCRIBES = 2;
const IS_REFUNDED = 10;
const CANCELS = 10;
const MOVES = 4;

/**
 * What Stripe has to tell of people of whom each buys credits or subscribes, in the order in which it happened: they did
 * a month ago, and the subscriptions have been renewed since. Tollgate began the checkouts, and was told of nothing.
 */
export async function makeEvents(
  shop: Shop,
  people: { from: number; count: number },
): Promise<Stripe.Event[]> {
  const { simulator, clock } = shop;
  const before = new Set(simulator.events().map(({ id }) => id));
  const isNew = ({ id }: Stripe.Event) => !before.has(id);
  clock.offsetMs = -MONTH_MS;
  let next = 0;
  const buyer = async () => {
    while (next < people.count) await visit(shop, people.from + next++);
  };
  await Promise.all(Array.from({ length: BUYERS }, buyer));
  // Stripe forgets events after thirty days.
  const events = simulator.events().filter(isNew);
  for (const { id } of events) before.add(id);
  clock.offsetMs = 0;
  simulator.tick();
  // What is upcoming has no id, and cannot be stored by those who store objects.
  return [...events, ...simulator.events().filter(isNew)].filter(({ type }) => type !== 'invoice.upcoming');
}

async function visit(shop: Shop, person: number): Promise<void> {
  const { stripe, simulator } = shop;
  const subscribes = person % SUBSCRIBES === 0;
  const session = simulator.pay(
    await (subscribes
      ? checkout(shop, person, 'subscription', { plan: 'BASIC', interval: 'month' })
      : checkout(shop, person, 'credits', { pack: 'credits_10' })),
  );
  const visits = Math.floor(person / SUBSCRIBES);
  if (subscribes && visits % CANCELS === 0) {
    await stripe.subscriptions.update(String(session.subscription), { cancel_at_period_end: true });
  }
  if (!subscribes && visits % IS_REFUNDED === 0) {
    await stripe.refunds.create({ payment_intent: String(session.payment_intent) });
  }
  if (visits % MOVES === 0) {
    await stripe.customers.update(String(session.customer), { address: { country: 'DE', city: 'Berlin' } });
  }
}

/** Begins a checkout; resolves to the id of its session. */
async function checkout(
  { server }: Shop,
  person: number,
  kind: 'credits' | 'subscription',
  wanted: object,
): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${server.port}/v1/checkout/${kind}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${server.key}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({
      workspaceId: `ws_${person}`,
      user: { userId: `user_${person}`, email: `user_${person}@example.com` },
      ...wanted,
      successUrl: 'https://shop.test/thanks',
      cancelUrl: 'https://shop.test/plans',
    }),
  });
  const body = (await answer.json()) as { sessionId: string };
  if (answer.status !== 201) throw new Error(`there is no page to pay on: ${JSON.stringify(body)}`);
  return body.sessionId;
}
