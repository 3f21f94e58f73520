import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { ConfigError } from '../lib/config.ts';
import type { DB } from './types.ts';

export type Db = Kysely<DB>;

const CONNECT_TIMEOUT_MS = 10_000; // longer than a Postgres takes to start again, shorter than a client waits
const IDLE_TIMEOUT_MS = 60_000; // connections keep their prepared statements through short lulls
const VERSION_MIN = 15; // the oldest that the SQL is written for

const INT8_OID = 20;

/** Numbers where they are exact; numeric stays text, to become micro-units; timestamptz becomes a Date. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8_OID && format !== 'binary'
      ? parseInt8
      : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
};

export type PoolOptions = {
  max: number;
  /** What Postgres shows of the connections. */
  name: string;
  /** Settings of each session. */
  settings?: Readonly<Record<string, string>>;
};

/** Opens a pool of connections to Tollgate's database. */
export function openPool(url: string, { max, name, settings = {} }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    types,
    application_name: `tollgate ${name}`,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    // Runs before the connection is handed out; a connection that cannot be set is not.
    onConnect: async (client) => {
      for (const [setting, value] of Object.entries(settings))
        await client.query(`set ${setting} = '${value}'`);
    },
  });
  // A connection may break while somebody holds it: what runs on it is rejected, and that is enough.
  pool.on('connect', (client) => client.on('error', () => {}));
  // An idle connection broke. The pool has dropped it and opens another for the next query; queries that were
  // running are rejected on their own.
  pool.on('error', () => {});
  return pool;
}

/** The pool as typed queries. */
export function kysely(pool: pg.Pool): Db {
  return new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
}

/** A database that does not answer within this time is not ready. */
const ANSWER_MAX_MS = 2_000;

/** Whether the database answers now. */
export function answers(pool: pg.Pool): Promise<boolean> {
  const answered = pool.query('select 1').then(
    () => true,
    () => false,
  );
  return Promise.race([answered, sleep(ANSWER_MAX_MS, false, { ref: false })]);
}

/** Tries a database once, at start. Throws a ConfigError that says in one line, without the password, what is wrong. */
export async function connectOrExplain(url: string): Promise<void> {
  const client = newClient(url);
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version_num: string }>('show server_version_num');
    const version = Math.floor(Number(rows[0]!.server_version_num) / 10_000);
    if (version >= VERSION_MIN) return;
    throw new ConfigError(
      `The database is Postgres ${version}: Tollgate needs Postgres ${VERSION_MIN} or newer.`,
    );
  } catch (error) {
    throw error instanceof ConfigError
      ? error
      : new ConfigError(explain(client, error as NodeJS.ErrnoException));
  } finally {
    await client.end().catch(() => {});
  }
}

function newClient(url: string): pg.Client {
  try {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
    client.on('error', () => {}); // whoever waits for it is told
    return client;
  } catch {
    throw new ConfigError(
      'DATABASE_URL is not an address of a Postgres (postgres://user:password@host/database).',
    );
  }
}

function explain(client: pg.Client, error: NodeJS.ErrnoException): string {
  const place = client.host.startsWith('/') ? client.host : `${client.host}:${client.port}`;
  const code = error.code ?? '';
  if (code === 'ECONNREFUSED' || code === 'ENOENT')
    return `No database answers at ${place}: is Postgres running there?`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `The host of DATABASE_URL is unknown: ${client.host}.`;
  if (code === '28P01' || code === '28000' || error.message.startsWith('SASL')) {
    return `The database at ${place} refuses the user "${client.user}" or its password.`;
  }
  if (code === '3D000') return `There is no database "${client.database}" at ${place}: create it first.`;
  return `The database at ${place} cannot be used: ${error.message.replaceAll(/\s+/g, ' ')}.`;
}

function parseInt8(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new RangeError(`an int8 beyond the exact numbers: ${text}`);
  return number;
}
