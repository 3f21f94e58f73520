import { z } from 'zod';
import type { Db } from '../db/pool.ts';
import type { EntitlementServices } from '../entitlements/entitlements.ts';
import { type Endpoint, endpoint } from '../lib/endpoint.ts';
import { descriptionSchema, textSchema, workspaceIdSchema } from '../lib/schemas.ts';
import { aiUsageSchema, useAI } from './ai.ts';
import { aiListRoutes } from './lists.ts';

const POINTS_MAX = 1_000_000_000; // as for every amount
const POINTS_MESSAGE = `must be a whole number from 1 to ${POINTS_MAX}`;

export const aiUseSchema = z.strictObject({
  workspaceId: workspaceIdSchema,
  type: z.enum(['TEXT_CHAT', 'IMAGE_GENERATION'], 'must be TEXT_CHAT or IMAGE_GENERATION'),
  pageId: textSchema(200),
  points: z.int(POINTS_MESSAGE).min(1, POINTS_MESSAGE).max(POINTS_MAX, POINTS_MESSAGE),
  description: descriptionSchema.optional(),
});

export function aiRoutes(services: EntitlementServices & { db: Db }): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/v1/ai/usage',
      tag: 'AI',
      summary: 'Charge AI work in points: free points first, the rest from credits',
      body: aiUseSchema,
      answers: { 200: aiUsageSchema },
      refusals: [
        'workspace_not_found',
        'feature_not_in_plan',
        'limit_reached',
        'insufficient_credits',
        'idempotency_conflict',
      ],
      repeats: 'decision',
      handle: async ({ body, idempotencyKey, requestId }) => {
        const { value, replayed } = await useAI(services, body, { idempotencyKey, requestId });
        return { body: value, replayed };
      },
    }),
    ...aiListRoutes(services),
  ];
}
