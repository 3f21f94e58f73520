import { z } from 'zod';
import { aiUsageSchema, aiUsedOf, workAnswer } from '../ai/ai.ts';
import { type WorkAsked, workOf } from '../catalog/ai/price.ts';
import { pricedWorkSchema } from '../catalog/ai/schemas.ts';
import { AI_POINTS } from '../catalog/types.ts';
import { plain } from '../db/list.ts';
import type { Db } from '../db/pool.ts';
import { holdNotFound } from '../engine/batch.ts';
import { type Answered, type CallOptions, idempotencyOf, submit } from '../engine/call.ts';
import type { Decision } from '../engine/operations.ts';
import type { AIWork, PricedWork } from '../engine/work.ts';
import { creditOf, creditSchema, refusalOf, usageSchema, usedOf } from '../entitlements/answers.ts';
import { type EntitlementServices, findFeature } from '../entitlements/entitlements.ts';
import { type Micros, toUnits } from '../lib/amounts.ts';
import { Refusal } from '../lib/errors.ts';
import { type HoldRow, readHold } from './store.ts';

export type HoldServices = EntitlementServices & { db: Db };

const fields = {
  id: z.string(),
  status: z.enum(['HELD', 'SETTLED', 'RELEASED']),
  workspaceId: z.string(),
  featureCode: z.string(),
  amount: z.number(),
  fromAllowance: z.number(),
  fromCredits: z.number(),
  creditCost: z.number().meta({ description: 'Credits that are held, or were.' }),
  settledAmount: z.number().nullable().meta({ description: 'What was charged in the end.' }),
  progressAmount: z.number().meta({ description: 'What was reported as used while it was open.' }),
  expiresAt: z.iso.datetime(),
  onExpire: z.enum(['release', 'settle']),
  ai: z
    .object({
      type: z.enum(['TEXT_CHAT', 'IMAGE_GENERATION']),
      pageId: z.string(),
      work: pricedWorkSchema.optional().meta({
        description: 'Of a model: what it is to do, or has done as last said, at the price that is kept.',
      }),
    })
    .nullable(),
  createdAt: z.iso.datetime(),
};

/** A hold as an operation leaves it, with the wallet of then. */
export const holdSchema = z.object({ ...fields, credit: creditSchema }).meta({ id: 'HoldAnswer' });
export type Hold = z.infer<typeof holdSchema>;

export const settledHoldSchema = z
  .object({
    ...holdSchema.shape,
    usage: z
      .union([usageSchema, aiUsageSchema])
      .nullable()
      .meta({ description: 'What was used, to be refunded by its id like any use; null if it was nothing.' }),
    shortfall: z.number().meta({ description: 'What was used beyond the hold and could not be paid.' }),
  })
  .meta({ id: 'SettledHold' });
export type SettledHold = z.infer<typeof settledHoldSchema>;

/** A hold in a list, as it is now. */
export const holdRowSchema = z
  .object({
    ...fields,
    creditsPerUnit: z.number().nullable().meta({ description: 'The price that it was held at.' }),
    endedBy: z
      .string()
      .nullable()
      .meta({ description: 'The decision that settled or released it, and the id of its usage.' }),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Hold' });
export type HoldState = z.infer<typeof holdRowSchema>;

export type HoldInput = {
  workspaceId: string;
  featureCode: string;
  amount?: Micros | undefined;
  ttlSeconds: number;
  onExpire: 'release' | 'settle';
  /** With a model: what that is to do at most is held, in place of an amount. */
  ai?: (Pick<AIWork, 'type' | 'pageId'> & WorkAsked) | undefined;
};

/** What is used in all by now: an amount, or what the hold's model has done. */
type Used = Omit<WorkAsked, 'model'> & { amount?: Micros | undefined };

/** Reserves an amount before the work, all of it or nothing, from what a use would take it from. Throws the refusal. */
export async function hold(
  { engine, catalog }: HoldServices,
  input: HoldInput,
  options: CallOptions = {},
): Promise<Answered<Hold>> {
  const { workspaceId, featureCode, amount = 0n, ttlSeconds, onExpire } = input;
  if (input.ai !== undefined && featureCode !== AI_POINTS) {
    throw new Refusal('invalid_request', `featureCode: AI work is held in ${AI_POINTS}.`, {
      param: 'featureCode',
    });
  }
  findFeature(catalog, featureCode, amount);
  const { type, pageId, ...asWork } = input.ai ?? {};
  const work = workOf(asWork);
  const ai = type === undefined ? null : { type, pageId: pageId! };
  const asked = {
    ...({ type: 'HOLD', workspaceId, featureCode, amount } as const),
    ...(work === null ? {} : { work }),
    ...{ ttlMs: ttlSeconds * 1000, onExpire, ai, idempotency: idempotencyOf(options, 'hold', input) },
  };
  const { decision, replayed } = await submit(engine, asked, options);
  if (decision.code !== null) throw refusalOf(decision, replayed);
  return { value: holdOf(decision), replayed };
}

/** Says how much is used by now, which is never less than before; the hold lives longer. */
export async function progress(
  { engine }: HoldServices,
  input: Used & { id: string; ttlSeconds?: number | undefined },
  options: CallOptions = {},
): Promise<Answered<Hold>> {
  const { id: holdId, ttlSeconds } = input;
  const asked = {
    ...({ type: 'PROGRESS', holdId, ...usedOfModel(input) } as const),
    workspaceId: await engine.workspaceOfHold(holdId, options.transaction),
    ttlMs: ttlSeconds === undefined ? null : ttlSeconds * 1000,
    idempotency: idempotencyOf(options, 'progress', input),
  };
  const { decision, replayed } = await submit(engine, asked, options);
  return { value: holdOf(decision), replayed };
}

/** Ends a hold with what the work came to, less or more than was held; the rest goes back. */
export async function settle(
  { engine }: HoldServices,
  input: Used & { id: string },
  options: CallOptions = {},
): Promise<Answered<SettledHold>> {
  const { id: holdId } = input;
  const asked = {
    ...({ type: 'SETTLE', holdId, ...usedOfModel(input) } as const),
    workspaceId: await engine.workspaceOfHold(holdId, options.transaction),
    idempotency: idempotencyOf(options, 'settle', input),
  };
  const { decision, replayed } = await submit(engine, asked, options);
  const shortfall = decision.reasons.shortfall ?? 0;
  return { value: { ...holdOf(decision), usage: usageOf(decision), shortfall }, replayed };
}

function usedOfModel({ amount = 0n, tokens, images }: Used) {
  if (tokens !== undefined) return { amount, work: { tokens } };
  return images === undefined ? { amount } : { amount, work: { images } };
}

/** Ends a hold of which nothing was used: all of it goes back. */
export async function release(
  { engine }: HoldServices,
  input: { id: string },
  options: CallOptions = {},
): Promise<Answered<Hold>> {
  const asked = {
    ...({ type: 'RELEASE', holdId: input.id } as const),
    workspaceId: await engine.workspaceOfHold(input.id, options.transaction),
    idempotency: idempotencyOf(options, 'release', input),
  };
  const { decision, replayed } = await submit(engine, asked, options);
  return { value: holdOf(decision), replayed };
}

/** A hold as it is now: one that has expired is not open, whether or not that was booked before. */
export async function getHold({ db, engine, clock }: HoldServices, id: string): Promise<HoldState> {
  const read = async (): Promise<HoldRow> => {
    const row = await readHold(db, id);
    if (row === undefined) throw holdNotFound(id);
    return row;
  };
  const row = await read();
  if (row.status !== 'HELD' || row.expiresAt > clock.now()) return answerHold(row);
  await engine.expire(row.workspaceId);
  return answerHold(await read());
}

/** A Hold row as it is answered. */
export function answerHold(row: HoldRow): HoldState {
  const {
    aiType: type,
    pageId,
    work,
    sources: _sources,
    ttlSeconds: _ttlSeconds,
    onExpire,
    ...columns
  } = row;
  const { periodStart: _periodStart, periodEnd: _periodEnd, ...shown } = columns;
  return {
    ...plain(
      shown,
      ...(['amount', 'fromAllowance', 'fromCredits', 'creditCost', 'creditsPerUnit'] as const),
      ...(['settledAmount', 'progressAmount'] as const),
    ),
    onExpire: onExpire as HoldState['onExpire'],
    ai: type === null ? null : { type, pageId: pageId!, ...workAnswer(work as PricedWork | null) },
  };
}

function aiOf({ type, pageId, work }: AIWork): NonNullable<Hold['ai']> {
  return { type, pageId, ...workAnswer(work) };
}

const STATUS = { HOLD: 'HELD', PROGRESS: 'HELD', SETTLE: 'SETTLED', RELEASE: 'RELEASED' } as const;

/** A hold as a decision leaves it, from the decision alone: a repeat is answered from it again, field by field. */
function holdOf({ operation, workspaceId, featureCode, amount, reasons }: Decision): Hold {
  const held = reasons.hold!;
  return {
    id: held.id,
    status: STATUS[operation as keyof typeof STATUS],
    workspaceId,
    featureCode: featureCode!,
    amount: held.amount,
    fromAllowance: held.fromAllowance,
    fromCredits: held.fromCredits,
    creditCost: held.creditCost,
    settledAmount: operation === 'SETTLE' ? toUnits(amount) : null,
    progressAmount: held.progressAmount,
    expiresAt: held.expiresAt,
    onExpire: held.onExpire,
    ai: reasons.ai === undefined ? null : aiOf(reasons.ai),
    createdAt: held.createdAt,
    credit: creditOf(reasons),
  };
}

function usageOf(decision: Decision): SettledHold['usage'] {
  if (decision.amount === 0n) return null;
  return decision.reasons.ai === undefined ? usedOf(decision) : aiUsedOf(decision);
}
