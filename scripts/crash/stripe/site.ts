import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { parseCatalog } from '../../../src/catalog/parse.ts';
import { startEmbedded } from '../../../src/db/embedded.ts';
import { answers, openPool } from '../../../src/db/pool.ts';
import { createEngine } from '../../../src/engine/engine.ts';
import { MovableClock } from '../../../src/lib/clock.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { createStripe } from '../../../src/stripe/client.ts';
import type { StripeServices } from '../../../src/stripe/services.ts';
import { planConfig } from '../../../test/fixtures/catalog.ts';
import { isAlive, makeDataDir, startServer, type TestServer } from '../../../test/server.ts';
import { openWire, type Wire } from '../../../test/wire.ts';

/** A server's place: its process comes and goes; all that it asks of Stripe goes over its wire. */
export type Door = { name: string; client: TestServer | null; wire: Wire };

/** Servers that can be killed, on one Postgres that can, too, beside a simulator that lives on. */
export type Site = {
  simulator: Simulator;
  doors: Door[];
  /** What is looked at, and done by hand, from outside of the servers. */
  services: StripeServices;
  clock: MovableClock;
  /** What was reported, by a server or here. */
  reports: string[];
  /** Resolves when nobody is left of it; its door stays closed. */
  killServer(door: Door): Promise<void>;
  startServer(door: Door): Promise<void>;
  /** It is started again by itself, as soon as that is noticed; `isBack` resolves then. */
  killPostgres(): { isBack(): Promise<void> };
  /** Ends everything; resolves to what did not end as it should. */
  close(): Promise<string[]>;
};

const POLL_MS = 20;

/** A server that is down comes back within seconds; no webhook is given up before. */
const RETRY_DELAYS_MS = Array<number>(60).fill(250);

export async function openSite(servers: number): Promise<Site> {
  const dataDir = makeDataDir();
  const postgres = await startEmbedded({ dataDir: dataDir.path });
  const simulator = await startSimulator({ retryDelaysMs: RETRY_DELAYS_MS });
  const secret = `whsec_${randomBytes(24).toString('base64url')}`;
  const clock = new MovableClock();
  const reports: string[] = [];
  const pool = openPool(postgres.url, { max: 4, name: 'crash' });

  async function openDoor(i: number): Promise<Door> {
    const door: Door = { name: `server ${i + 1}`, client: null, wire: await openWire(simulator.url) };
    await start(door);
    return door;
  }

  async function start(door: Door): Promise<void> {
    const client = await startServer({
      databaseUrl: postgres.url,
      env: {
        TOLLGATE_CONFIG: 'test/fixtures/plans.config.ts',
        TOLLGATE_TEST_CLOCK: '1',
        STRIPE_SECRET_KEY: 'sk_test_crash',
        STRIPE_WEBHOOK_SECRET: secret,
        STRIPE_API_BASE: door.wire.url,
      },
    });
    simulator.addWebhook({ url: `${client.url}/webhooks/stripe`, secrets: [secret], name: door.name });
    door.client = client;
  }

  const doors: Door[] = [];
  for (let i = 0; i < servers; i++) doors.push(await openDoor(i));
  return {
    ...{ simulator, doors, clock, reports, startServer: start },
    services: servicesOf({ pool, clock, reports, simulator }),
    async killServer(door) {
      const { client } = door;
      door.client = null;
      reports.push(client!.errors());
      process.kill(client!.pid, 'SIGKILL');
      await client!.ended;
    },
    killPostgres() {
      const killed = postgres.pid();
      process.kill(killed, 'SIGKILL');
      const isBack = async () => {
        while (postgres.pid() === killed || !(await answers(pool))) await sleep(POLL_MS);
      };
      return { isBack };
    },
    close: async () => {
      const wrong = await closeServers(doors);
      await pool.end();
      await simulator.stop();
      await postgres.stop();
      const left = dataDir.postgresPid();
      if (left !== undefined && isAlive(left)) wrong.push('Postgres was left running');
      dataDir.remove();
      return wrong;
    },
  };
}

/** As an operator's command has them, beside the servers. */
function servicesOf(wanted: {
  pool: pg.Pool;
  clock: MovableClock;
  reports: string[];
  simulator: Simulator;
}): StripeServices {
  const { pool, clock, reports, simulator } = wanted;
  const catalog = parseCatalog(planConfig());
  const report = (message: string, error: unknown) => void reports.push(`${message}: ${error}`);
  return {
    ...{ pool, catalog, clock, report, livemode: false },
    engine: createEngine({ pool, catalog, clock, report }),
    stripe: createStripe({ secretKey: 'sk_test_crash', apiBase: simulator.url }),
  };
}

async function closeServers(doors: Door[]): Promise<string[]> {
  const wrong = await Promise.all(doors.map(closeServer));
  await Promise.all(doors.map(({ wire }) => wire.stop()));
  return wrong.filter((what) => what !== null);
}

async function closeServer({ name, client }: Door): Promise<string | null> {
  if (client === null) return `${name} was not there in the end`;
  const code = await Promise.race([client.stop(), sleep(STOP_MS, 'never' as const, { ref: false })]);
  if (code === 'never') process.kill(client.pid, 'SIGKILL');
  return code === 0 ? null : `${name} was asked to end, and ended with ${code}: ${client.errors()}`;
}

/** Jobs have some seconds to end. */
const STOP_MS = 20_000;
