import type pg from 'pg';
import { startEmbedded } from '../db/embedded.ts';
import { connectOrExplain, openPool } from '../db/pool.ts';
import type { Config } from '../lib/config.ts';

const CONNECTIONS_MAX = 8; // made as they are needed; a reconciliation needs most

/** Runs a command's work on the configured database, beside a server or without one, and lets go of it. */
export async function withDatabase<T>(config: Config, work: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const embedded = config.databaseUrl === undefined ? await startEmbedded({ dataDir: config.dataDir }) : null;
  try {
    const url = config.databaseUrl ?? embedded!.url;
    await connectOrExplain(url);
    const pool = openPool(url, { max: CONNECTIONS_MAX, name: 'cli' });
    try {
      return await work(pool);
    } finally {
      await pool.end();
    }
  } finally {
    await embedded?.stop();
  }
}
