import { z } from 'zod';
import { pricedWorkSchema } from '../catalog/ai/schemas.ts';
import { plain } from '../db/list.ts';
import type { Db } from '../db/pool.ts';
import { GrantType, OperationType, PlanType } from '../db/types.ts';
import { decisionOf } from '../engine/decisions.ts';
import type { Decision, Reasons } from '../engine/operations.ts';
import { refusalOf } from '../entitlements/answers.ts';
import { CODES, type Code, Refusal } from '../lib/errors.ts';
import { type DecisionRow, type GrantRow, readDecision } from './store.ts';
import { whyOf } from './why.ts';

const CODE_NAMES = Object.keys(CODES) as [Code, ...Code[]];
const time = z.iso.datetime();

/** A decision in a list: what was asked and what came of it. */
export const decisionSchema = z
  .object({
    id: z.string(),
    workspaceId: z.string(),
    operation: z.enum(OperationType),
    allowed: z.boolean(),
    code: z.enum(CODE_NAMES).nullable().meta({ description: 'Null, or why it was refused.' }),
    featureCode: z.string().nullable(),
    amount: z.number(),
    fromAllowance: z.number(),
    fromCredits: z.number().meta({ description: 'Units of the feature that credits paid for.' }),
    creditCost: z.number().meta({ description: 'Credits.' }),
    periodStart: time.nullable().meta({ description: 'The period that fromAllowance was counted in.' }),
    refundOf: z.string().nullable(),
    plan: z.enum(PlanType),
    catalogVersion: z.string().meta({ description: 'GET /v1/catalog?version= shows what was in it.' }),
    idempotencyKey: z.string().nullable(),
    createdAt: time,
  })
  .meta({ id: 'Decision' });

const sourceSchema = z.object({
  grantId: z.string(),
  amount: z.number(),
  expired: z.boolean().meta({ description: 'Of a refund: given back to a grant that was over by then.' }),
  type: z.enum(GrantType).nullable(),
  description: z.string().nullable(),
  priority: z.int().nullable(),
  expiresAt: time.nullable(),
});

/** A decision with all its reasons. */
export const explainedDecisionSchema = z
  .object({
    ...decisionSchema.shape,
    why: z.string().meta({ description: 'The reasons in a sentence.' }),
    description: z.string().nullable(),
    allowance: z
      .object({
        limit: z.number().nullable(),
        used: z.number(),
        held: z.number(),
        remaining: z.number().nullable(),
        resetsAt: time.nullable(),
      })
      .nullable()
      .meta({ description: 'The allowance after the decision; a null limit: unlimited, or not counted.' }),
    credits: z.object({
      balance: z.number().meta({ description: 'Credits of the workspace after the decision.' }),
      held: z.number().meta({ description: 'What open holds keep of them.' }),
      creditsPerUnit: z.number().nullable().meta({ description: 'The price beyond the allowance.' }),
      sources: z
        .array(sourceSchema)
        .meta({ description: 'Grants that paid, are held, expired or got back, in spending order.' }),
      lapsed: z
        .array(z.object({ grantId: z.string(), amount: z.number() }))
        .meta({ description: 'What a hold gave back to grants that were over by then.' }),
      clawedBack: z
        .array(
          z.object({
            grantId: z.string(),
            amount: z.number().meta({ description: 'Taken from the grant; below zero, it went back.' }),
            for: z.string().nullable().meta({ description: 'The grant whose purchase owed it, if another.' }),
            expired: z.boolean().meta({ description: 'The grant was over: no balance has changed.' }),
          }),
        )
        .meta({ description: 'What was taken back because payments were reversed.' }),
      debts: z
        .array(z.object({ grantId: z.string(), amount: z.number() }))
        .meta({ description: 'What is owed of reversed purchases, more or less than before.' }),
    }),
    ai: z
      .object({
        type: z.string(),
        pageId: z.string(),
        work: pricedWorkSchema
          .nullable()
          .meta({ description: 'What a model did, and all that its points are made of.' }),
      })
      .nullable(),
    hold: z
      .object({
        id: z.string(),
        amount: z.number(),
        fromAllowance: z.number(),
        fromCredits: z.number(),
        creditCost: z.number(),
        progressAmount: z.number(),
        expiresAt: time,
        onExpire: z.enum(['release', 'settle']),
        expired: z.boolean().meta({ description: 'It ended by itself.' }),
        shortfall: z.number().meta({ description: 'What was used beyond it and could not be paid.' }),
      })
      .nullable()
      .meta({ description: 'The hold that was taken, reported on, settled or released.' }),
    reversal: z
      .object({ creditRecordId: z.string().nullable(), grantId: z.string(), before: z.number() })
      .nullable()
      .meta({ description: 'Of a claw back: the purchase, and what was reversed of it before.' }),
    grant: z
      .object({
        type: z.enum(GrantType),
        priority: z.int(),
        expiresAt: time.nullable(),
        creditRecordId: z.string().nullable(),
      })
      .nullable(),
    refusal: z
      .object({
        code: z.enum(CODE_NAMES),
        message: z.string(),
        details: z.record(z.string(), z.unknown()),
      })
      .nullable(),
    refundedBy: z.string().nullable().meta({ description: 'The refund that gave it back.' }),
    opening: z
      .object({ balance: z.string(), total: z.string(), totalUsage: z.string() })
      .nullable()
      .meta({ description: 'The figures of a wallet that is older than Tollgate, to the last digit.' }),
  })
  .meta({ id: 'ExplainedDecision' });
export type ExplainedDecision = z.infer<typeof explainedDecisionSchema>;

/** Why: a decision with everything that it was made of. */
export async function explainDecision(db: Db, id: string): Promise<ExplainedDecision> {
  const found = await readDecision(db, id);
  if (found === undefined) {
    throw new Refusal('not_found', `There is no decision ${JSON.stringify(id)}.`, { param: 'id' });
  }
  const decision = decisionOf(found.decision as Parameters<typeof decisionOf>[0]);
  const { reasons } = decision;
  return {
    ...answerDecision(found.decision),
    why: whyOf(decision),
    description: reasons.description ?? null,
    allowance: reasons.allowance === undefined ? null : { held: 0, ...reasons.allowance },
    credits: {
      balance: Number(reasons.balance),
      held: reasons.held ?? 0,
      creditsPerUnit: reasons.creditsPerUnit ?? null,
      sources: sourcesOf(reasons, found.grants),
      lapsed: reasons.lapsed ?? [],
      clawedBack: (reasons.clawedBack ?? []).map((entry) => ({ for: null, expired: false, ...entry })),
      debts: reasons.debts ?? [],
    },
    ai: reasons.ai === undefined ? null : { work: null, ...reasons.ai },
    hold: explainHold(reasons),
    reversal: reasons.reversal === undefined ? null : { creditRecordId: null, ...reasons.reversal },
    grant: reasons.grant === undefined ? null : { creditRecordId: null, ...reasons.grant },
    refusal: decision.code === null ? null : explainRefusal(decision),
    refundedBy: found.refundId,
    opening: decision.operation === 'OPENING' ? (reasons as unknown as ExplainedDecision['opening']) : null,
  };
}

/** A Decision row as it stands in a list. */
export function answerDecision(row: DecisionRow): z.infer<typeof decisionSchema> {
  const { reasons: _reasons, fingerprint: _fingerprint, code, ...columns } = row;
  return {
    ...plain(columns, 'amount', 'fromAllowance', 'fromCredits', 'creditCost'),
    allowed: code === null,
    code: code as Code | null,
  };
}

function sourcesOf({ sources = [] }: Reasons, grants: readonly GrantRow[]): z.infer<typeof sourceSchema>[] {
  const byId = new Map(grants.map((grant) => [grant.id, grant]));
  return sources.map(({ grantId, amount, expired = false }) => {
    const grant = byId.get(grantId);
    return {
      grantId,
      amount,
      expired,
      type: grant?.type ?? null,
      description: grant?.description ?? null,
      priority: grant?.priority ?? null,
      expiresAt: grant?.expiresAt?.toISOString() ?? null,
    };
  });
}

function explainHold({ hold, shortfall = 0 }: Reasons): ExplainedDecision['hold'] {
  if (hold === undefined) return null;
  const { ttlSeconds: _ttlSeconds, createdAt: _createdAt, period: _period, ...shown } = hold;
  return { expired: false, ...shown, shortfall };
}

function explainRefusal(decision: Decision): NonNullable<ExplainedDecision['refusal']> {
  const { code, message, details = {} } = refusalOf(decision);
  return { code, message, details };
}
