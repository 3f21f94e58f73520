import { type QuotedWork, quoteWork } from '../catalog/ai/find.ts';
import {
  affordableImages,
  affordableOutput,
  type ModelWork,
  type WorkAsked,
  workOf,
} from '../catalog/ai/price.ts';
import type { Catalog, Feature } from '../catalog/types.ts';
import { type Answered, type CallOptions, idempotencyOf, submit } from '../engine/call.ts';
import { notWhole } from '../engine/decide.ts';
import type { Engine } from '../engine/engine.ts';
import { type Quote, quote } from '../engine/quote.ts';
import { planAt } from '../engine/state.ts';
import { balanceReason } from '../engine/step.ts';
import { MICROS_PER_UNIT, type Micros, toUnits } from '../lib/amounts.ts';
import type { Clock } from '../lib/clock.ts';
import { Refusal, type RefusalBody } from '../lib/errors.ts';
import { toIsoOrNull } from '../lib/times.ts';
import { creditOf, refundedUsageOf, type Usage, usageOf } from './answers.ts';

export type EntitlementServices = { engine: Engine; catalog: Catalog; clock: Clock };

export type UseInput = {
  workspaceId: string;
  featureCode: string;
  amount: Micros;
  description?: string | undefined;
};

/** Uses a feature: all of the amount or nothing of it, allowance first, then credits. Throws the refusal. */
export async function use(
  services: EntitlementServices,
  input: UseInput,
  options: CallOptions = {},
): Promise<Answered<Usage>> {
  const { featureCode, amount } = input;
  findFeature(services.catalog, featureCode, amount);
  const asked = {
    type: 'USE',
    workspaceId: input.workspaceId,
    featureCode,
    amount,
    description: input.description ?? null,
    ai: null,
    idempotency: idempotencyOf(options, 'use', input),
  } as const;
  return usageOf(await submit(services.engine, asked, options));
}

export type BatchItem = UseInput & { idempotencyKey: string };
export type BatchResult = { ok: true; usage: Usage } | { ok: false; error: RefusalBody };

/** Uses for many at once, in the order sent; a refusal of one never touches another. */
export async function useBatch(
  services: EntitlementServices,
  items: readonly BatchItem[],
): Promise<BatchResult[]> {
  const results = await Promise.allSettled(
    items.map(({ idempotencyKey, ...input }) => use(services, input, { idempotencyKey })),
  );
  return results.map((result) => {
    if (result.status === 'fulfilled') return { ok: true, usage: result.value.value };
    if (result.reason instanceof Refusal) return { ok: false, error: result.reason.toBody() };
    throw result.reason;
  });
}

/** Gives a use back: allowance, points and credits go where they came from. */
export async function refundUse(
  { engine }: EntitlementServices,
  input: { id: string; reason?: string | undefined },
  options: CallOptions = {},
): Promise<Answered<Usage>> {
  const asked = {
    type: 'REFUND',
    workspaceId: await engine.workspaceOf(input.id, options.transaction),
    useId: input.id,
    reason: input.reason ?? null,
    idempotency: idempotencyOf(options, 'refund', input),
  } as const;
  return refundedUsageOf(await submit(engine, asked, options));
}

export type Check = {
  allowed: boolean;
  code: string | null;
  featureCode: string;
  amount: number;
  plan: string;
  fromAllowance: number;
  fromCredits: number;
  creditCost: number;
  affordable: number;
  affordableOutputTokens?: number | null;
  affordableImages?: number;
  limit: number | null;
  used: number;
  remaining: number | null;
  resetsAt: string | null;
  credit: { balance: number; held: number; available: number };
};

/** What is asked about: an amount, 1 if nothing is said, or what a model is to do. */
export type CheckInput = WorkAsked & {
  workspaceId: string;
  featureCode: string;
  amount?: Micros | undefined;
};

/** What the same use would be answered now. Changes nothing. */
export async function check(
  { engine, catalog, clock }: EntitlementServices,
  { workspaceId, featureCode, amount: said = MICROS_PER_UNIT, ...asked }: CheckInput,
): Promise<Check> {
  const now = clock.now().getTime();
  const work = workOf(asked);
  const priced = work === null ? null : quoteWork(catalog.ai, work, now);
  const amount = priced?.points ?? said;
  const feature = findFeature(catalog, featureCode, amount);
  const state = await engine.state(workspaceId);
  const context = { catalog, now, plan: planAt(state, now) };
  const quoted = quote(state, feature, amount, context);
  const { limit, used, remaining, resetsAt } = quoted.allowance;
  return {
    allowed: quoted.code === null,
    code: quoted.code,
    featureCode: feature.code,
    amount: toUnits(amount),
    plan: context.plan,
    fromAllowance: toUnits(quoted.fromAllowance),
    fromCredits: toUnits(quoted.fromCredits),
    creditCost: toUnits(quoted.creditCost),
    affordable: toUnits(quoted.affordable),
    ...(work === null ? {} : affordableWork(work, priced!, quoted)),
    limit: limit === null ? null : toUnits(limit),
    used: toUnits(used),
    remaining: remaining === null ? null : toUnits(remaining),
    resetsAt: toIsoOrNull(resetsAt),
    credit: creditOf(balanceReason(state)),
  };
}

/** How much more a model may do with what there is, so that callers can ask for less instead of being refused. */
function affordableWork(work: ModelWork, { price }: QuotedWork, { affordable }: Quote): Partial<Check> {
  return work.images === undefined
    ? { affordableOutputTokens: affordableOutput(price, work, affordable) }
    : { affordableImages: affordableImages(price, work, affordable) };
}

/** The feature of a request, and whether it can be used in such an amount. */
export function findFeature(catalog: Catalog, featureCode: string, amount: Micros): Feature {
  const feature = catalog.features.get(featureCode);
  if (feature === undefined) {
    throw new Refusal(
      'feature_unknown',
      `The catalog has no feature ${JSON.stringify(featureCode)}: see GET /v1/catalog.`,
      {
        param: 'featureCode',
      },
    );
  }
  if (feature.whole && amount % MICROS_PER_UNIT !== 0n) {
    throw notWhole(featureCode);
  }
  return feature;
}
