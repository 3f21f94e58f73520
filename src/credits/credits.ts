import { z } from 'zod';
import { type Answered, type CallOptions, idempotencyOf, submit } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import type { Decision } from '../engine/operations.ts';
import { type Micros, toMicros, toUnits } from '../lib/amounts.ts';
import { toIso } from '../lib/times.ts';

export const grantSchema = z
  .object({
    id: z.string(),
    workspaceId: z.string(),
    type: z.enum(['PURCHASE', 'PROMOTION', 'ADJUSTMENT', 'PLAN', 'OPENING']),
    amount: z.number(),
    remaining: z.number(),
    priority: z.int(),
    expiresAt: z.iso.datetime().nullable(),
    description: z.string(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'CreditGrantAnswer' });
export type Grant = z.infer<typeof grantSchema>;

export type GrantInput = {
  workspaceId: string;
  amount: Micros;
  type: 'PROMOTION' | 'ADJUSTMENT';
  description: string;
  /** Epoch milliseconds. */
  expiresAt?: number | null | undefined;
  priority: number;
};

/** Gives credits that nobody paid for. Spending order: lower priority number, sooner expiry, older. */
export async function grantCredits(
  { engine }: { engine: Engine },
  input: GrantInput,
  options: CallOptions = {},
): Promise<Answered<Grant>> {
  const asked = {
    type: 'GRANT',
    workspaceId: input.workspaceId,
    amount: input.amount,
    grantType: input.type,
    priority: input.priority,
    expiresAt: input.expiresAt ?? null,
    description: input.description,
    creditRecordId: null,
    idempotency: idempotencyOf(options, 'grant', input),
  } as const;
  const { decision, replayed } = await submit(engine, asked, options);
  return { value: grantOf(decision), replayed };
}

/** What was paid for is spent before gifts of the same priority only if it expires sooner: one rule for all grants. */
const PAID_PRIORITY = 50;

/** Grants what a purchase bought, in the transaction that books the purchase. */
export async function grantPurchase(
  { engine }: { engine: Engine },
  input: {
    workspaceId: string;
    credits: Micros;
    creditRecordId: string;
    description: string;
    expiresAt: number | null;
  },
  transaction: NonNullable<CallOptions['transaction']>,
): Promise<Grant> {
  return grantIn(engine, transaction, { ...input, type: 'PURCHASE' });
}

/** Grants what comes with a month of a plan, in the transaction that notes that it is given. */
export async function grantPlanCredits(
  { engine }: { engine: Engine },
  input: { workspaceId: string; credits: Micros; description: string; expiresAt: number },
  transaction: NonNullable<CallOptions['transaction']>,
): Promise<Grant> {
  return grantIn(engine, transaction, { ...input, type: 'PLAN', creditRecordId: null });
}

async function grantIn(
  engine: Engine,
  transaction: NonNullable<CallOptions['transaction']>,
  {
    type,
    credits,
    ...input
  }: {
    type: 'PURCHASE' | 'PLAN';
    workspaceId: string;
    credits: Micros;
    creditRecordId: string | null;
    description: string;
    expiresAt: number | null;
  },
): Promise<Grant> {
  const { decision } = await engine.submitIn(transaction, {
    ...input,
    type: 'GRANT',
    amount: credits,
    grantType: type,
    priority: PAID_PRIORITY,
    idempotency: null,
  });
  return grantOf(decision);
}

function grantOf(decision: Decision): Grant {
  const { grant, description, clawedBack = [] } = decision.reasons;
  // A purchase may have paid what earlier ones owed.
  const taken = clawedBack.reduce((sum, { amount }) => sum + toMicros(amount)!, 0n);
  return {
    id: decision.id,
    workspaceId: decision.workspaceId,
    type: grant!.type,
    amount: toUnits(decision.amount),
    remaining: toUnits(decision.amount - taken),
    priority: grant!.priority,
    expiresAt: grant!.expiresAt,
    description: description!,
    createdAt: toIso(decision.createdAt),
  };
}
