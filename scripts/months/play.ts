import { setTimeout as sleep } from 'node:timers/promises';
import Stripe from 'stripe';
import { requeueWaiting } from '../../src/jobs/tasks.ts';
import { makeRandom, type Random } from '../../src/lib/random.ts';
import { reconcile } from '../../src/stripe/reconcile/reconcile.ts';
import { giveDueCredits } from '../../src/subscriptions/plancredits.ts';
import { planCatalog } from '../../test/fixtures/catalog.ts';
import { openShop, type Shop } from '../../test/shop.ts';
import { pickAct, type Stage, type Tenant } from './acts.ts';
import { compareWorkspace } from './compare.ts';
import { doubledOf } from './doubled.ts';
import { readTruth } from './truth.ts';

export type Months = { seed: number; workspaces: number };

/** What was played, and what is wrong after it. */
export type Played = {
  acts: number;
  days: number;
  events: number;
  payments: number;
  subscriptions: number;
  reversals: number;
  mended: number;
  problems: string[];
};

const ACTS_EACH = 12;
const AT_ONCE = 4;
/** Days that pass between acts: mostly few, sometimes more than a month. */
const PAUSES = [0.1, 0.1, 0.5, 1, 2, 5, 14, 31, 40];
const DISTANT_DAYS = 3650;

/** Plays months of a shop with everything that goes wrong; then nothing does, it is reconciled once, and all is compared. */
export async function playMonths({ seed, workspaces }: Months): Promise<Played> {
  const random = makeRandom(`months ${seed}`);
  const shop = await openShop({ catalog: planCatalog(), timeoutMs: 500 });
  const played: Played = {
    acts: 0,
    days: 0,
    events: 0,
    payments: 0,
    subscriptions: 0,
    reversals: 0,
    mended: 0,
    problems: [],
  };
  try {
    await playActs(shop, random, workspaces, played);
    await settle(shop, played);
  } catch (error) {
    played.problems.push(String((error as Error).stack));
  }
  await shop.close().catch((error) => played.problems.push(String(error)));
  return played;
}

async function playActs(shop: Shop, random: Random, workspaces: number, played: Played): Promise<void> {
  const stage: Stage = { shop, stripe: clientOf(shop) };
  const tenants: Tenant[] = [];
  for (let i = 0; i < workspaces; i++) {
    tenants.push({ customer: await shop.customer(), sessions: [], refundable: [], portal: null });
  }
  shop.simulator.setFaults({
    seed: `${random.below(2 ** 31)}`,
    api: { rate429: 0.02, rate409: 0.01, rate5xx: 0.02, rateCut: 0.01, rateTimeout: 0.003 },
    webhooks: { duplicate: 0.1, delay: 0.2, delayMaxMs: 50, reorder: 0.1, drop: 0.1 + 0.2 * random.below(3) },
  });
  for (let left = workspaces * ACTS_EACH; left > 0; left -= AT_ONCE) {
    const acting = Array.from({ length: AT_ONCE }, () => {
      const own = makeRandom(`${random.below(2 ** 31)}`);
      const [name, act] = pickAct(own);
      return attempt(name, () => act(stage, random.pick(tenants), own), played);
    });
    await Promise.all(acting);
    played.acts += AT_ONCE;
    if (random.chance(0.01)) await killWorker(shop);
    if (random.chance(0.02)) await cutConnections(shop);
    if (random.chance(0.25)) {
      const days = random.pick(PAUSES);
      shop.clock.offsetMs += days * 86_400_000;
      shop.simulator.tick();
      played.days += days;
    }
    await sleep(1); // what was begun goes on beside
  }
}

/** Whatever is refused, declined or cut off is as it is in life; what nobody means to throw is a defect. */
async function attempt(name: string, act: () => Promise<unknown>, { problems }: Played): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (error instanceof TypeError && !error.message.includes('fetch'))
      problems.push(`${name}: ${error.stack}`);
  }
}

async function killWorker(shop: Shop): Promise<void> {
  await shop.jobs?.stop();
  await shop.startJobs();
}

/** Every transaction that is open is rolled back, as when Postgres is started again. */
async function cutConnections({ database }: Shop): Promise<void> {
  await database.pool.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
}

async function settle(shop: Shop, played: Played): Promise<void> {
  shop.simulator.setFaults();
  // As its job does every minute: a worker's connection that is cut takes the job along that it was just given.
  await requeueWaiting(shop.services, 0);
  await shop.idle();
  const lines: string[] = [];
  const sum = await reconcile(shop.services, { days: DISTANT_DAYS, say: (line) => lines.push(line) });
  await giveDueCredits(shop.services); // as its job does every minute
  const truth = await readTruth(clientOf(shop));
  const left = lines.filter(
    (line) => !line.endsWith(': mended.') && !line.includes('is paid for the workspace'),
  );
  for (const line of left) played.problems.push(`left after reconciling: ${line}`);
  played.mended += sum.differed - sum.stayed;
  played.events += shop.simulator.events().length;
  const { rows } = await shop.database.pool.query('select id from "Workspace" order by id');
  for (const { id } of rows) played.problems.push(...(await compareWorkspace(shop, truth, id)));
  played.payments += [...truth.intents.values()].filter(({ status }) => status === 'succeeded').length;
  played.subscriptions += truth.subscriptions.length;
  played.reversals += truth.refunds.length + truth.disputes.length;
  played.problems.push(...doubledOf(truth));
  const again = await reconcile(shop.services, { days: DISTANT_DAYS, say: (line) => lines.push(line) });
  if (again.differed !== sum.stayed)
    played.problems.push(`a second run finds ${again.differed}: ${lines.at(-1)}`);
}

function clientOf({ simulator }: Shop): Stripe {
  const { hostname, port } = new URL(simulator.url);
  return new Stripe('sk_test_dashboard', { host: hostname, port, protocol: 'http', timeout: 500 });
}
