import { type Filters, type PageAsked, readPage } from '../db/page.ts';
import type { Db } from '../db/pool.ts';

export const listGrants = (db: Db, page: PageAsked, filters: Filters<'CreditGrant'>) =>
  readPage(db.selectFrom('CreditGrant').selectAll(), page, filters);

export const listCreditRecords = (db: Db, page: PageAsked, filters: Filters<'CreditRecord'>) =>
  readPage(db.selectFrom('CreditRecord').selectAll(), page, filters);

export const listCreditUsages = (db: Db, page: PageAsked, filters: Filters<'CreditUsage'>) =>
  readPage(db.selectFrom('CreditUsage').selectAll(), page, filters);
