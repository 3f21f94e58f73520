import { aiRoutes } from './ai/routes.ts';
import { catalogRoutes } from './catalog/routes.ts';
import { keepVersion } from './catalog/store.ts';
import type { Catalog } from './catalog/types.ts';
import { clockRoutes } from './clock/routes.ts';
import { openTestClock } from './clock/testclock.ts';
import { creditRoutes } from './credits/routes.ts';
import { migrate } from './db/migrate.ts';
import { connectOrExplain, type Db, kysely, openPool } from './db/pool.ts';
import { decisionRoutes } from './decisions/routes.ts';
import { createEngine, ENGINE_SETTINGS, type Engine } from './engine/engine.ts';
import { entitlementRoutes } from './entitlements/routes.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import type { Endpoint } from './lib/endpoint.ts';
import { paymentListRoutes } from './payments/lists.ts';
import { subscriptionRoutes } from './subscriptions/routes.ts';
import { workspaceRoutes } from './workspaces/routes.ts';

export type TollgateOptions = {
  databaseUrl: string;
  catalog: Catalog;
  /** The clock may be moved, and goes on where it was left. */
  testClock?: boolean;
  /** Told of what an operator should see. */
  report?(message: string, error: unknown): void;
};

/** Everything that runs on one database, wired up. */
export type Tollgate = {
  db: Db;
  engine: Engine;
  catalog: Catalog;
  clock: Clock;
  endpoints: Endpoint[];
  /** Connections that hold the locks of idempotency keys. */
  locks: ReturnType<typeof openPool>;
  isReady(): Promise<boolean>;
  /** Finishes what was accepted, then lets go of the database. */
  close(): Promise<void>;
};

/** Connections: the engine writes on one and reads on one, the others hold locks of workspaces; the rest is lists. */
const ENGINE_CONNECTIONS_MAX = 6;
const CONNECTIONS_MAX = 10;
const LOCK_CONNECTIONS_MAX = 10;

/** Opens a database: brings it to today's shape, keeps the catalog's version, and wires the domains to the engine. */
export async function openTollgate({
  databaseUrl,
  catalog,
  testClock = false,
  report = () => {},
}: TollgateOptions): Promise<Tollgate> {
  await connectOrExplain(databaseUrl);
  const pool = openPool(databaseUrl, { max: CONNECTIONS_MAX, name: 'general' });
  const enginePool = openPool(databaseUrl, {
    max: ENGINE_CONNECTIONS_MAX,
    name: 'engine',
    settings: ENGINE_SETTINGS,
  });
  const locks = openPool(databaseUrl, { max: LOCK_CONNECTIONS_MAX, name: 'locks' });
  const pools = [pool, enginePool, locks];
  try {
    await migrate(pool);
    const db = kysely(pool);
    const movable = testClock ? await openTestClock(db) : null;
    const clock = movable ?? systemClock;
    await keepVersion(db, catalog, clock.now());
    const engine = createEngine({ pool: enginePool, catalog, clock, report });
    const services = { db, engine, catalog, clock };
    return {
      ...services,
      locks,
      endpoints: [
        ...workspaceRoutes(services),
        ...entitlementRoutes(services),
        ...aiRoutes(services),
        ...creditRoutes(services),
        ...paymentListRoutes(services),
        ...subscriptionRoutes(services),
        ...decisionRoutes(services),
        ...catalogRoutes(services),
        ...clockRoutes({ ...services, onMove: () => {} }),
      ],
      isReady: () =>
        pool.query('select 1').then(
          () => true,
          () => false,
        ),
      async close() {
        movable?.stop();
        await engine.idle();
        await Promise.all(pools.map((each) => each.end()));
      },
    };
  } catch (error) {
    await Promise.all(pools.map((each) => each.end()));
    throw error;
  }
}
