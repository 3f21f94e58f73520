import { audit } from '../audit/audit.ts';
import { printAudit } from '../audit/print.ts';
import { migrate } from '../db/migrate.ts';
import { kysely } from '../db/pool.ts';
import { makeKey } from '../keys/keys.ts';
import { type Config, ConfigError } from '../lib/config.ts';
import { withDatabase } from './database.ts';
import { say } from './say.ts';

/** Brings the database to today's shape. */
export function runMigrate(config: Config): Promise<number> {
  return withDatabase(config, async (pool) => {
    const { applied } = await migrate(pool);
    say(
      applied.length === 0
        ? 'The database is up to date.'
        : applied.map((name) => `applied ${name}`).join('\n'),
    );
    return 0;
  });
}

/** Proves the numbers: 0 if every invariant holds, 1 if one is broken. */
export function runAudit(config: Config, args: string[]): Promise<number> {
  const asJson = args.includes('--json');
  return withDatabase(config, async (pool) => {
    await migrate(pool);
    const report = await audit(kysely(pool), { now: new Date() });
    say(asJson ? JSON.stringify(report, null, 2) : printAudit(report));
    return report.ok ? 0 : 1;
  });
}

/** Makes another secret key. A running server accepts it within a second. */
export function runKeys(config: Config, [verb]: string[]): Promise<number> {
  if (verb !== 'create') throw new ConfigError('Say what to do with keys: tollgate keys create.');
  return withDatabase(config, async (pool) => {
    await migrate(pool);
    say(await makeKey(kysely(pool)));
    return 0;
  });
}
