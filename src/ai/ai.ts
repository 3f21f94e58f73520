import { z } from 'zod';
import { AI_POINTS } from '../catalog/types.ts';
import type { AIWork, Decision } from '../engine/operations.ts';
import { creditOf, creditSchema, refusalOf } from '../entitlements/answers.ts';
import {
  type Answered,
  answerOf,
  type CallOptions,
  type EntitlementServices,
  findFeature,
  idempotencyOf,
  submit,
} from '../entitlements/entitlements.ts';
import { MICROS_PER_UNIT, toUnits } from '../lib/amounts.ts';

export const aiUsageSchema = z
  .object({
    id: z.string(),
    workspaceId: z.string(),
    type: z.enum(['TEXT_CHAT', 'IMAGE_GENERATION']),
    points: z.int(),
    freePoints: z.int(),
    paidPoints: z.int(),
    pageId: z.string(),
    description: z.string().nullable(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    creditUsageId: z.string().nullable(),
    creditCost: z.number(),
    credit: creditSchema,
  })
  .meta({ id: 'AIUsageAnswer' });
export type AIUsage = z.infer<typeof aiUsageSchema>;

export type AIUseInput = AIWork & { workspaceId: string; points: number; description?: string | undefined };

/** Charges AI work in whole points: free points first, the rest is paid with credits. Throws the refusal. */
export async function useAI(
  { engine, catalog }: EntitlementServices,
  input: AIUseInput,
  options: CallOptions = {},
): Promise<Answered<AIUsage>> {
  const amount = BigInt(input.points) * MICROS_PER_UNIT;
  findFeature(catalog, AI_POINTS, amount);
  const asked = {
    type: 'USE',
    workspaceId: input.workspaceId,
    featureCode: AI_POINTS,
    amount,
    description: input.description ?? null,
    ai: { type: input.type, pageId: input.pageId },
    idempotency: idempotencyOf(options.idempotencyKey, 'ai', input),
  } as const;
  const { decision, replayed } = await submit(engine, asked, options);
  return { value: answerOf(() => aiUsageOf(decision), replayed), replayed };
}

function aiUsageOf(decision: Decision): AIUsage {
  if (decision.code !== null) throw refusalOf(decision);
  const { ai, balance, description } = decision.reasons;
  const createdAt = new Date(decision.createdAt).toISOString();
  return {
    id: decision.id,
    workspaceId: decision.workspaceId,
    type: ai!.type,
    points: toUnits(decision.amount),
    freePoints: toUnits(decision.fromAllowance),
    paidPoints: toUnits(decision.fromCredits),
    pageId: ai!.pageId,
    description: description ?? null,
    createdAt,
    updatedAt: createdAt,
    creditUsageId: decision.creditCost > 0n ? decision.id : null,
    creditCost: toUnits(decision.creditCost),
    credit: creditOf(balance),
  };
}
