import { parseArgs } from 'node:util';
import { listQuerySchema } from '../db/list.ts';
import { migrate } from '../db/migrate.ts';
import { type Db, kysely } from '../db/pool.ts';
import { type Config, ConfigError } from '../lib/config.ts';
import { Refusal } from '../lib/errors.ts';
import { parse } from '../lib/schemas.ts';
import { isLiveKey } from '../stripe/client.ts';
import { eventList } from '../stripe/lists.ts';
import { replayEvent, showEvent } from '../stripe/replay.ts';
import { type EventRow, listEvents } from '../stripe/store.ts';
import { withDatabase } from './database.ts';
import { say } from './say.ts';

const USAGE =
  'Say what to do with events: tollgate events list [--status FAILED] [--type T] [--limit 20], show <id>, or replay <id>….';

/** What the list of the API can be asked for, by the same names. */
const QUERY = listQuerySchema(eventList);

type Asked = { ids: string[]; options: Record<string, string | undefined> };

const VERBS: Record<string, (db: Db, asked: Asked, config: Config) => Promise<number>> = {
  list,
  show,
  replay,
};

/** Shows the webhook events that Stripe sent, and has them applied again, beside a running server. */
export function runEvents(config: Config, [name = '', ...args]: string[]): Promise<number> {
  const verb = VERBS[name];
  if (verb === undefined) throw new ConfigError(USAGE);
  const asked = askedFor(name, args);
  return withDatabase(config, async (pool) => {
    await migrate(pool);
    return verb(kysely(pool), asked, config);
  });
}

function askedFor(verb: string, args: string[]): Asked {
  const names = verb === 'list' ? Object.keys(QUERY.shape) : [];
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: verb !== 'list' });
    const isEnough = verb === 'list' || (verb === 'show' ? positionals.length === 1 : positionals.length > 0);
    if (isEnough) return { ids: positionals, options: values };
  } catch (error) {
    throw new ConfigError(`${(error as Error).message}. ${USAGE}`);
  }
  throw new ConfigError(USAGE);
}

async function list(db: Db, { options }: Asked): Promise<number> {
  const { limit, cursor, createdAfter, createdBefore, ...filters } = parse(QUERY, options);
  const { data, nextCursor } = await listEvents(db, { limit, cursor, createdAfter, createdBefore }, filters);
  for (const event of data) say(lineOf(event));
  if (nextCursor !== null) say(`There are more: --cursor ${nextCursor}`);
  return 0;
}

async function show(db: Db, { ids }: Asked): Promise<number> {
  say(JSON.stringify(await showEvent(db, ids[0]!), null, 2));
  return 0;
}

/** One that cannot be replayed holds up no other. */
async function replay(db: Db, { ids }: Asked, { stripe }: Config): Promise<number> {
  const livemode = stripe.secretKey !== undefined && isLiveKey(stripe.secretKey);
  let refused = 0;
  for (const id of ids) {
    try {
      say(lineOf(await replayEvent({ db, livemode }, id)));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      process.stderr.write(`tollgate: ${error.message}\n`);
      refused++;
    }
  }
  return refused === 0 ? 0 : 1;
}

function lineOf({ id, type, objectId, status, attempts, receivedAt, error }: EventRow): string {
  const tried = attempts === 1 ? 'tried once' : `tried ${attempts} times`;
  const parts = [receivedAt.toISOString(), status.padEnd(8), id, type, objectId ?? '-', tried];
  return `${parts.join('  ')}${error === null ? '' : `: ${error}`}`;
}
