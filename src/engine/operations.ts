import type { ModelWork } from '../catalog/ai/price.ts';
import type { Plan } from '../catalog/types.ts';
import type { Micros } from '../lib/amounts.ts';
import type { Code } from '../lib/errors.ts';
import type { Grant, GrantType, Hold, Lot } from './state.ts';
import type { AIWork } from './work.ts';

/** One thing asked of the engine. Its id is given before it is decided, and is the id of all its rows. */
export type Operation =
  | UseOperation
  | HoldOperation
  | ProgressOperation
  | SettleOperation
  | ReleaseOperation
  | GrantOperation
  | RefundOperation
  | ExpireOperation
  | ClawBackOperation;

type Asked = {
  id: string;
  workspaceId: string;
  /** The client's key; the fingerprint says what was asked with it. A kept refusal names the request that it answered. */
  idempotency: { key: string; fingerprint: string; requestId?: string } | null;
};

export type UseOperation = Asked & {
  type: 'USE';
  featureCode: string;
  amount: Micros;
  /** What a model did: the amount is what that comes to when it is decided, whatever is said above. */
  work?: ModelWork;
  description: string | null;
  ai: AIWork | null;
};

/** Reserves an amount before the work, as a use would take it. */
export type HoldOperation = Asked & {
  type: 'HOLD';
  featureCode: string;
  amount: Micros;
  /** What a model is to do: as for a use. */
  work?: ModelWork;
  ttlMs: number;
  onExpire: Hold['onExpire'];
  ai: AIWork | null;
};

/** Says how much of a hold is used by now, and lets it live longer: by its own lifetime, if no other is given. */
export type ProgressOperation = Asked & {
  type: 'PROGRESS';
  holdId: string;
  amount: Micros;
  /** What the hold's model has done in all: the amount is what that comes to at the hold's price. */
  work?: Omit<ModelWork, 'model'>;
  ttlMs: number | null;
};

/** Ends a hold with what the work came to: it is used, and the rest goes back. */
export type SettleOperation = Asked & {
  type: 'SETTLE';
  holdId: string;
  amount: Micros;
  /** As for a progress. */
  work?: Omit<ModelWork, 'model'>;
};

/** Ends a hold of which nothing was used. */
export type ReleaseOperation = Asked & { type: 'RELEASE'; holdId: string };

export type OfHold = ProgressOperation | SettleOperation | ReleaseOperation;

export type GrantOperation = Asked & {
  type: 'GRANT';
  amount: Micros;
  grantType: GrantType;
  priority: number;
  expiresAt: number | null;
  description: string;
  /** The purchase that this grant belongs to. */
  creditRecordId: string | null;
};

/** Gives a use back to where it came from. */
export type RefundOperation = Asked & { type: 'REFUND'; useId: string; reason: string | null };

/** Takes what has expired out of the balance. */
export type ExpireOperation = Asked & { type: 'EXPIRE' };

/** Of what a purchase gave, so many credits are to be taken back in all: asking for the same again changes nothing. */
export type ClawBackOperation = Asked & {
  type: 'CLAW_BACK';
  /** Its CreditRecord, or the grant of what has none: the credits of a plan. */
  purchaseId: string;
  amount: Micros;
};

/** What a claw back has to know of the purchase: read with the state, under the workspace's lock. */
export type ReversedPurchase = {
  lot: Lot;
  amount: Micros;
  /** How much of it has been reversed by now. */
  reversed: Micros;
  /** By uses that were not refunded, and for what earlier purchases owed. */
  spent: Micros;
};

/** What a refund has to know of the use: read with the state, at the same version. */
export type RefundedUse = {
  decision: Decision;
  refunded: boolean;
  /** The grants that paid, as they stand now, used up or not. */
  grants: readonly Grant[];
};

/** What an operation of a hold has to know of one that is not open any more. */
export type EndedHold = { endedAs: 'SETTLED' | 'RELEASED' };

/** The engine's answer to an operation, kept for ever. A repeat is answered from it, word for word. */
export type Decision = {
  id: string;
  workspaceId: string;
  operation: 'OPENING' | Operation['type'];
  featureCode: string | null;
  amount: Micros;
  /** Null: allowed. */
  code: Code | null;
  fromAllowance: Micros;
  fromCredits: Micros;
  creditCost: Micros;
  /** The period that fromAllowance was counted in. */
  periodStart: number | null;
  refundOf: string | null;
  plan: Plan;
  catalogVersion: string;
  idempotency: { key: string; fingerprint: string } | null;
  reasons: Reasons;
  createdAt: number;
};

/** Everything else that explains a decision. Kept as JSON: amounts are numbers, times ISO 8601. */
export type Reasons = {
  /** Credits of the workspace after the decision. */
  balance: number;
  /** Of it, what is held. Nothing, if it is not said. */
  held?: number;
  /** Which grants paid, are held, expired, or were given back, and how much. */
  sources?: Source[];
  description?: string;
  /** The allowance as it stood after the decision. */
  allowance?: AllowanceReason;
  /** Credits per unit beyond the allowance. */
  creditsPerUnit?: number;
  ai?: AIWork;
  grant?: { type: GrantType; priority: number; expiresAt: string | null; creditRecordId?: string };
  /** Of a refusal that is kept for its key: the request that it was answered to, named again in every repeat. */
  requestId?: string;
  /** The details of a refusal. */
  refusal?: Record<string, unknown>;
  /** What was taken back from grants because payments were reversed. */
  clawedBack?: ClawedBack[];
  /** How what is owed of reversed purchases, and open, has changed. */
  debts?: { grantId: string; amount: number }[];
  /** Of a claw back: the purchase, by its record if it has one, and how much of it was reversed before. */
  reversal?: { creditRecordId?: string; grantId: string; before: number };
  /** The hold, as it is with this decision. */
  hold?: HoldReason;
  /** Of a settled hold: what was used and could not be paid. */
  shortfall?: number;
  /** What a hold gave back to grants that were over by then, and so is gone. */
  lapsed?: Source[];
  /** When it took effect, if it was booked later: a hold that has expired ends at its own time. */
  at?: string;
  /** Of the use that a refund gave back. */
  refunded?: { creditUsage: boolean; ai: boolean };
};

/** `expired`: it was given back to a grant that had expired, and so is gone. */
export type Source = { grantId: string; amount: number; expired?: true };

/**
 * Below zero: it went back. `for`: it pays what that grant's purchase owed. `expired`: the grant was over, so that it
 * leaves what has expired, or joins it, and no balance.
 */
export type ClawedBack = { grantId: string; amount: number; for?: string; expired?: true };

export type HoldReason = {
  id: string;
  amount: number;
  fromAllowance: number;
  fromCredits: number;
  creditCost: number;
  progressAmount: number;
  expiresAt: string;
  ttlSeconds: number;
  onExpire: Hold['onExpire'];
  createdAt: string;
  /** What it is counted in; null: nothing is counted. */
  period: { start: string; end: string | null } | null;
  /** It ended by itself. */
  expired?: true;
};

export type AllowanceReason = {
  limit: number | null;
  used: number;
  /** Nothing, if it is not said. */
  held?: number;
  remaining: number | null;
  resetsAt: string | null;
};
