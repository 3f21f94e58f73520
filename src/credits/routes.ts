import { z } from 'zod';
import type { Db } from '../db/pool.ts';
import type { Engine } from '../engine/engine.ts';
import type { Clock } from '../lib/clock.ts';
import { type Endpoint, endpoint, replyOf } from '../lib/endpoint.ts';
import { amountSchema, textSchema, timeSchema, workspaceIdSchema } from '../lib/schemas.ts';
import { grantCredits, grantSchema } from './credits.ts';
import { creditListRoutes } from './lists.ts';

const PRIORITY_MAX = 1000;
const PRIORITY_MESSAGE = `must be a whole number from 0 to ${PRIORITY_MAX}`;

export const grantInputSchema = z.strictObject({
  workspaceId: workspaceIdSchema,
  amount: amountSchema,
  type: z.enum(['PROMOTION', 'ADJUSTMENT'], 'must be PROMOTION or ADJUSTMENT'),
  description: textSchema(500),
  expiresAt: timeSchema.nullable().optional(),
  priority: z.int(PRIORITY_MESSAGE).min(0, PRIORITY_MESSAGE).max(PRIORITY_MAX, PRIORITY_MESSAGE).default(50),
});

export function creditRoutes(services: { engine: Engine; db: Db; clock: Clock }): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/v1/credits/grants',
      tag: 'Credits and money',
      summary: 'Give credits that nobody paid for',
      body: grantInputSchema,
      answers: { 201: grantSchema },
      refusals: ['workspace_not_found', 'idempotency_conflict'],
      repeats: 'decision',
      handle: async (call) => replyOf(await grantCredits(services, call.body, call), 201),
    }),
    ...creditListRoutes(services),
  ];
}
