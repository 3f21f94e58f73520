// Two engines on one database, as two processes would have it, and a clock that stands still until a history moves it.
import type pg from 'pg';
import type { Catalog } from '../../src/catalog/types.ts';
import { openPool } from '../../src/db/pool.ts';
import { decisionOf } from '../../src/engine/decisions.ts';
import { type Asked, createEngine, ENGINE_SETTINGS, type Engine } from '../../src/engine/engine.ts';
import type { Decision } from '../../src/engine/operations.ts';
import type { Subscription } from '../../src/engine/state.ts';
import { toDecimal } from '../../src/lib/amounts.ts';
import type { TestDatabase } from '../database.ts';
import type { Route } from './histories.ts';
import type { ClawBackAsked } from './turns.ts';

export type Stage = { pool: pg.Pool; pools: [pg.Pool, pg.Pool]; close(): Promise<void> };

/** What a request came to. */
export type Told =
  | { decision: Decision; replayed: boolean }
  | { error: unknown }
  | { expired: boolean }
  /** It was taken back before. */
  | { nothing: true };

export type Request = Asked | ClawBackAsked | { expire: string };

export async function openStage({ url, pool }: TestDatabase): Promise<Stage> {
  await pool.query(KEEP_ORDER);
  await pool.query(`
    insert into "PaymentUser" (id, "userId", email, "paymentPlatform") values ('pu', 'u', 'a@example.com', 'STRIPE')`);
  const open = (name: string) => openPool(url, { max: 4, name, settings: ENGINE_SETTINGS });
  const pools: [pg.Pool, pg.Pool] = [open('first'), open('second')];
  return {
    pool,
    pools,
    async close() {
      await Promise.all(pools.map((pool) => pool.end()));
    },
  };
}

/**
 * In which order a workspace was decided: each write moves its version by at least one, under the lock of its wallet,
 * and a write's decisions come in the order they were made in. The trigger runs at the end of the statement, while
 * the lock is held.
 */
const KEEP_ORDER = `
  create table decided (number bigserial primary key, id text not null, "workspaceId" text not null, version int8 not null);
  create function keep_order() returns trigger language plpgsql as $$
  begin
    insert into decided (id, "workspaceId", version)
    select new.id, new."workspaceId", version from "Credit" where "workspaceId" = new."workspaceId";
    return null;
  end
  $$;
  create trigger keep_order after insert on "Decision" for each row execute function keep_order()`;

/** The decisions of these workspaces that were made after a number, in the order they were made in. */
export async function readDecided(
  { pool }: Stage,
  workspaceIds: readonly string[],
  after: number,
): Promise<{ number: number; decision: Decision }[]> {
  const { rows } = await pool.query(
    `select o.number, d.*
     from decided o
     join "Decision" d using (id, "workspaceId")
     where o.number > $1 and "workspaceId" = any($2)
     order by o.version, o.number`,
    [after, workspaceIds],
  );
  return rows.map((row) => ({ number: row.number, decision: decisionOf(row) }));
}

export function openEngines({ pools }: Stage, catalog: Catalog, now: () => number): [Engine, Engine] {
  const open = (pool: pg.Pool) =>
    createEngine({
      ...{ pool, catalog, clock: { now: () => new Date(now()) } },
      report() {}, // the request is told as well
    });
  return [open(pools[0]), open(pools[1])];
}

/** Asks through the door that the history chose. */
export async function submit(
  { pool }: Pick<Stage, 'pool'>,
  [first, second]: [Engine, Engine],
  route: Route,
  asked: Request,
): Promise<Told> {
  const engine = route === 'second' ? second : first;
  try {
    if ('expire' in asked) return { expired: await engine.expire(asked.expire) };
    if (asked.type === 'CLAW_BACK') {
      // Its purchase is read under the workspace's lock: there is no other door.
      const end = route === 'rollback' ? 'rollback' : 'commit';
      const decision = await inTransaction(pool, end, (client) => engine.clawBackIn(client, asked));
      return decision === null ? { nothing: true } : { decision, replayed: false };
    }
    if (asked.type === 'GRANT' && asked.creditRecordId !== null)
      await keepRecord(pool, asked.creditRecordId, asked);
    if (route === 'first' || route === 'second') return await engine.submit(asked);
    return await inTransaction(pool, route === 'rollback' ? 'rollback' : 'commit', (client) =>
      engine.submitIn(client, asked),
    );
  } catch (error) {
    // Somebody else was there between the lock and the look: a host runs its transaction again.
    if ((error as { code?: string }).code === '40001') return submit({ pool }, [first, second], route, asked);
    return { error };
  }
}

/** What a purchase's grant belongs to. */
async function keepRecord(
  pool: pg.Pool,
  id: string,
  { workspaceId, amount }: { workspaceId: string; amount: bigint },
): Promise<void> {
  await pool.query(
    `insert into "CreditRecord" (id, amount, type, "workspaceId", "paymentUserId") values ($1, $2, 'PURCHASE', $3, 'pu')
     on conflict (id) do nothing`,
    [id, toDecimal(amount), workspaceId],
  );
}

async function inTransaction<T>(
  pool: pg.Pool,
  end: 'commit' | 'rollback',
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query(end);
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

export async function makeWorkspaces(
  { pool }: Stage,
  ids: readonly string[],
  createdAt: number,
): Promise<void> {
  await pool.query(
    'insert into "Workspace" (id, name, "createdAt") select id, id, $2 from unnest($1::text[]) id',
    [ids, new Date(createdAt)],
  );
}

export async function subscribe(
  { pool }: Stage,
  workspaceId: string,
  subscription: Subscription | null,
): Promise<void> {
  if (subscription === null) {
    await pool.query('delete from "Subscription" where "workspaceId" = $1', [workspaceId]);
    return;
  }
  const { plan, status, startDate, endDate } = subscription;
  await pool.query(
    `insert into "Subscription" (
       id, "paymentPlatform", "subscriptionId", status, "workspaceId", plan, "startDate", "endDate"
     )
     values ($1, 'STRIPE', $1, $2, $1, $3, $4, $5)
     on conflict ("workspaceId") do update
     set status = excluded.status, plan = excluded.plan, "startDate" = excluded."startDate", "endDate" = excluded."endDate"`,
    [workspaceId, status, plan, new Date(startDate), new Date(endDate)],
  );
}
