import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type Stripe from 'stripe';
import { type Clock, systemClock } from '../lib/clock.ts';
import { advanceClocks } from './billing/clocks.ts';
import { doDue } from './billing/due.ts';
import { DUNNING, type Dunning } from './billing/dunning.ts';
import { expireDue, findSession } from './checkout/checkout.ts';
import { confirmSession, settleSession } from './checkout/confirm.ts';
import { configureEndpoint, forgetConfigured, type Webhook } from './endpoints.ts';
import { type FaultPlan, Faults } from './faults.ts';
import { moveOpenPages } from './moves.ts';
import { OwnClock } from './own-clock.ts';
import { cardMeans, decliningCard, GOOD_CARD } from './payments/cards.ts';
import { type DisputeOptions, moveDispute, openDispute } from './payments/disputes.ts';
import { delayedMeans } from './payments/methods.ts';
import { answerForBanks, authenticateIntent, authenticateSetup, settleIntent } from './payments/outcomes.ts';
import { failRefund, settleDue, settleRefund } from './payments/refunds.ts';
import { setCard } from './payments/wallet.ts';
import { createApi } from './server.ts';
import { Store } from './store.ts';
import { Courier, type DeliveryAttempt, type WebhookOptions } from './webhooks.ts';
import type { World } from './world.ts';

export type { Dunning } from './billing/dunning.ts';
export type { Webhook } from './endpoints.ts';
export { FAULT_NAMES, type FaultPlan } from './faults.ts';
export type { DisputeOptions } from './payments/disputes.ts';
export type { DeliveryAttempt } from './webhooks.ts';

export type SimulatorOptions = WebhookOptions & {
  /** Without it, the simulator has a time of its own, moved by `/_simulator/clock`. */
  clock?: Clock;
  /** 0, the default, takes any free port. */
  port?: number;
  host?: string;
  /** A journal that survives restarts and kill -9; without it, everything is forgotten at the end. */
  dataFile?: string;
  webhooks?: Webhook[];
  /** The secret keys to accept; without them, any `sk_test_…`. */
  apiKeys?: string[];
  /** What goes wrong from the start. */
  faults?: FaultPlan;
  /** How unpaid invoices are tried again; four times in a week, then the subscription is canceled, if nothing is said. */
  dunning?: Dunning;
};

export type PayOptions = {
  /** The number of a test card; 4242424242424242 if nothing is said. Null: none, where none is asked for. */
  card?: string | null;
  /** Pays by a bank debit: complete at once, settled later. */
  delayed?: boolean;
  email?: string;
};

/** A stand-in for Stripe: its API, its payment pages and its webhooks. The verbs do what a person or a bank would. */
export type Simulator = {
  url: string;
  /** Pays a session as its page does. Throws when the card is declined; with 3D Secure, the session stays open. */
  pay(sessionId: string, options?: PayOptions): Stripe.Checkout.Session;
  /** Tries a card that is declined with that code, `generic_decline` if nothing is said; the session stays open. */
  decline(sessionId: string, declineCode?: string): Stripe.Checkout.Session;
  /** Lets the bank answer for a payment by bank debit. */
  settleDelayed(sessionId: string, outcome?: 'succeed' | 'fail'): Stripe.Checkout.Session;
  /** The same for a payment intent that no session made. */
  settleIntent(intentId: string, outcome?: 'succeed' | 'fail'): Stripe.PaymentIntent;
  /** Lets a card's holder answer 3D Secure for an intent that requires action. */
  authenticate(intentId: string, outcome?: 'succeed' | 'fail'): Stripe.PaymentIntent;
  /** The same for a setup intent. */
  authenticateSetup(setupIntentId: string, outcome?: 'succeed' | 'fail'): Stripe.SetupIntent;
  /** A saved card goes bad: declined with that code, or `authentication_required`. Null: as its number says. */
  setCard(paymentMethodId: string, behaviour: string | null): void;
  /** Lets a refund fail, whatever it looked like; or one that is pending succeed. */
  failRefund(refundId: string): Stripe.Refund;
  settleRefund(refundId: string): Stripe.Refund;
  /** Disputes a charge: all of it unless an amount is given; an inquiry with `warning_needs_response`. */
  dispute(chargeId: string, options?: DisputeOptions): Stripe.Dispute;
  /** Brings a dispute to another status; `won`, `lost`, `warning_closed` and `prevented` close it. */
  moveDispute(disputeId: string, status: Stripe.Dispute.Status): Stripe.Dispute;
  addWebhook(webhook: Webhook): Stripe.WebhookEndpoint;
  /** Sends an event again, as often as asked, all at once. */
  redeliver(eventId: string, times?: number): Promise<DeliveryAttempt[]>;
  /** Every event that is still answered for, oldest first. */
  events(): Stripe.Event[];
  /** Every attempt of this run to deliver an event, oldest first. */
  deliveries(): DeliveryAttempt[];
  /** Resolves when every event is delivered or given up. */
  idle(): Promise<void>;
  /** Replaces what goes wrong; nothing does if nothing is said. */
  setFaults(plan?: FaultPlan): void;
  /** Does now what is due by the clock; happens by itself every second. */
  tick(): void;
  stop(): Promise<void>;
};

const TICK_MS = 1_000;

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = '127.0.0.1', port = 0 } = options;
  const clock = options.clock ?? new OwnClock();
  const ownClock = clock instanceof OwnClock ? clock : null;
  const faults = new Faults(options.faults);
  const server = createServer();
  server.listen(port, host);
  await once(server, 'listening'); // rejects where the port is in use
  // Only who has the port opens the journal. No request is early: from here to `return` nothing is waited for.
  const world = openWorld(options, clock, addressOf(host, (server.address() as AddressInfo).port), server);
  const { store } = world;
  const tick = () =>
    store.write(() => {
      expireDue(world);
      settleDue(world);
      doDue(world);
      answerForBanks(world);
      advanceClocks(world);
    });
  const control = { faults, clock: ownClock, now: () => clock.now(), tick };
  server.on('request', createApi(world, control, options.apiKeys));
  // Whoever verifies a signature goes by the machine's time, unless the same clock was given to both.
  const courier = new Courier(store, { ...options, clock: options.clock ?? systemClock, faults });
  courier.start();
  const ticking = setInterval(tick, TICK_MS);
  ticking.unref();

  return {
    url: world.baseUrl,
    pay: (id, { card = GOOD_CARD, delayed = false, email } = {}) => {
      const { session, decline } = store.write(() =>
        confirmSession(
          world,
          id,
          delayed ? delayedMeans(findSession(world, id)) : card === null ? null : cardMeans(card),
          email,
        ),
      );
      if (decline !== null) throw new Error(`${decline.message} (${decline.declineCode})`);
      return session;
    },
    decline: (id, declineCode = 'generic_decline') =>
      store.write(() => confirmSession(world, id, cardMeans(decliningCard(declineCode)))).session,
    settleDelayed: (id, outcome = 'succeed') => store.write(() => settleSession(world, id, outcome)),
    settleIntent: (id, outcome = 'succeed') => store.write(() => settleIntent(world, id, outcome)),
    authenticate: (id, outcome = 'succeed') => store.write(() => authenticateIntent(world, id, outcome)),
    authenticateSetup: (id, outcome = 'succeed') => store.write(() => authenticateSetup(world, id, outcome)),
    setCard: (id, behaviour) => store.write(() => setCard(world, id, behaviour)),
    failRefund: (id) => store.write(() => failRefund(world, id)),
    settleRefund: (id) => store.write(() => settleRefund(world, id)),
    dispute: (id, options) => store.write(() => openDispute(world, id, options)),
    moveDispute: (id, status) => store.write(() => moveDispute(world, id, status)),
    addWebhook: (webhook) => store.write(() => configureEndpoint(world, webhook)),
    redeliver: (eventId, times) => courier.redeliver(eventId, times),
    events: () => [...store.all('event')],
    deliveries: () => courier.deliveries(),
    idle: () => courier.idle(),
    setFaults: (plan = {}) => faults.set(plan),
    tick,
    stop: async () => {
      clearInterval(ticking);
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await Promise.all([courier.stop(), closed]);
      store.close();
    },
  };
}

/** What the journal holds, at today's address. Where that cannot be had, nobody listens any more. */
function openWorld(options: SimulatorOptions, clock: Clock, baseUrl: string, server: Server): World {
  let store: Store | undefined;
  try {
    store = new Store(options.dataFile);
    if (clock instanceof OwnClock) clock.keepIn(store);
    const world: World = {
      clock,
      store,
      baseUrl,
      dunning: options.dunning ?? DUNNING,
      request: { id: null, idempotency_key: null },
    };
    store.write(() => {
      forgetConfigured(world);
      for (const webhook of options.webhooks ?? []) configureEndpoint(world, webhook);
      moveOpenPages(world);
    });
    return world;
  } catch (error) {
    server.close();
    store?.close();
    throw error;
  }
}

/** A server that listens everywhere is reached through this machine's own name. */
function addressOf(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
