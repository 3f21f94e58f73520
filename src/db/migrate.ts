import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { ConfigError } from '../lib/config.ts';

export type Migration = { name: string; checksum: string; sql: string };

const LOCK = 7_655_443_283; // any number that nothing else locks

/**
 * Brings the database to the newest shape: every migration that is not in it yet, in the order of their names, all in
 * one transaction: a database that cannot be brought there stays as it was, and its old program still works with it.
 * Of several processes that start at once, one migrates and the others wait.
 */
export async function migrate(pool: pg.Pool, migrations?: Migration[]): Promise<{ applied: string[] }> {
  const all = migrations ?? (await readMigrations());
  const client = await pool.connect();
  try {
    // However long it takes: a limit that was set for requests is not meant for this.
    await client.query('set statement_timeout = 0');
    await client.query('set lock_timeout = 0');
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    await client.query('begin');
    await prepare(client, all);
    const missing = await findMissing(client, all);
    for (const migration of missing) await apply(client, migration);
    await client.query('commit');
    return { applied: missing.map(({ name }) => name) };
  } finally {
    // Ending the session lets go of the transaction, the lock and the settings, whatever happened.
    client.release(true);
  }
}

/** Reads `prisma/migrations/<name>/migration.sql`, in the order of the names. */
export async function readMigrations(): Promise<Migration[]> {
  const folder = findMigrations(dirname(fileURLToPath(import.meta.url)));
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const text = await readFile(join(folder, name, 'migration.sql'), 'utf8');
      const sql = text.replaceAll('\r\n', '\n'); // git may have written the lines as Windows does
      return { name, checksum: createHash('sha256').update(sql).digest('hex'), sql };
    }),
  );
}

/** The folder is the package's: one level further up when this file has been built into dist/. */
function findMigrations(from: string): string {
  const folder = join(from, 'prisma', 'migrations');
  return existsSync(folder) ? folder : findMigrations(dirname(from));
}

/** Makes the table of records. A database that Prisma made from the same model has the first migration already. */
async function prepare(client: pg.PoolClient, all: Migration[]): Promise<void> {
  const { rows } = await client.query<{ recorded: boolean; baseline: boolean }>(`
    select
      to_regclass('"_tollgate_migration"') is not null as recorded,
      exists (
        select
        from pg_attribute
        where attrelid = to_regclass('"Credit"')
          and attname = 'balance'
          and atttypid = 'double precision'::regtype
          and not attisdropped
      ) as baseline`);
  const { recorded, baseline } = rows[0]!;
  if (!recorded) {
    await client.query(`
      create table "_tollgate_migration" (
        name text primary key,
        checksum text not null,
        "appliedAt" timestamptz(3) not null default now()
      )`);
    if (baseline && all[0] !== undefined) await record(client, all[0]);
  }
}

async function findMissing(client: pg.PoolClient, all: Migration[]): Promise<Migration[]> {
  const { rows } = await client.query<{ name: string; checksum: string }>(
    'select name, checksum from "_tollgate_migration" order by name',
  );
  const known = new Map(all.map((migration) => [migration.name, migration]));
  for (const { name, checksum } of rows) {
    const migration = known.get(name);
    if (migration === undefined) {
      throw new ConfigError(
        `The database is newer than this Tollgate (it has migration ${name}): start the version that made it, or a later one.`,
      );
    }
    if (migration.checksum !== checksum) {
      throw new ConfigError(
        `Migration ${name} was changed after it was applied: put its file back as it was, and make a new migration for the change.`,
      );
    }
  }
  const applied = new Set(rows.map(({ name }) => name));
  return all.filter(({ name }) => !applied.has(name));
}

async function apply(client: pg.PoolClient, migration: Migration): Promise<void> {
  try {
    await client.query(migration.sql);
    await record(client, migration);
  } catch (error) {
    const { message, detail } = error as pg.DatabaseError;
    const reason = detail === undefined ? message : `${message} (${detail})`;
    throw new ConfigError(`Migration ${migration.name} failed, and nothing was changed: ${reason}`, {
      cause: error,
    });
  }
}

async function record(client: pg.PoolClient, { name, checksum }: Migration): Promise<void> {
  await client.query('insert into "_tollgate_migration" (name, checksum) values ($1, $2)', [name, checksum]);
}
