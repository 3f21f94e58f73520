import { z } from 'zod';
import {
  imagesSchema,
  mistakeIn,
  modelSchema,
  refuseMistake,
  tokensAskedSchema,
} from '../catalog/ai/schemas.ts';
import { AI_POINTS } from '../catalog/types.ts';
import type { Db } from '../db/pool.ts';
import { MICROS_PER_UNIT } from '../lib/amounts.ts';
import { type Endpoint, endpoint, replyOf } from '../lib/endpoint.ts';
import { isTransient } from '../lib/errors.ts';
import {
  amountSchema,
  descriptionSchema,
  featureCodeSchema,
  idempotencyKeySchema,
  textSchema,
  workspaceIdSchema,
} from '../lib/schemas.ts';
import { creditSchema, usageSchema } from './answers.ts';
import { check, type EntitlementServices, refundUse, use, useBatch } from './entitlements.ts';
import { entitlementListRoutes } from './lists.ts';

const one = amountSchema.default(MICROS_PER_UNIT).meta({ default: 1 });

export const useSchema = z.strictObject({
  workspaceId: workspaceIdSchema,
  featureCode: featureCodeSchema,
  amount: one,
  description: descriptionSchema.optional(),
});

export const checkSchema = z
  .strictObject({
    workspaceId: workspaceIdSchema,
    featureCode: featureCodeSchema,
    amount: amountSchema.optional().meta({ description: '1 if nothing is said.' }),
    model: modelSchema
      .optional()
      .meta({ description: `Of \`${AI_POINTS}\`: the amount is what its work comes to.` }),
    tokens: tokensAskedSchema.optional(),
    images: imagesSchema.optional(),
  })
  .check((payload) => refuseMistake(payload, mistakeIn(payload.value, { isNeeded: false })))
  .refine(({ featureCode, model }) => model === undefined || featureCode === AI_POINTS, {
    path: ['featureCode'],
    error: `must be ${AI_POINTS} where a model is named: its work is counted in points`,
  });

/** A batch is one statement to the engine, and one body of at most 1 MiB. */
const BATCH_ITEMS_MAX = 1000;

export const batchSchema = z.strictObject({
  items: z
    .array(useSchema.extend({ amount: amountSchema, idempotencyKey: idempotencyKeySchema }))
    .min(1, 'must hold at least one item')
    .max(BATCH_ITEMS_MAX, `must hold at most ${BATCH_ITEMS_MAX} items`),
});

export const useIdSchema = z.strictObject({ id: textSchema(200) });

export const refundSchema = z.strictObject({ reason: descriptionSchema.optional() });

const checkAnswerSchema = z
  .object({
    allowed: z.boolean(),
    code: z
      .string()
      .nullable()
      .meta({ description: 'Null, or the code that the same use would be refused with.' }),
    featureCode: z.string(),
    amount: z.number(),
    plan: z.string(),
    fromAllowance: z.number(),
    fromCredits: z.number(),
    creditCost: z.number(),
    affordable: z.number().meta({ description: 'The largest amount that would pass now.' }),
    affordableOutputTokens: z.int().nullable().optional().meta({
      description:
        'Of tokens: the most `output` for the others as asked. Null: not even those others can be paid for.',
    }),
    affordableImages: z
      .int()
      .optional()
      .meta({ description: 'Of images: the most of this size and quality.' }),
    limit: z.number().nullable(),
    used: z.number(),
    remaining: z.number().nullable(),
    resetsAt: z.iso.datetime().nullable(),
    credit: creditSchema,
  })
  .meta({ id: 'Check' });

const errorSchema = z.object({
  type: z.string(),
  code: z.string(),
  message: z.string(),
  param: z.string().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});

/** What a use may be refused with, once its feature is known. */
export const USE_REFUSALS = [
  'workspace_not_found',
  'feature_not_in_plan',
  'limit_reached',
  'insufficient_credits',
  'idempotency_conflict',
] as const;

export function entitlementRoutes(services: EntitlementServices & { db: Db }): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/v1/check',
      tag: 'Asking and using',
      summary: 'What would the same use be answered now?',
      body: checkSchema,
      answers: { 200: checkAnswerSchema },
      refusals: ['workspace_not_found', 'feature_unknown', 'model_unknown'],
      handle: async ({ body }) => ({ body: await check(services, body) }),
    }),
    endpoint({
      method: 'POST',
      path: '/v1/usage',
      tag: 'Asking and using',
      summary: 'Use a feature: allowance first, then credits; all of it or nothing of it',
      body: useSchema,
      answers: { 200: usageSchema },
      refusals: ['feature_unknown', ...USE_REFUSALS],
      repeats: 'decision',
      handle: async (call) => replyOf(await use(services, call.body, call)),
    }),
    endpoint({
      method: 'POST',
      path: '/v1/usage/batch',
      tag: 'Asking and using',
      summary: 'Up to 1000 uses at once; a refusal of one never touches another',
      body: batchSchema,
      answers: {
        200: z.object({
          results: z.array(
            z.union([
              z.object({ ok: z.literal(true), usage: usageSchema }),
              z.object({ ok: z.literal(false), error: errorSchema }),
            ]),
          ),
        }),
      },
      refusals: ['payload_too_large', 'idempotency_conflict'],
      repeats: 'request',
      handle: async ({ body }) => {
        const results = await useBatch(services, body.items);
        const transient = results.some((result) => !result.ok && isTransient(result.error.code));
        return { body: { results }, transient };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/v1/usage/:id/refund',
      tag: 'Asking and using',
      summary: 'Give a use back to where it came from',
      params: useIdSchema,
      body: refundSchema,
      answers: { 200: usageSchema },
      refusals: ['not_found', 'already_refunded', 'not_refundable', 'idempotency_conflict'],
      repeats: 'decision',
      handle: async (call) => replyOf(await refundUse(services, { ...call.body, ...call.params }, call)),
    }),
    ...entitlementListRoutes(services),
  ];
}
