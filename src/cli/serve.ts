import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { loadCatalog } from '../catalog/load.ts';
import { startEmbedded } from '../db/embedded.ts';
import { openapi } from '../http/openapi.ts';
import { mountOperations } from '../http/operations.ts';
import { createServer } from '../http/server.ts';
import { makeFirstKey, openKeys } from '../keys/keys.ts';
import { type Config, ConfigError } from '../lib/config.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { openTollgate } from '../tollgate.ts';
import { welcome } from './welcome.ts';

const VERSION: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version;

/** Serves until SIGINT or SIGTERM; then finishes what was accepted, and stops what it started. */
export async function serve(config: Config): Promise<number> {
  const stopped = untilAskedToStop();
  const log = (line: string) => process.stdout.write(`tollgate: ${line}\n`);
  const report = (message: string, error: unknown) => {
    process.stderr.write(
      `tollgate: ${message}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  };

  const catalog = await loadCatalog(config.catalogPath);
  const embedded =
    config.databaseUrl === undefined ? await startEmbedded({ dataDir: config.dataDir, log }) : null;
  try {
    const tollgate = await openTollgate({
      databaseUrl: config.databaseUrl ?? embedded!.url,
      catalog,
      testClock: config.testClock,
      report,
    });
    try {
      const keys = await openKeys(tollgate.db, config.secretKey);
      const metrics = createMetrics({ backlog: tollgate.engine.backlog });
      const server = createServer({ ...tollgate, keys, report });
      server.addHook('onResponse', async (request, reply) => {
        metrics.answered(request.routeOptions.url ?? 'unknown', reply.statusCode, reply.elapsedTime / 1000);
      });
      await mountOperations(server, {
        document: openapi(tollgate.endpoints, VERSION),
        metrics,
        isReady: tollgate.isReady,
      });
      await listen(server, config);
      // Not before: a key that nobody was shown would be lost.
      const made = config.secretKey === undefined ? await makeFirstKey(tollgate.db) : null;
      process.stdout.write(
        welcome({
          address: addressOf(server.server.address() as AddressInfo),
          made,
          hasOwnKey: config.secretKey !== undefined,
        }),
      );
      await stopped;
      await server.close();
    } finally {
      await tollgate.close();
    }
  } finally {
    await embedded?.stop();
  }
  return 0;
}

function untilAskedToStop(): Promise<void> {
  // Asked a second time, the process ends at once, as it would without this.
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

async function listen(server: FastifyInstance, { host, port }: Config): Promise<void> {
  try {
    await server.listen({ host, port });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      throw new ConfigError(`Port ${port} of ${host} is in use: set PORT to another one.`);
    if (code === 'EACCES')
      throw new ConfigError(`Port ${port} may not be used by this account: set PORT above 1023.`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
      throw new ConfigError(
        `HOST ${host} is not an address of this machine: set it to 127.0.0.1 or 0.0.0.0.`,
      );
    }
    throw error;
  }
}

function addressOf({ address, family, port }: AddressInfo): string {
  const isAny = address === '0.0.0.0' || address === '::';
  const host = isAny ? 'localhost' : family === 'IPv6' ? `[${address}]` : address;
  return `http://${host}:${port}`;
}
