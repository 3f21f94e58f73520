import { z } from 'zod';
import { type WorkAsked, workOf } from '../catalog/ai/price.ts';
import { pricedWorkSchema } from '../catalog/ai/schemas.ts';
import { AI_POINTS } from '../catalog/types.ts';
import type { Answer } from '../engine/batch.ts';
import { type Answered, type CallOptions, idempotencyOf, submit } from '../engine/call.ts';
import type { Decision } from '../engine/operations.ts';
import type { AIWork, PricedWork } from '../engine/work.ts';
import { creditOf, creditSchema, refusalOf } from '../entitlements/answers.ts';
import { type EntitlementServices, findFeature } from '../entitlements/entitlements.ts';
import { MICROS_PER_UNIT, toUnits } from '../lib/amounts.ts';
import { toIso } from '../lib/times.ts';

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
    work: pricedWorkSchema
      .optional()
      .meta({ description: 'What a model did, and its price, if it was named.' }),
  })
  .meta({ id: 'AIUsageAnswer' });
export type AIUsage = z.infer<typeof aiUsageSchema>;

/** Either whole points, or what a model did. */
export type AIUseInput = Pick<AIWork, 'type' | 'pageId'> &
  WorkAsked & {
    workspaceId: string;
    points?: number | undefined;
    description?: string | undefined;
  };

/**
 * Charges AI work in whole points, which are said, or made of what a model did: free points first, the rest is paid with
 * credits. Throws the refusal.
 */
export async function useAI(
  { engine, catalog }: EntitlementServices,
  input: AIUseInput,
  options: CallOptions = {},
): Promise<Answered<AIUsage>> {
  const amount = BigInt(input.points ?? 0) * MICROS_PER_UNIT;
  findFeature(catalog, AI_POINTS, amount);
  const work = workOf(input);
  const asked = {
    type: 'USE',
    workspaceId: input.workspaceId,
    featureCode: AI_POINTS,
    amount,
    ...(work === null ? {} : { work }),
    description: input.description ?? null,
    ai: { type: input.type, pageId: input.pageId },
    idempotency: idempotencyOf(options, 'ai', input),
  } as const;
  return aiUsageOf(await submit(engine, asked, options));
}

function aiUsageOf({ decision, replayed }: Answer): Answered<AIUsage> {
  if (decision.code !== null) throw refusalOf(decision, replayed);
  return { value: aiUsedOf(decision), replayed };
}

/** What AI work took, as an answer says it: of a use, or of a hold that was settled. */
export function aiUsedOf(decision: Decision): AIUsage {
  const { ai, description } = decision.reasons;
  const createdAt = toIso(decision.createdAt);
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
    credit: creditOf(decision.reasons),
    ...workAnswer(ai!.work),
  };
}

/**
 * What a model did, as an answer says it: with all fields in one order, so that made now or read again, where Postgres has
 * chosen one, the answer is the same to the byte.
 */
export function workAnswer(work: PricedWork | null | undefined): Pick<AIUsage, 'work'> {
  return work === null || work === undefined ? {} : { work: inOrder(work) as AIUsage['work'] };
}

function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(inOrder);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(
    fields.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, field]) => [name, inOrder(field)]),
  );
}
