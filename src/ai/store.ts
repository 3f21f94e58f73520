import { type Filters, type PageAsked, readPage } from '../db/page.ts';
import type { Db } from '../db/pool.ts';

/** AI usages with what their decision took in credits: null where there is none, as for rows older than Tollgate. */
export const listAIUsages = (db: Db, page: PageAsked, filters: Filters<'AIUsage'>) =>
  readPage(
    db
      .selectFrom('AIUsage')
      .selectAll()
      .select((usage) =>
        usage
          .selectFrom('Decision')
          .select('creditCost')
          .whereRef('Decision.id', '=', 'AIUsage.id')
          .whereRef('Decision.workspaceId', '=', 'AIUsage.workspaceId')
          .as('creditCost'),
      ),
    page,
    filters,
  );
