import { type Filters, type PageAsked, readPage } from '../db/page.ts';
import type { Db } from '../db/pool.ts';

export const listSubscriptions = (db: Db, page: PageAsked, filters: Filters<'Subscription'>) =>
  readPage(db.selectFrom('Subscription').selectAll(), page, filters);
