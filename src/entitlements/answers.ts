import { z } from 'zod';
import type { Answer } from '../engine/batch.ts';
import type { Answered } from '../engine/call.ts';
import type { Decision, Reasons } from '../engine/operations.ts';
import { toMicros, toUnits } from '../lib/amounts.ts';
import { type Code, Refusal } from '../lib/errors.ts';
import { toIso } from '../lib/times.ts';

/** The wallet in an answer: what is held of the balance is not available. */
export const creditSchema = z.object({ balance: z.number(), held: z.number(), available: z.number() });
export type CreditAnswer = z.infer<typeof creditSchema>;

export function creditOf({ balance, held = 0 }: Pick<Reasons, 'balance' | 'held'>): CreditAnswer {
  return { balance, held, available: available(balance, held) };
}

/** Exact: the difference of two numbers of six decimals may have more of them. */
function available(balance: number, held: number): number {
  return held === 0 ? balance : toUnits(toMicros(balance)! - toMicros(held)!);
}

export const usageSchema = z
  .object({
    id: z.string(),
    status: z.enum(['SUCCEEDED', 'REFUNDED']),
    workspaceId: z.string(),
    featureCode: z.string(),
    amount: z.number(),
    fromAllowance: z.number(),
    fromCredits: z.number(),
    creditCost: z.number(),
    creditUsageId: z.string().nullable(),
    used: z.number().meta({ description: 'Allowance used in the present period.' }),
    remaining: z.number().nullable().meta({ description: 'Allowance left; null: unlimited.' }),
    credit: creditSchema,
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Usage' });
export type Usage = z.infer<typeof usageSchema>;

/** What was used, as an answer says it: by a use, or by a hold that was settled. */
export function usedOf(decision: Decision): Usage {
  return { id: decision.id, status: 'SUCCEEDED', ...usageFields(decision) };
}

/** The answer to a use, from the decision that was kept: the first time and at every repeat. Throws its refusal. */
export function usageOf({ decision, replayed }: Answer): Answered<Usage> {
  if (decision.code !== null) throw refusalOf(decision, replayed);
  return { value: usedOf(decision), replayed };
}

/** The answer to a refund: the use as it is now. */
export function refundedUsageOf({ decision: refund, replayed }: Answer): Answered<Usage> {
  if (refund.code !== null) throw refusalOf(refund, replayed);
  return { value: { id: refund.refundOf!, status: 'REFUNDED', ...usageFields(refund) }, replayed };
}

function usageFields(decision: Decision): Omit<Usage, 'id' | 'status'> {
  const { reasons } = decision;
  return {
    workspaceId: decision.workspaceId,
    featureCode: decision.featureCode!,
    amount: toUnits(decision.amount),
    fromAllowance: toUnits(decision.fromAllowance),
    fromCredits: toUnits(decision.fromCredits),
    creditCost: toUnits(decision.creditCost),
    // An operation's rows share its id.
    creditUsageId: decision.creditCost > 0n ? (decision.refundOf ?? decision.id) : null,
    used: reasons.allowance!.used,
    remaining: reasons.allowance!.remaining,
    credit: creditOf(reasons),
    createdAt: toIso(decision.createdAt),
  };
}

/** The refusal that a decision is, in words that say what to do. `replayed`: it is an earlier answer, given again. */
export function refusalOf(decision: Decision, replayed = false): Refusal {
  const code = decision.code!;
  // Sorted: made now or read again, where Postgres has chosen an order, the answer is the same to the byte.
  const details = Object.fromEntries(Object.entries(decision.reasons.refusal!).sort());
  if (code === 'insufficient_credits') details.creditUsageId = decision.id;
  return new Refusal(code, messageOf(code, decision, details), {
    details,
    replayed,
    requestId: decision.reasons.requestId,
  });
}

function messageOf(
  code: Code,
  { amount, featureCode, plan }: Decision,
  details: Record<string, unknown>,
): string {
  switch (code) {
    case 'feature_not_in_plan': {
      const plans = details.plansWithFeature as string[];
      const where = plans.length === 0 ? 'no plan has it' : `change to ${plans.join(' or ')}`;
      return `The plan ${plan} does not include ${featureCode}: ${where}.`;
    }
    case 'limit_reached': {
      const when =
        details.resetsAt === null ? 'it does not start anew' : `it starts anew at ${details.resetsAt}`;
      const used = `${details.used} of ${details.limit ?? 'unlimited'}`;
      const held = details.held === undefined ? '' : `, and ${details.held} held`;
      return details.affordable === 0
        ? `The allowance of ${featureCode} is used up (${used}${held}): ${when}.`
        : `${toUnits(amount)} is more than is left of the allowance of ${featureCode} (${used} is used${held}): ask for up to ${details.affordable}; ${when}.`;
    }
    default:
      return `This takes ${details.required} credits and ${details.available} are available: buy credits, or ask for up to ${details.affordable} of ${featureCode}.`;
  }
}
