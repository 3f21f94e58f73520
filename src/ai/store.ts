import { sql } from 'kysely';
import { type Filters, type PageAsked, readPage } from '../db/page.ts';
import type { Db } from '../db/pool.ts';
import type { PricedWork } from '../engine/work.ts';

/** AI usages with what their decision took in credits, and what it kept of a model's work; null where it did not. */
export const listAIUsages = (db: Db, page: PageAsked, filters: Filters<'AIUsage'>) =>
  readPage(
    db
      .selectFrom('AIUsage')
      .selectAll()
      .select((usage) => {
        const decision = usage
          .selectFrom('Decision')
          .whereRef('Decision.id', '=', 'AIUsage.id')
          .whereRef('Decision.workspaceId', '=', 'AIUsage.workspaceId');
        return [
          decision.select('creditCost').as('creditCost'),
          decision.select(sql<PricedWork | null>`reasons -> 'ai' -> 'work'`.as('work')).as('work'),
        ];
      }),
    page,
    filters,
  );
