import type { Selectable } from 'kysely';
import { type Filters, type PageAsked, readPage } from '../db/page.ts';
import type { Db } from '../db/pool.ts';
import type { Hold } from '../db/types.ts';

export type HoldRow = Selectable<Hold>;

/** Holds, the newest first: their ids rise with time. */
export const listHolds = (db: Db, page: PageAsked, filters: Filters<'Hold'>) =>
  readPage(db.selectFrom('Hold').selectAll(), page, filters, 'id');

export function readHold(db: Db, id: string): Promise<HoldRow | undefined> {
  return db.selectFrom('Hold').selectAll().where('id', '=', id).executeTakeFirst();
}
