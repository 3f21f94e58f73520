import pg from 'pg';
import type { Db } from '../db/pool.ts';

const CONNECT_TIMEOUT_MS = 3_000; // a process that stops waits for it

/** A session of its own: what it has locked is free again when its process is gone, however it went. */
export async function openSession(databaseUrl: string, onEnd: () => void): Promise<pg.Client> {
  const session = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'tollgate simulator',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  session.on('error', () => {}); // what runs on it is rejected, and `end` follows
  session.once('end', onEnd);
  await session.connect();
  return session;
}

/** What a database keeps of its simulator: the name of its journal, and where it listens, or did last. */
export type Place = { journal: string; url: string | null };

export async function keepPlace(session: pg.Client, journal: string): Promise<void> {
  await session.query('insert into "Simulator" (journal) values ($1) on conflict do nothing', [journal]);
}

/** Looks at the place, and may change it. One process at a time: none sees the half of what another does. */
export async function inTurn<T>(session: pg.Client, work: (place: Place) => Promise<T>): Promise<T> {
  await session.query('begin');
  try {
    const { rows } = await session.query<Place>('select journal, url from "Simulator" for update');
    const result = await work(rows[0]!);
    await session.query('commit');
    return result;
  } catch (error) {
    await session.query('rollback').catch(() => {}); // the session may have ended
    throw error;
  }
}

export async function updateUrl(session: pg.Client, url: string): Promise<void> {
  await session.query('update "Simulator" set url = $1', [url]);
}

/** Where the simulator of a database is, or was last; null where it never had one. */
export async function readSimulatorUrl(db: Db): Promise<string | null> {
  const place = await db.selectFrom('Simulator').select('url').executeTakeFirst();
  return place?.url ?? null;
}

const SEAT = 7_655_443_284; // any number that nothing else locks

/** Takes the seat of whoever runs the simulator, until the session ends; false where another process has it. */
export async function takeSeat(session: pg.Client): Promise<boolean> {
  const { rows } = await session.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [
    SEAT,
  ]);
  return rows[0]!.taken;
}

export async function leaveSeat(session: pg.Client): Promise<void> {
  await session.query('select pg_advisory_unlock($1)', [SEAT]);
}
