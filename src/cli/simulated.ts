import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Clock } from '../lib/clock.ts';
import { ConfigError } from '../lib/config.ts';
import { newId } from '../lib/ids.ts';
import { type Simulator, startSimulator } from '../simulator/simulator.ts';
import type { StripeConfig } from '../tollgate.ts';
import { inTurn, keepPlace, leaveSeat, openSession, takeSeat, updateUrl } from './store.ts';

/** The simulator of a database, run by this process or by another one. */
export type Simulated = {
  url: string;
  /** What Tollgate has to know to use it as it would use Stripe. */
  stripe: StripeConfig;
  /** Says where this process receives webhooks, where that was not known from the start. */
  deliverTo(webhookUrl: string): void;
  /** Does now what is due by the clock. */
  tick(): void;
  stop(): Promise<void>;
};

export type SimulatedOptions = {
  databaseUrl: string;
  host: string;
  /** Where the journal lies. */
  dataDir: string;
  clock: Clock;
  webhookUrl: string | undefined;
  report(message: string, error: unknown): void;
};

/** How soon it is noticed that the process that ran the simulator is gone. */
const LOOK_MS = 500;

/** How often the port of last time is tried, which somebody who is ending may still have. */
const PORT_TRIES = 4;

/** The simulator takes any key of Stripe's test mode. */
export const SECRET_KEY = 'sk_test_simulator';

/**
 * Opens the stand-in for Stripe that all processes of a database share. One of them runs it, which is who has the seat,
 * a lock that ends with its process, and it tells its own Tollgate of payments. When it goes, another one takes the
 * seat and goes on at the same address, so nobody has to be told. The journal lies in a data folder: who has another
 * folder begins a new one.
 */
export async function openSimulated(options: SimulatedOptions): Promise<Simulated> {
  const { databaseUrl, host, dataDir, clock, report } = options;
  const secrets = [`whsec_${randomBytes(24).toString('base64url')}`];
  let { webhookUrl } = options;
  let session: pg.Client | undefined;
  let seated: pg.Client | undefined;
  let simulator: Simulator | undefined;
  let failure: unknown;

  /** The address of the simulator, which this process runs if nobody else does; null where it does not start here. */
  async function look(anyPort = false): Promise<string | null> {
    session ??= await begin();
    const own = session;
    if (seated === own) return simulator!.url;
    return inTurn(own, async ({ journal, url }) => {
      if (!(await takeSeat(own))) return url;
      try {
        simulator ??= await start(journal, url === null || anyPort ? 0 : Number(new URL(url).port));
      } catch (error) {
        failure = error;
        await leaveSeat(own);
        return null;
      }
      if (simulator.url !== url) await updateUrl(own, simulator.url);
      seated = own;
      return simulator.url;
    });
  }

  async function begin(): Promise<pg.Client> {
    let begun: pg.Client | undefined; // it may end before it has begun
    begun = await openSession(databaseUrl, () => {
      if (session === begun) session = undefined;
    });
    await keepPlace(begun, newId('sim'));
    return begun;
  }

  async function start(journal: string, port: number): Promise<Simulator> {
    await mkdir(dataDir, { recursive: true }).catch((error) => {
      throw new ConfigError(`The data folder cannot be written (${error.message}): set DATA_DIR to another.`);
    });
    const dataFile = join(dataDir, `stripe-simulator-${journal}.jsonl`);
    // Known from the start, the webhook gets what could not be delivered before.
    return startSimulator({ clock, host, port, dataFile, webhooks: webhookUrl ? [webhook(webhookUrl)] : [] });
  }

  function webhook(url: string) {
    return { url, secrets, name: 'tollgate' };
  }

  const url = await find().catch(async (error) => {
    await session?.end();
    throw error;
  });

  async function find(): Promise<string> {
    for (let tries = 1; ; tries++) {
      const found = await look(tries > PORT_TRIES);
      if (found !== null) return found;
      if ((failure as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw failure;
      await sleep(LOOK_MS);
    }
  }

  const stopping = new AbortController();
  const watching = watch();

  async function watch(): Promise<void> {
    let failed = 0;
    let moved = false;
    while (!stopping.signal.aborted) {
      const now = await look().catch(() => url); // the database does not answer: the next look will tell
      failed = now === null ? failed + 1 : 0;
      // Not at once: whoever has the port may only have lost its lock for a moment, with its connection.
      if (failed === PORT_TRIES)
        report('nothing can be bought: the simulator of Stripe has stopped', failure);
      if (now !== null && now !== url && !moved) {
        report('nothing can be bought: start this process again', `Stripe is simulated at ${now} now`);
        moved = true;
      }
      await sleep(LOOK_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  return {
    url,
    stripe: { secretKey: SECRET_KEY, apiBase: url, webhookSecrets: secrets, webhookClock: clock },
    deliverTo(told) {
      webhookUrl = told;
      simulator?.addWebhook(webhook(told));
    },
    tick: () => simulator?.tick(),
    async stop() {
      stopping.abort();
      await watching;
      // The address is free before the seat is.
      await simulator?.stop();
      await session?.end();
    },
  };
}
