import { type Filters, type PageAsked, readPage } from '../db/page.ts';
import type { Db } from '../db/pool.ts';

export const listFeatureUsages = (db: Db, page: PageAsked, filters: Filters<'FeatureUsage'>) =>
  readPage(db.selectFrom('FeatureUsage').selectAll(), page, filters);
