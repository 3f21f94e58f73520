import { z } from 'zod';
import { listEndpoint, plain } from '../db/list.ts';
import type { Db } from '../db/pool.ts';
import type { Engine } from '../engine/engine.ts';
import type { Endpoint } from '../lib/endpoint.ts';
import { featureCodeSchema } from '../lib/schemas.ts';
import { listFeatureUsages } from './store.ts';

const featureUsageSchema = z
  .object({
    id: z.string(),
    workspaceId: z.string(),
    featureCode: z.string(),
    periodStart: z.iso.datetime().meta({ description: 'One row for each period of the allowance.' }),
    periodEnd: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'Null: the period never ends, or was counted before ends were kept.' }),
    used: z
      .number()
      .meta({ description: 'The allowance that was used in the period, without what credits paid.' }),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'FeatureUsage' });

export function entitlementListRoutes({ db, engine }: { db: Db; engine: Engine }): Endpoint[] {
  return [
    listEndpoint({
      path: '/v1/feature-usages',
      summary: 'Allowances that were used, by feature and period',
      row: featureUsageSchema,
      filters: { featureCode: featureCodeSchema },
      async read(page, filters) {
        await engine.bookExpired(filters.workspaceId);
        return listFeatureUsages(db, page, filters);
      },
      answer: (row) => plain(row, 'used'),
    }),
  ];
}
