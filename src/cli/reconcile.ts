import { parseArgs } from 'node:util';
import { loadCatalog } from '../catalog/load.ts';
import { openTestClock } from '../clock/testclock.ts';
import { migrate } from '../db/migrate.ts';
import { type Db, kysely } from '../db/pool.ts';
import { createEngine } from '../engine/engine.ts';
import { systemClock } from '../lib/clock.ts';
import { type Config, ConfigError } from '../lib/config.ts';
import { createStripe, isLiveKey } from '../stripe/client.ts';
import { reconcile } from '../stripe/reconcile/reconcile.ts';
import { withDatabase } from './database.ts';
import { say } from './say.ts';
import { SECRET_KEY } from './simulated.ts';
import { readSimulatorUrl } from './store.ts';

const USAGE =
  'Say: tollgate reconcile [--dry-run] [--since <days>], days from 1 to 3650; 30 where nothing is said.';

const DAYS_DEFAULT = 30; // as long as Stripe answers for events
const DAYS_MAX = 3650;

/** Compares Stripe with what is kept here, beside a running server or without one: 0 if all is equal in the end. */
export function runReconcile(config: Config, args: string[]): Promise<number> {
  const { days, dryRun } = askedFor(args);
  return withDatabase(config, async (pool) => {
    await migrate(pool);
    const db = kysely(pool);
    const catalog = await loadCatalog(config.catalogPath);
    const testClock = config.testClock ? await openTestClock(db) : null;
    const clock = testClock ?? systemClock;
    const report = (message: string, error: unknown) =>
      void process.stderr.write(`tollgate: ${message}: ${error instanceof Error ? error.message : error}\n`);
    const engine = createEngine({ pool, catalog, clock, report });
    try {
      const { secretKey, ...stripe } = await keyOf(config, db);
      const services = { pool, engine, catalog, clock, report, ...stripe, livemode: isLiveKey(secretKey) };
      const { compared, differed, stayed } = await reconcile(services, { days, dryRun, say });
      const done = dryRun ? 'nothing was changed' : `${differed - stayed} mended, ${stayed} left`;
      say(`Compared ${compared}: ${differed === 0 ? 'nothing differs' : `${differed} differed, ${done}`}.`);
      return stayed === 0 ? 0 : 1;
    } finally {
      await engine.idle();
      testClock?.stop();
    }
  });
}

function askedFor(args: string[]): { days: number; dryRun: boolean } {
  const options = { 'dry-run': { type: 'boolean' }, since: { type: 'string' } } as const;
  try {
    const { values } = parseArgs({ args, options });
    const days = Number(values.since ?? DAYS_DEFAULT);
    if (Number.isInteger(days) && days >= 1 && days <= DAYS_MAX) {
      return { days, dryRun: values['dry-run'] ?? false };
    }
  } catch (error) {
    throw new ConfigError(`${(error as Error).message}. ${USAGE}`);
  }
  throw new ConfigError(USAGE);
}

/** The account; without a key, the simulator of this database, which a running server has. */
async function keyOf({ stripe: { secretKey, apiBase } }: Config, db: Db) {
  if (secretKey !== undefined) return { secretKey, stripe: createStripe({ secretKey, apiBase }) };
  const url = await readSimulatorUrl(db);
  if (url === null) {
    throw new ConfigError('Set STRIPE_SECRET_KEY, or start the server first: nothing was ever sold here.');
  }
  return { secretKey: SECRET_KEY, stripe: createStripe({ secretKey: SECRET_KEY, apiBase: url }) };
}
