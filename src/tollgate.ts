import type pg from 'pg';
import { aiRoutes } from './ai/routes.ts';
import { auditRoutes } from './audit/routes.ts';
import { catalogRoutes } from './catalog/routes.ts';
import { keepVersion } from './catalog/store.ts';
import type { Catalog } from './catalog/types.ts';
import { clockRoutes } from './clock/routes.ts';
import { openTestClock } from './clock/testclock.ts';
import { creditRoutes } from './credits/routes.ts';
import { migrate } from './db/migrate.ts';
import { answers, connectOrExplain, type Db, kysely, openPool } from './db/pool.ts';
import { decisionRoutes } from './decisions/routes.ts';
import { createEngine, ENGINE_CONNECTIONS_MAX, ENGINE_SETTINGS, type Engine } from './engine/engine.ts';
import { entitlementRoutes } from './entitlements/routes.ts';
import { holdRoutes } from './holds/routes.ts';
import { JOB_CONNECTIONS_MAX, JOB_SETTINGS, startJobs } from './jobs/jobs.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import type { Endpoint } from './lib/endpoint.ts';
import { paymentListRoutes } from './payments/lists.ts';
import { createStripe, isLiveKey } from './stripe/client.ts';
import { type Inbox, openInbox } from './stripe/inbox.ts';
import { eventRoutes } from './stripe/lists.ts';
import { checkoutRoutes } from './stripe/routes.ts';
import type { StripeServices } from './stripe/services.ts';
import { subscriptionVerbRoutes } from './stripe/subscriptions/routes.ts';
import { topUpRoutes } from './stripe/topups/routes.ts';
import { reportMissingPlans } from './subscriptions/missing.ts';
import { subscriptionRoutes } from './subscriptions/routes.ts';
import { workspaceRoutes } from './workspaces/routes.ts';

export type TollgateOptions = {
  databaseUrl: string;
  catalog: Catalog;
  /** How money comes in; without it, nothing can be bought here, and nothing is done later. */
  stripe?(clock: Clock): Promise<StripeConfig>;
  /** The clock may be moved, and goes on where it was left. */
  testClock?: boolean;
  /** Told when the clock has been moved. */
  onClockMoved?(): void;
  /** Told of what an operator should see. */
  report?(message: string, error: unknown): void;
};

export type StripeConfig = {
  secretKey: string;
  webhookSecrets: readonly string[];
  /** Another base address for Stripe's API. */
  apiBase?: string | undefined;
  /** The clock that webhooks are signed by; the machine's if nothing is said. */
  webhookClock?: Clock;
};

/** Everything that runs on one database, wired up. */
export type Tollgate = {
  db: Db;
  engine: Engine;
  catalog: Catalog;
  clock: Clock;
  endpoints: Endpoint[];
  /** What Stripe needs; null without it. */
  selling: { services: StripeServices; inbox: Inbox } | null;
  /** Connections that hold the locks of idempotency keys. */
  locks: pg.Pool;
  isReady(): Promise<boolean>;
  /** Finishes what was accepted, then lets go of the database. */
  close(): Promise<void>;
};

/** Connections beside the engine's: lists, and what is no engine's operation, jobs included; locks of idempotency keys. */
const CONNECTIONS_MAX = 16;
const LOCK_CONNECTIONS_MAX = 10;

/** Opens a database: brings it to today's shape, keeps the catalog's version, and wires the domains to the engine. */
export async function openTollgate({
  databaseUrl,
  catalog,
  stripe,
  testClock = false,
  onClockMoved = () => {},
  report = () => {},
}: TollgateOptions): Promise<Tollgate> {
  await connectOrExplain(databaseUrl);
  const pools = {
    general: openPool(databaseUrl, { max: CONNECTIONS_MAX, name: 'general' }),
    engine: openPool(databaseUrl, { max: ENGINE_CONNECTIONS_MAX, name: 'engine', settings: ENGINE_SETTINGS }),
    locks: openPool(databaseUrl, { max: LOCK_CONNECTIONS_MAX, name: 'locks' }),
    jobs: openPool(databaseUrl, { max: JOB_CONNECTIONS_MAX, name: 'jobs', settings: JOB_SETTINGS }),
  };
  const pool = pools.general;
  try {
    await migrate(pool);
    const db = kysely(pool);
    const movable = testClock ? await openTestClock(db) : null;
    const clock = movable ?? systemClock;
    await keepVersion(db, catalog, clock.now());
    await reportMissingPlans({ pool, catalog, report });
    const engine = createEngine({ pool: pools.engine, catalog, clock, report });
    const services = { db, pool, engine, catalog, clock, report };
    const selling = stripe === undefined ? null : sell(services, await stripe(clock));
    const jobs = selling === null ? null : await startJobs(pools.jobs, selling.services);
    return {
      ...services,
      locks: pools.locks,
      selling,
      endpoints: [
        ...workspaceRoutes(services),
        ...entitlementRoutes(services),
        ...aiRoutes(services),
        ...holdRoutes(services),
        ...creditRoutes(services),
        ...paymentListRoutes(services),
        ...subscriptionRoutes(services),
        ...decisionRoutes(services),
        ...catalogRoutes(services),
        ...(selling === null ? [] : checkoutRoutes(selling.services)),
        ...(selling === null ? [] : subscriptionVerbRoutes(selling.services)),
        ...(selling === null ? [] : topUpRoutes(selling.services)),
        ...(selling === null ? [] : eventRoutes({ db, livemode: selling.services.livemode })),
        ...auditRoutes(services),
        ...clockRoutes({ ...services, onMove: onClockMoved }),
      ],
      isReady: () => answers(pool),
      async close() {
        movable?.stop();
        await jobs?.stop();
        await engine.idle();
        await endAll(pools);
      },
    };
  } catch (error) {
    await endAll(pools);
    throw error;
  }
}

function sell(
  services: Omit<StripeServices, 'stripe' | 'livemode'>,
  { secretKey, webhookSecrets, apiBase, webhookClock = systemClock }: StripeConfig,
) {
  const own = { ...services, stripe: createStripe({ secretKey, apiBase }), livemode: isLiveKey(secretKey) };
  return { services: own, inbox: openInbox({ ...own, clock: webhookClock }, webhookSecrets) };
}

async function endAll(pools: Record<string, { end(): Promise<void> }>): Promise<void> {
  await Promise.all(Object.values(pools).map((pool) => pool.end()));
}
