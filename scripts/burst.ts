// npm run burst: floods a real server with webhook events, as the first day of a month does, and looks whether each was
// answered, kept, applied once and closed, and how much memory that took. Options: --events (20000), --connections (16).
// Ends with 1 if a promise was broken.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { newId } from '../src/lib/ids.ts';
import { type Simulator, startSimulator } from '../src/simulator/simulator.ts';
import { sign } from '../src/simulator/webhooks.ts';
import { makeDataDir, startServer, type TestServer } from '../test/server.ts';
import { eventAbout } from '../test/shop.ts';

export type BurstOptions = {
  events: number;
  connections: number;
  /** A Postgres to use; without it, an embedded one that goes when all is done. */
  databaseUrl?: string;
  log(line: string): void;
};

export type BurstSummary = {
  events: number;
  purchases: number;
  /** How long it took to send all, and from the first until the last was closed. */
  sentMs: number;
  closedMs: number;
  /** Of the answers. */
  medianMs: number;
  p99Ms: number;
  /** Memory of the server's process: before the flood, and its most until all was closed. */
  quietMiB: number;
  peakMiB: number;
  broken: string[];
};

const SECRET = 'whsec_of_the_burst';

/** Each paid page is told of so many times: by events of four types, half of which nothing follows from. */
const EVENTS_PER_PURCHASE = 20;
const TYPES = [
  'checkout.session.completed',
  'payment_intent.succeeded',
  'checkout.session.async_payment_succeeded',
  'charge.succeeded',
];

/** Runs one flood; leaves nothing behind. */
export async function burst({ events, connections, databaseUrl, log }: BurstOptions): Promise<BurstSummary> {
  const dataDir = databaseUrl === undefined ? makeDataDir() : undefined;
  const simulator = await startSimulator();
  const server = await startServer({
    ...(databaseUrl === undefined ? { dataDir: dataDir!.path } : { databaseUrl }),
    env: {
      STRIPE_SECRET_KEY: 'sk_test_burst',
      STRIPE_WEBHOOK_SECRET: SECRET,
      STRIPE_API_BASE: simulator.url,
    },
  });
  const pool = new pg.Pool({ connectionString: databaseUrl ?? dataDir!.databaseUrl(), max: 1 });
  try {
    const purchases = await buy({ server, simulator, count: Math.ceil(events / EVENTS_PER_PURCHASE) });
    log(`${purchases.length} pages were paid on, and Tollgate was not told`);
    const memory = await watchMemory(server);
    const startedAt = performance.now();
    const { ids, waitsMs, refused } = await flood(server, { purchases, events, connections });
    const sentMs = performance.now() - startedAt;
    log(`${events} events were sent in ${seconds(sentMs)}`);
    await allClosed(pool);
    const closedMs = performance.now() - startedAt;
    waitsMs.sort((a, b) => a - b);
    return {
      ...{ events, purchases: purchases.length, sentMs, closedMs, ...(await memory.stop()) },
      medianMs: waitsMs[Math.floor(waitsMs.length / 2)]!,
      p99Ms: waitsMs[Math.floor(waitsMs.length * 0.99)]!,
      broken: [...refused, ...(await findBroken(pool, server, { ids, purchases }))],
    };
  } finally {
    await pool.end();
    await server.stop();
    await simulator.stop();
    dataDir?.remove();
  }
}

type Purchase = { workspaceId: string; session: { id: string } };

/** Pages that are paid on at Stripe, while no webhook is sent. */
async function buy(wanted: { server: TestServer; simulator: Simulator; count: number }): Promise<Purchase[]> {
  const { server, simulator, count } = wanted;
  const purchases: Purchase[] = [];
  await atOnce(BUYERS, count, async (i) => {
    const workspaceId = await server.workspace('burst');
    const { status, text, body } = await server.post('/v1/checkout/credits', {
      workspaceId,
      user: { userId: workspaceId, email: `${workspaceId}@example.com` },
      pack: 'small',
      successUrl: 'https://shop.test/thanks',
      cancelUrl: 'https://shop.test/cart',
    });
    if (status !== 201) throw new Error(`there is no page to pay on: ${text}`);
    purchases[i] = { workspaceId, session: simulator.pay(body.sessionId) };
  });
  return purchases;
}

const BUYERS = 16;

/** Sends all events. One in twenty is sent a second time, as Stripe may. */
async function flood(
  server: TestServer,
  { purchases, events, connections }: { purchases: Purchase[]; events: number; connections: number },
): Promise<{ ids: string[]; waitsMs: number[]; refused: string[] }> {
  const ids: string[] = [];
  const waitsMs: number[] = [];
  const refused: string[] = [];
  await atOnce(connections, events, async (i) => {
    const round = Math.floor(i / purchases.length);
    const { session } = purchases[i % purchases.length]!;
    const repeated = round === EVENTS_PER_PURCHASE - 1 ? ids[i % purchases.length]! : newId('evt');
    ids[i] = repeated;
    const body = JSON.stringify(eventAbout(TYPES[round % TYPES.length]!, session, { id: repeated }));
    const signature = sign(body, [SECRET], Math.floor(Date.now() / 1000));
    const sentAt = performance.now();
    const answer = await fetch(`${server.url}/webhooks/stripe`, {
      method: 'POST',
      headers: { 'stripe-signature': signature },
      body,
    });
    const text = await answer.text();
    waitsMs.push(performance.now() - sentAt);
    if (answer.status !== 200) refused.push(`event ${repeated} was answered ${answer.status} ${text}`);
  });
  return { ids, waitsMs, refused };
}

/** Does something so many times, so many at once. */
async function atOnce(max: number, times: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < times) await work(next++);
  };
  await Promise.all(Array.from({ length: max }, worker));
}

/** Resolves when no event waits; gives up when none has been closed for a while. */
async function allClosed(pool: pg.Pool): Promise<void> {
  let fewest = Number.POSITIVE_INFINITY;
  for (let movedAt = Date.now(); fewest > 0 && Date.now() - movedAt < STUCK_MS; await sleep(POLL_MS)) {
    const { rows } = await pool.query(
      `select count(*)::int as waiting from "StripeEvent" where status = 'RECEIVED'`,
    );
    if (rows[0].waiting < fewest) movedAt = Date.now();
    fewest = Math.min(fewest, rows[0].waiting);
  }
}

const STUCK_MS = 15_000;
const POLL_MS = 50;

async function findBroken(
  pool: pg.Pool,
  server: TestServer,
  { ids, purchases }: { ids: string[]; purchases: Purchase[] },
): Promise<string[]> {
  const { rows } = await pool.query(
    `select
      (select count(distinct id)::int from unnest($1::text[]) id
        where not exists (select from "StripeEvent" event where event.id = id.id)) as lost,
      (select count(*)::int from "StripeEvent" where status in ('RECEIVED', 'FAILED')) as open,
      (select count(*)::int from "StripeEvent" where type like 'checkout.%' and status <> 'APPLIED') as ignored,
      (select count(*)::int from unnest($2::text[]) workspace(id)
        where (select count(*) from "CreditGrant" g where g."workspaceId" = workspace.id) <> 1) as wrong`,
    [ids, purchases.map(({ workspaceId }) => workspaceId)],
  );
  const { lost, open, ignored, wrong } = rows[0];
  const { ok } = (await server.get('/v1/audit')).body;
  return [
    ...(lost > 0 ? [`${lost} events were answered and are not kept`] : []),
    ...(open > 0 ? [`${open} events are not closed`] : []),
    ...(ignored > 0 ? [`${ignored} events of checkouts were not applied`] : []),
    ...(wrong > 0 ? [`${wrong} workspaces do not have exactly one grant`] : []),
    ...(ok ? [] : ['the audit finds something broken']),
    ...(server.errors() === '' ? [] : [`the server said ${server.errors()}`]),
  ];
}

/** Looks again and again how much memory the server's process takes. */
async function watchMemory(server: TestServer) {
  const look = async () => {
    const { text } = await server.get('/metrics');
    return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)![1]) / 2 ** 20;
  };
  const quietMiB = await look();
  let peakMiB = quietMiB;
  let isWatching = true;
  const watching = (async () => {
    for (; isWatching; await sleep(POLL_MS)) peakMiB = Math.max(peakMiB, await look());
  })();
  return {
    async stop() {
      isWatching = false;
      await watching;
      return { quietMiB, peakMiB };
    },
  };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      events: { type: 'string', default: '20000' },
      connections: { type: 'string', default: '16' },
    },
  });
  const [events, connections] = [Number(values.events), Number(values.connections)];
  if (![events, connections].every((count) => Number.isSafeInteger(count) && count > 0)) {
    console.error('usage: npm run burst -- [--events 20000] [--connections 16]');
    process.exit(1);
  }
  const told = await burst({ events, connections, log: console.log });
  console.log(
    `${events} events about ${told.purchases} purchases over ${connections} connections, ` +
      `${Math.round(events / (told.sentMs / 1000))} a second; answered in ${told.medianMs.toFixed(1)} ms ` +
      `(median), ${told.p99Ms.toFixed(1)} ms (p99); all closed after ${seconds(told.closedMs)}; memory of the ` +
      `server ${Math.round(told.quietMiB)} MiB before, ${Math.round(told.peakMiB)} MiB at most`,
  );
  if (told.broken.length > 0) {
    console.error(told.broken.slice(0, 20).join('\n'));
    process.exitCode = 1;
  }
}
