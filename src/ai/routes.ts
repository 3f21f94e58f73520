import { z } from 'zod';
import { imagesSchema, mistakeIn, modelSchema, refuseMistake, tokensSchema } from '../catalog/ai/schemas.ts';
import type { Db } from '../db/pool.ts';
import type { EntitlementServices } from '../entitlements/entitlements.ts';
import { USE_REFUSALS } from '../entitlements/routes.ts';
import { type Endpoint, endpoint, replyOf } from '../lib/endpoint.ts';
import { descriptionSchema, textSchema, workspaceIdSchema } from '../lib/schemas.ts';
import { aiUsageSchema, useAI } from './ai.ts';
import { aiListRoutes } from './lists.ts';

const POINTS_MAX = 1_000_000_000; // as for every amount
const POINTS_MESSAGE = `must be a whole number from 1 to ${POINTS_MAX}`;

/** What AI work is for. */
export const aiWorkSchema = z.strictObject({
  type: z.enum(['TEXT_CHAT', 'IMAGE_GENERATION'], 'must be TEXT_CHAT or IMAGE_GENERATION'),
  pageId: textSchema(200),
});

/** What the model has done: one of both. */
export const reportShape = {
  tokens: tokensSchema.optional().meta({ description: 'What the model read and wrote; or images.' }),
  images: imagesSchema.optional().meta({ description: 'What the model made; or tokens.' }),
};
export const modelWorkShape = { model: modelSchema.optional(), ...reportShape };

export const aiUseSchema = z
  .strictObject({
    workspaceId: workspaceIdSchema,
    ...aiWorkSchema.shape,
    points: z
      .int(POINTS_MESSAGE)
      .min(1, POINTS_MESSAGE)
      .max(POINTS_MAX, POINTS_MESSAGE)
      .optional()
      .meta({ description: 'Left out where a model is named.' }),
    ...modelWorkShape,
    description: descriptionSchema.optional(),
  })
  .check((payload) => {
    const { points: amount, ...work } = payload.value;
    const mistake = mistakeIn({ ...work, amount }, { isNeeded: true });
    refuseMistake(payload, mistake, (field) => [field === 'amount' ? 'points' : field]);
  });

export function aiRoutes(services: EntitlementServices & { db: Db }): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/v1/ai/usage',
      tag: 'AI',
      summary: 'Charge AI work in points, or by what a model did: free points first, the rest from credits',
      body: aiUseSchema,
      answers: { 200: aiUsageSchema },
      refusals: ['model_unknown', ...USE_REFUSALS],
      repeats: 'decision',
      handle: async (call) => replyOf(await useAI(services, call.body, call)),
    }),
    ...aiListRoutes(services),
  ];
}
