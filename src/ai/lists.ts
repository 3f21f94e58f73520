import { z } from 'zod';
import { pricedWorkSchema } from '../catalog/ai/schemas.ts';
import { listEndpoint, oneOf, plain } from '../db/list.ts';
import type { Db } from '../db/pool.ts';
import { AIUsageType, UsageStatus } from '../db/types.ts';
import type { Engine } from '../engine/engine.ts';
import type { Endpoint } from '../lib/endpoint.ts';
import { listAIUsages } from './store.ts';

const aiUsageRowSchema = z
  .object({
    id: z.string().meta({ description: 'The id of the use, and of the decision that says why.' }),
    workspaceId: z.string(),
    type: z.enum(AIUsageType),
    points: z.int(),
    freePoints: z.int(),
    paidPoints: z.int(),
    pageId: z.string(),
    description: z.string().nullable(),
    status: z.enum(UsageStatus),
    creditCost: z.number().nullable().meta({
      description: 'Credits that the paid points took; null for rows that are older than Tollgate.',
    }),
    work: pricedWorkSchema.nullable().meta({
      description: 'What a model did, and its price; null: it was charged in points.',
    }),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'AIUsage' });

export function aiListRoutes({ db, engine }: { db: Db; engine: Engine }): Endpoint[] {
  return [
    listEndpoint({
      path: '/v1/ai-usages',
      summary: 'AI work, in free and paid points',
      row: aiUsageRowSchema,
      filters: { type: oneOf(AIUsageType), status: oneOf(UsageStatus) },
      async read(page, filters) {
        await engine.bookExpired(filters.workspaceId);
        return listAIUsages(db, page, filters);
      },
      answer: (row) => plain(row, 'creditCost'),
    }),
  ];
}
