import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { FastifyInstance } from 'fastify';
import about from '../../package.json' with { type: 'json' };
import { loadCatalog } from '../catalog/load.ts';
import { startEmbedded } from '../db/embedded.ts';
import { openapi } from '../http/openapi.ts';
import { mountOperations } from '../http/operations.ts';
import { closeServer, createServer } from '../http/server.ts';
import { webhookRoutes } from '../http/webhooks.ts';
import { makeFirstKey, openKeys } from '../keys/keys.ts';
import type { Config } from '../lib/config.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { openTollgate, type Tollgate } from '../tollgate.ts';
import { listen, urlOf } from './listen.ts';
import { untilAskedToStop } from './signals.ts';
import { openSimulated, type Simulated } from './simulated.ts';
import { welcome } from './welcome.ts';

/** Serves until SIGINT or SIGTERM; then finishes what was accepted, and stops what it started. */
export async function serve(config: Config): Promise<number> {
  const stopped = untilAskedToStop();
  const stops: Stops = [];
  let hasFailed = false;
  // What keeps it from starting is the one thing that is said then.
  const say = (line: string) => hasFailed || process.stdout.write(`tollgate: ${line}\n`);
  try {
    process.stdout.write(await start(config, stops, say));
    setTimeout(collectGarbage, COLLECT_AFTER_MS).unref();
    await stopped;
  } catch (error) {
    hasFailed = true;
    throw error;
  } finally {
    // What was started last is stopped first.
    for (const stop of stops.reverse()) await stop();
  }
  return 0;
}

const COLLECT_AFTER_MS = 500; // once nothing of the start is under way any more

/** Modules and schemas leave 30 MB of garbage, which V8 would keep until there is load. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

/** What is set where it cannot listen. */
const NAMES = { port: 'PORT', host: 'HOST' };

/** How to stop what was started so far. */
type Stops = (() => Promise<unknown>)[];

type Say = (line: string) => void;

/** Starts everything, noting how to stop each part; resolves to what is said to the operator. */
async function start(config: Config, stops: Stops, say: Say): Promise<string> {
  const catalog = await loadCatalog(config.catalogPath);
  const databaseUrl = config.databaseUrl ?? (await startPostgres(config, stops, say));
  let simulated: Simulated | undefined;
  const tollgate = await openTollgate({
    databaseUrl,
    catalog,
    stripe: async (clock) => {
      const { secretKey, ...stripe } = config.stripe;
      if (secretKey !== undefined) return { secretKey, ...stripe };
      const { host, port, dataDir } = config;
      const webhookUrl = port === 0 ? undefined : webhookUrlOf(urlOf(host, port));
      simulated = await listen(config, NAMES, () =>
        openSimulated({ databaseUrl, host, dataDir, clock, webhookUrl, report }),
      );
      stops.push(simulated.stop);
      return simulated.stripe;
    },
    testClock: config.testClock,
    onClockMoved: () => simulated?.tick(),
    report,
  });
  stops.push(tollgate.close);

  const server = await openServer(config, tollgate);
  stops.push(() => closeServer(server));
  await listen(config, NAMES, () => server.listen({ host: config.host, port: config.port }));
  const { address: ip, port } = server.server.address() as AddressInfo;
  const address = urlOf(ip, port);
  if (config.port === 0) simulated?.deliverTo(webhookUrlOf(address));
  // Not before anybody can be told: a key that nobody was shown would be lost.
  const madeKey = config.secretKey === undefined ? await makeFirstKey(tollgate.db) : null;
  return welcome({
    address,
    madeKey,
    hasOwnKey: config.secretKey !== undefined,
    simulatorUrl: simulated?.url ?? null,
  });
}

async function startPostgres({ dataDir }: Config, stops: Stops, say: Say): Promise<string> {
  const embedded = await startEmbedded({ dataDir, log: say });
  stops.push(embedded.stop);
  return embedded.url;
}

async function openServer(config: Config, tollgate: Tollgate): Promise<FastifyInstance> {
  const keys = await openKeys(tollgate.db, config.secretKey);
  const metrics = createMetrics(tollgate.engine);
  const server = createServer({ ...tollgate, keys, report });
  server.addHook('onResponse', (request, reply, done) => {
    metrics.answered(request.routeOptions.url ?? 'unknown', reply.statusCode, reply.elapsedTime / 1000);
    done();
  });
  if (tollgate.selling !== null) server.register(webhookRoutes(tollgate.selling.inbox));
  await mountOperations(server, {
    document: openapi(tollgate.endpoints, about.version),
    metrics,
    isReady: tollgate.isReady,
  });
  return server;
}

function report(message: string, error: unknown): void {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`tollgate: ${message}: ${what}\n`);
}

function webhookUrlOf(address: string): string {
  return `${address}/webhooks/stripe`;
}
