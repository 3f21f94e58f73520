import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type Stripe from 'stripe';
import { MovableClock } from '../src/lib/clock.ts';
import { startSimulator } from '../src/simulator/simulator.ts';
import { createStripe } from '../src/stripe/client.ts';
import type { Delivered, Delivery } from './deliver-worker.ts';
import { cpuMs, familyOf } from './machine.ts';
import { makeEvents } from './mix.ts';
import { median, type Row, type WebhookCounts } from './table.ts';
import { databaseUrl, fillWallets, query, runLoad, startHelper, startServer } from './world.ts';

/** As many as Stripe's own deliveries of a burst may be under way here. */
const CONNECTIONS = 16;
const PEOPLE = 400; // of a turn: some 6,400 events
const WARMUP_PEOPLE = 50;
const POLL_MS = 50;

const SECRET = 'whsec_bench';
const SECRET_KEY = 'sk_test_bench';

type Turn = { accepted: Delivered; appliedPerSecond: number; cpuMsPerEvent: number };

/**
 * Events of a shop, delivered to Tollgate and to Supabase's Stripe Sync Engine, which stores their objects and does
 * nothing else. Tollgate's are accepted once they are on disk, and applied once none waits: it has then read each object
 * again from the simulator, on the same two cores, and has granted what was bought.
 */
export async function measureWebhooks(
  turns: number,
  note: (line: string) => void,
): Promise<{ rows: Row[]; counts: WebhookCounts }> {
  const clock = new MovableClock();
  const simulator = await startSimulator({ clock });
  const stripe = createStripe({ secretKey: SECRET_KEY, apiBase: simulator.url });
  const server = await startServer({
    env: {
      STRIPE_SECRET_KEY: SECRET_KEY,
      STRIPE_WEBHOOK_SECRET: SECRET,
      STRIPE_API_BASE: simulator.url,
    },
  });
  const own = databaseUrl(server);
  const pool = new pg.Pool({ connectionString: own, max: 1, idleTimeoutMillis: 0 });
  let mirror: { port: number; stop(): void } | undefined;

  async function turn(
    mirror: { port: number },
    people: { from: number; count: number },
  ): Promise<{ own: Turn; mirrored: number }> {
    const events = await makeEvents({ server, simulator, clock, stripe }, people);
    const mirrored = await deliver(mirror.port, events);
    const before = cpuMs(familyOf(server.pid));
    const accepted = await deliver(server.port, events);
    while (await anyWaits(pool)) await sleep(POLL_MS);
    const appliedSeconds = (Date.now() - accepted.startedAtMs) / 1000;
    return {
      own: {
        accepted,
        appliedPerSecond: events.length / appliedSeconds,
        cpuMsPerEvent: (cpuMs(familyOf(server.pid)) - before) / events.length,
      },
      mirrored: mirrored.perSecond,
    };
  }

  try {
    await fillWallets(own, WARMUP_PEOPLE + turns * PEOPLE);
    await query(own, 'create database mirror');
    await query(own, 'create role postgres'); // its migrations give it a function
    mirror = await startHelper('mirror.ts', [databaseUrl(server, 'mirror'), simulator.url, SECRET]);
    await turn(mirror, { from: 0, count: WARMUP_PEOPLE });
    const results = [];
    for (let i = 0; i < turns; i++) {
      const result = await turn(mirror, { from: WARMUP_PEOPLE + i * PEOPLE, count: PEOPLE });
      results.push(result);
      note(
        `webhooks: ${Math.round(result.own.accepted.perSecond)} accepted and ` +
          `${Math.round(result.own.appliedPerSecond)} applied to ${Math.round(result.mirrored)} mirrored per second`,
      );
    }
    return { rows: rowsOf(results), counts: await countEvents(own) };
  } finally {
    mirror?.stop();
    await pool.end();
    await server.stop();
    await simulator.stop();
  }
}

async function deliver(port: number, events: Stripe.Event[]): Promise<Delivered> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-events-'));
  const bodiesFile = join(folder, 'bodies.json');
  // Indented, as Stripe's are.
  writeFileSync(bodiesFile, JSON.stringify(events.map((event) => JSON.stringify(event, null, 2))));
  const delivery: Delivery = { port, secret: SECRET, connections: CONNECTIONS, bodiesFile };
  const delivered = await runLoad<Delivered>('deliver-worker.ts', delivery);
  rmSync(folder, { recursive: true });
  return delivered;
}

async function anyWaits(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query(`select from "StripeEvent" where status = 'RECEIVED' limit 1`);
  return rows.length > 0;
}

async function countEvents(url: string): Promise<WebhookCounts> {
  const { rows } = await query(
    url,
    `select count(*)::int as events,
       count(*) filter (where status = 'APPLIED')::int as applied,
       count(*) filter (where status = 'IGNORED')::int as ignored,
       count(*) filter (where status = 'FAILED')::int as failed
     from "StripeEvent"`,
  );
  if (rows[0].failed > 0) throw new Error(`${rows[0].failed} events could not be applied`);
  return rows[0];
}

function rowsOf(results: { own: Turn; mirrored: number }[]): Row[] {
  const middle = (figure: (turn: Turn) => number) => median(results.map(({ own }) => figure(own)));
  const baselinePerSecond = median(results.map(({ mirrored }) => mirrored));
  const row = (perSecond: number) => ({
    baseline: 'stripe-sync-engine, which only mirrors',
    perSecond,
    baselinePerSecond,
    ratio: perSecond / baselinePerSecond,
    p50Ms: middle(({ accepted }) => accepted.p50Ms),
    p99Ms: middle(({ accepted }) => accepted.p99Ms),
    cpuMsPerRequest: middle(({ cpuMsPerEvent }) => cpuMsPerEvent),
  });
  return [
    {
      measure: 'webhooks, events accepted',
      ...{ atLeast: 1.5, aim: 3 },
      ...row(middle(({ accepted }) => accepted.perSecond)),
    },
    {
      measure: 'webhooks, events applied',
      ...{ atLeast: 0.7, aim: 1.5 },
      ...row(middle(({ appliedPerSecond }) => appliedPerSecond)),
    },
  ];
}
