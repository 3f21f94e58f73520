import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type pg from 'pg';
import type Stripe from 'stripe';
import { audit } from '../src/audit/audit.ts';
import { parseCatalog } from '../src/catalog/parse.ts';
import { keepVersion } from '../src/catalog/store.ts';
import type { Catalog } from '../src/catalog/types.ts';
import { openPool } from '../src/db/pool.ts';
import { createEngine, ENGINE_SETTINGS } from '../src/engine/engine.ts';
import { use } from '../src/entitlements/entitlements.ts';
import { createServer } from '../src/http/server.ts';
import { webhookRoutes } from '../src/http/webhooks.ts';
import { JOB_CONNECTIONS_MAX, type Jobs, startJobs } from '../src/jobs/jobs.ts';
import { MovableClock } from '../src/lib/clock.ts';
import { newId } from '../src/lib/ids.ts';
import { type Dunning, type FaultPlan, type Simulator, startSimulator } from '../src/simulator/simulator.ts';
import { sign } from '../src/simulator/webhooks.ts';
import type { CreatedCheckout } from '../src/stripe/checkout.ts';
import { createStripe } from '../src/stripe/client.ts';
import { openInbox } from '../src/stripe/inbox.ts';
import { eventRoutes } from '../src/stripe/lists.ts';
import { checkoutRoutes } from '../src/stripe/routes.ts';
import type { StripeServices } from '../src/stripe/services.ts';
import { subscriptionVerbRoutes } from '../src/stripe/subscriptions/routes.ts';
import { topUpRoutes } from '../src/stripe/topups/routes.ts';
import { getWorkspace, type WorkspaceState } from '../src/workspaces/workspaces.ts';
import { type TestDatabase, testDatabase } from './database.ts';
import { sampleConfig } from './fixtures/catalog.ts';
import { openWire, type Wire } from './wire.ts';

export const WEBHOOK_SECRET = 'whsec_of_the_test';
export const API_KEY = 'tg_sk_of_the_test';

/** All that takes part in a purchase, on a database of its own: HTTP server, jobs, simulator, real Stripe client. */
export type Shop = {
  database: TestDatabase;
  services: StripeServices;
  simulator: Simulator;
  wire: Wire;
  server: FastifyInstance;
  url: string;
  clock: MovableClock;
  /** What was reported to the operator. */
  reports: string[];
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  send(method: 'PUT' | 'DELETE', path: string, body?: unknown): Promise<Answer>;
  /** A new workspace, with the person who pays for it. */
  customer(): Promise<Customer>;
  /** Posts an event as Stripe does; signed with the test's secret unless a signature is given. */
  deliver(event: unknown, signature?: string): Promise<Answer>;
  checkout(customer: Customer, more?: object): Promise<CreatedCheckout>;
  /** A purchase that is paid and granted. */
  buy(customer: Customer, more?: object, card?: string): Promise<Bought>;
  /** A subscription that is paid and applied; the trial's, where it has one. */
  subscribe(customer: Customer, more?: object, card?: string): Promise<Stripe.Subscription>;
  /** What a workspace is on, and may use. */
  workspace(customer: Customer): Promise<WorkspaceState>;
  /** Moves time forward, for Tollgate and the simulator, and waits for what comes of it. */
  advance(days: number): Promise<void>;
  /** The same, to a moment, such as the end of a period. */
  advanceTo(at: Date | string): Promise<void>;
  /** Uses so many credits of a workspace up; resolves to the id of the use. */
  spend(customer: Customer, credits: number): Promise<string>;
  /** Resolves when the simulator has delivered everything and no event waits to be applied. */
  idle(): Promise<void>;
  jobs: Jobs | undefined;
  startJobs(): Promise<void>;
  /** Whatever the test did, the books must add up at its end. */
  close(): Promise<void>;
};

export type Customer = { workspaceId: string; user: { userId: string; email: string } };
/** A payment by its own id, and by Stripe's of its intent and charge. */
export type Bought = { id: string; intent: string; charge: string };
// biome-ignore lint/suspicious/noExplicitAny: whatever the server answers
export type Answer = { status: number; body: any; headers: Headers };

export async function openShop(
  options: {
    catalog?: Catalog;
    timeoutMs?: number;
    withoutJobs?: boolean;
    withoutWebhooks?: boolean;
    /** What goes wrong at Stripe, from the start. */
    faults?: FaultPlan;
    /** How unpaid invoices are tried again there. */
    dunning?: Dunning;
  } = {},
): Promise<Shop> {
  const database = await testDatabase();
  const clock = new MovableClock();
  const reports: string[] = [];
  const report = (message: string, error: unknown) => void reports.push(`${message}: ${error}`);
  const catalog = options.catalog ?? parseCatalog(sampleConfig());
  const pools = {
    engine: openPool(database.url, { max: 4, name: 'engine', settings: ENGINE_SETTINGS }),
    locks: openPool(database.url, { max: 10, name: 'locks' }),
    jobs: undefined as pg.Pool | undefined, // each worker's own, as in a process that has just started
  };
  await keepVersion(database.db, catalog, clock.now());
  const engine = createEngine({ pool: pools.engine, catalog, clock, report });
  const simulator = await startSimulator({
    clock,
    retryDelaysMs: [100, 200, 400, 800, 1_600],
    faults: options.faults ?? {},
    ...(options.dunning === undefined ? {} : { dunning: options.dunning }),
  });
  const wire = await openWire(simulator.url);
  const stripe = createStripe({
    secretKey: 'sk_test_shop',
    apiBase: wire.url,
    timeoutMs: options.timeoutMs ?? 15_000,
  });
  const services: StripeServices = {
    pool: database.pool,
    engine,
    catalog,
    clock,
    stripe,
    livemode: false,
    report,
  };
  const server = createServer({
    keys: { accepts: (key) => key === API_KEY },
    db: database.db,
    locks: pools.locks,
    endpoints: [
      ...checkoutRoutes(services),
      ...subscriptionVerbRoutes(services),
      ...topUpRoutes(services),
      ...eventRoutes({ db: database.db, livemode: false }),
    ],
    report,
  } as Parameters<typeof createServer>[0]);
  server.register(webhookRoutes(openInbox(services, [WEBHOOK_SECRET])));
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  if (options.withoutWebhooks !== true)
    simulator.addWebhook({ url: `${url}/webhooks/stripe`, secrets: [WEBHOOK_SECRET] });

  async function get(path: string): Promise<Answer> {
    const response = await fetch(url + path, { headers: { authorization: `Bearer ${API_KEY}` } });
    return { status: response.status, body: await response.json(), headers: response.headers };
  }

  const post = (path: string, body: unknown, headers?: Record<string, string>) =>
    send('POST', path, body, headers);

  async function send(
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.json(), headers: response.headers };
  }

  const shop: Shop = {
    database,
    services,
    simulator,
    wire,
    server,
    url,
    clock,
    reports,
    jobs: undefined,
    get,
    post,
    send,
    async deliver(event, signature) {
      const body = typeof event === 'string' ? event : JSON.stringify(event, null, 2);
      const seconds = Math.floor(clock.now().getTime() / 1000);
      const response = await fetch(`${url}/webhooks/stripe`, {
        method: 'POST',
        headers: { 'stripe-signature': signature ?? sign(body, [WEBHOOK_SECRET], seconds) },
        body,
      });
      return { status: response.status, body: await response.json(), headers: response.headers };
    },
    async customer() {
      const id = newId('ws');
      await database.pool.query('insert into "Workspace" (id, name) values ($1, $1)', [id]);
      return { workspaceId: id, user: { userId: newId('user'), email: `${newId('mail')}@example.com` } };
    },
    async checkout(customer, more = { pack: 'small' }) {
      const { status, body } = await post('/v1/checkout/credits', orderOf(customer, more));
      if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
      return body;
    },
    async buy(customer, more, card) {
      const { sessionId } = await shop.checkout(customer, more);
      const intent = String(simulator.pay(sessionId, card === undefined ? {} : { card }).payment_intent);
      await shop.idle();
      const { rows } = await database.pool.query('select id from "Payment" where "paymentId" = $1', [intent]);
      const { latest_charge: charge } = await stripe.paymentIntents.retrieve(intent);
      return { id: rows[0].id, intent, charge: String(charge) };
    },
    async subscribe(customer, more, card) {
      const order = orderOf(customer, { plan: 'PRO', interval: 'month', ...more });
      const { status, body } = await post('/v1/checkout/subscription', order);
      if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
      const { subscription } = simulator.pay(body.sessionId, card === undefined ? {} : { card });
      await shop.idle();
      return stripe.subscriptions.retrieve(String(subscription));
    },
    workspace: ({ workspaceId }) => getWorkspace({ db: database.db, engine, catalog, clock }, workspaceId),
    async advance(days) {
      clock.offsetMs += days * 86_400_000;
      simulator.tick();
      await shop.idle();
    },
    advanceTo: (at) => shop.advance((new Date(at).getTime() - clock.now().getTime()) / 86_400_000),
    async spend({ workspaceId }, credits) {
      // Each costs half a credit.
      const amount = BigInt(Math.round(credits * 2e6));
      const { value } = await use(
        { engine, catalog, clock },
        { workspaceId, featureCode: 'api.calls', amount },
      );
      return value.id;
    },
    async idle() {
      await simulator.idle();
      await until(async () => {
        const { rows } = await database.pool.query(
          `select from "StripeEvent" where status = 'RECEIVED' limit 1`,
        );
        return rows.length === 0;
      });
    },
    async startJobs() {
      await pools.jobs?.end();
      pools.jobs = openPool(database.url, { max: JOB_CONNECTIONS_MAX, name: 'jobs' });
      shop.jobs = await startJobs(pools.jobs, services);
    },
    async close() {
      await shop.jobs?.stop();
      await simulator.stop();
      await wire.stop();
      await server.close();
      await engine.idle();
      const { ok, checks } = await audit(database.db, { now: clock.now() });
      await Promise.all(Object.values(pools).map((pool) => pool?.end()));
      await database.drop();
      if (!ok) throw new Error(`the audit found ${JSON.stringify(checks.filter((check) => !check.ok))}`);
    },
  };
  if (options.withoutJobs !== true) await shop.startJobs();
  return shop;
}

export function orderOf(customer: Customer, more: object): object {
  const urls = { successUrl: 'https://shop.test/thanks', cancelUrl: 'https://shop.test/cart' };
  return { ...customer, ...urls, ...more };
}

const PATIENCE_MS = 30_000; // a machine that runs other tests, too, is slow

/** Waits for what comes by itself. Whoever waits in vain is told so in the end. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; !(await holds()); ) {
    if (Date.now() > deadline) throw new Error('it did not come to that');
    await sleep(10);
  }
}

/** Everything that is kept of a workspace's purchases, in plain values. */
export async function booksOf({ database }: Shop, workspaceId: string) {
  const { rows } = await database.pool.query(
    `
    select
      (select balance::float from "Credit" where "workspaceId" = $1) as balance,
      (select array_agg(status::text order by id) from "Checkout" where "workspaceId" = $1) as checkouts,
      (select json_agg(json_build_object('status', status, 'paymentId', "paymentId", 'amount', amount::float,
        'currency', currency, 'credits', credits::float) order by id) from "Payment" where "workspaceId" = $1) as payments,
      (select json_agg(json_build_object('amount', r.amount::float, 'type', r.type, 'paymentId', p."paymentId"))
        from "CreditRecord" r join "Payment" p on p.id = r."paymentId" where r."workspaceId" = $1) as records,
      (select json_agg(json_build_object('amount', amount::float, 'type', type, 'expiresAt', "expiresAt"))
        from "CreditGrant" where "workspaceId" = $1) as grants`,
    [workspaceId],
  );
  const { balance, checkouts, payments, records, grants } = rows[0];
  return {
    balance: balance ?? 0,
    checkouts: checkouts ?? [],
    payments: payments ?? [],
    records: records ?? [],
    grants: grants ?? [],
  } as Books;
}

export type Books = {
  balance: number;
  checkouts: string[];
  payments: { status: string; paymentId: string; amount: number; currency: string; credits: number }[];
  records: { amount: number; type: string; paymentId: string }[];
  grants: { amount: number; type: string; expiresAt: string | null }[];
};

/** An event about an object, as Stripe would send it. */
export function eventAbout(type: string, object: object, more: object = {}) {
  return {
    id: newId('evt'),
    object: 'event',
    api_version: '2026-10-28.endive',
    created: 1_790_000_000,
    data: { object },
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
    ...more,
  };
}

/** The events about an object, by what became of them. */
export async function eventsOf({ database }: Shop, objectId: string) {
  const { rows } = await database.pool.query(
    `select id, type, status, attempts, error from "StripeEvent" where "objectId" = $1 order by "receivedAt", id`,
    [objectId],
  );
  return rows as {
    id: string;
    type: Stripe.Event.Type;
    status: string;
    attempts: number;
    error: string | null;
  }[];
}
