import { type Catalog, type Feature, PLANS, type Plan } from '../catalog/types.ts';
import { type Micros, min, SUM_MAX, toMicros, toUnits } from '../lib/amounts.ts';
import { Refusal } from '../lib/errors.ts';
import type {
  Decision,
  GrantOperation,
  Operation,
  Reasons,
  RefundedUse,
  RefundOperation,
  Source,
  UseOperation,
} from './operations.ts';
import {
  allowanceOf,
  allowanceReason,
  type Context,
  type Quote,
  quote,
  termsOf,
  UNCOUNTED,
} from './quote.ts';
import { bySpendingOrder, countUsed, type Grant, planAt, type State } from './state.ts';

export type Decided = {
  state: State;
  /** The answer, last; before it what had to be booked first, such as credits that had expired. */
  decisions: Decision[];
};

/**
 * Decides one operation: `(state, operation, catalog, now) -> (state', decisions)`. Pure: no clock, no database, no
 * randomness. A refusal that is kept is a decision with a code; one that leaves no trace is thrown as a Refusal.
 * The feature of a use is known to exist; a refund comes with the use that it gives back.
 */
export function decide(
  state: State,
  operation: Operation,
  catalog: Catalog,
  now: number,
  refundedUse?: RefundedUse,
): Decided {
  const context = { catalog, now, plan: planAt(state, now) };
  const expiry = expire(state, operation, context);
  const current = expiry?.state ?? state;
  const booked = expiry === null ? [] : [expiry.decision];
  const decided = answer(current, operation, context, refundedUse);
  return decided === null
    ? { state: current, decisions: booked }
    : { state: decided.state, decisions: [...booked, decided.decision] };
}

/** The id of the expiry that an operation found due; its own id stays free for its answer. */
export const expiryId = (operationId: string): string => `${operationId}_expiry`;

type Step = { state: State; decision: Decision };

function answer(
  state: State,
  operation: Operation,
  context: Context,
  refundedUse?: RefundedUse,
): Step | null {
  switch (operation.type) {
    case 'USE':
      return use(state, operation, context);
    case 'GRANT':
      return grant(state, operation, context);
    case 'REFUND':
      if (refundedUse === undefined) throw new Error('a refund is decided with the use that it gives back');
      return refund(state, operation, context, refundedUse);
    case 'EXPIRE':
      return null; // what was due has been booked before
  }
}

// ── Use ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function use(state: State, operation: UseOperation, context: Context): Step {
  const feature = context.catalog.features.get(operation.featureCode);
  if (feature === undefined) throw new Error(`feature ${operation.featureCode} was not checked`);
  const quoted = quote(state, feature, operation.amount, context);
  const asked = {
    ...decisionOf(operation, context),
    featureCode: operation.featureCode,
    amount: operation.amount,
  };
  const explained = {
    ...(operation.description === null ? {} : { description: operation.description }),
    ...(operation.ai === null ? {} : { ai: operation.ai }),
    ...(quoted.creditsPerUnit === null ? {} : { creditsPerUnit: toUnits(quoted.creditsPerUnit) }),
  };
  if (quoted.code !== null) {
    const reasons: Reasons = {
      balance: toUnits(state.wallet.balance),
      ...explained,
      allowance: allowanceReason(quoted.allowance),
      refusal: refusalDetails(quoted, feature, state, context),
    };
    return { state: nextVersion(state), decision: { ...asked, code: quoted.code, reasons } };
  }
  return take(state, asked, quoted, explained);
}

function take(state: State, asked: Decision, quoted: Quote, explained: Partial<Reasons>): Step {
  const { fromAllowance, fromCredits, creditCost, allowance } = quoted;
  const { grants, sources } = spend(state.grants, creditCost);
  const used = allowance.used + fromAllowance;
  const counted = allowance.periodStart !== null && fromAllowance > 0n;
  const after: State = {
    ...nextVersion(state),
    grants,
    wallet: {
      ...state.wallet,
      balance: state.wallet.balance - creditCost,
      totalUsage: state.wallet.totalUsage + creditCost,
    },
    usages: counted
      ? countUsed(state.usages, asked.featureCode!, {
          periodStart: allowance.periodStart!,
          used: fromAllowance,
        })
      : state.usages,
  };
  const reasons: Reasons = {
    balance: toUnits(after.wallet.balance),
    ...explained,
    allowance: allowanceReason({
      ...allowance,
      used: allowance.periodStart === null ? 0n : used,
      remaining: allowance.remaining === null ? null : allowance.remaining - fromAllowance,
    }),
    ...(sources.length === 0 ? {} : { sources }),
  };
  const periodStart = counted ? allowance.periodStart : null;
  return {
    state: after,
    decision: { ...asked, fromAllowance, fromCredits, creditCost, periodStart, reasons },
  };
}

/** Takes a cost from grants in spending order. They hold at least that much. */
function spend(grants: readonly Grant[], cost: Micros): { grants: readonly Grant[]; sources: Source[] } {
  const sources: Source[] = [];
  if (cost === 0n) return { grants, sources };
  const left: Grant[] = [];
  let due = cost;
  for (const grant of grants) {
    const taken = min(due, grant.remaining);
    due -= taken;
    if (taken > 0n) sources.push({ grantId: grant.id, amount: toUnits(taken) });
    if (taken === 0n) left.push(grant);
    else if (taken < grant.remaining) left.push({ ...grant, remaining: grant.remaining - taken });
  }
  if (due > 0n) throw new Error('grants hold less than the balance');
  return { grants: left, sources };
}

function refusalDetails(
  quoted: Quote,
  feature: Feature,
  state: State,
  context: Context,
): Record<string, unknown> {
  const affordable = toUnits(quoted.affordable);
  switch (quoted.code) {
    case 'feature_not_in_plan':
      return { plan: context.plan, plansWithFeature: plansWith(context.catalog, feature) };
    case 'limit_reached':
      return { ...allowanceReason(quoted.allowance), affordable };
    default:
      return { required: toUnits(quoted.creditCost), available: toUnits(state.wallet.balance), affordable };
  }
}

function plansWith(catalog: Catalog, feature: Feature): Plan[] {
  return PLANS.filter((name) => {
    const terms = catalog.plans.get(name);
    return terms !== undefined && (terms.switches.has(feature.code) || terms.meters.has(feature.code));
  });
}

// ── Grant ────────────────────────────────────────────────────────────────────────────────────────────────────────

function grant(state: State, operation: GrantOperation, context: Context): Step {
  const { amount, priority, expiresAt } = operation;
  if (expiresAt !== null && expiresAt <= context.now) {
    throw new Refusal('invalid_request', 'expiresAt must lie in the future.', { param: 'expiresAt' });
  }
  const total = state.wallet.total + amount;
  if (total > SUM_MAX) {
    throw new Refusal(
      'invalid_request',
      `All grants of a workspace add up to at most ${toUnits(SUM_MAX)} credits.`,
      {
        param: 'amount',
      },
    );
  }
  const granted: Grant = { id: operation.id, remaining: amount, priority, expiresAt, createdAt: context.now };
  const after: State = {
    ...nextVersion(state),
    grants: [...state.grants, granted].sort(bySpendingOrder),
    wallet: { ...state.wallet, total, balance: state.wallet.balance + amount },
  };
  const decision: Decision = {
    ...decisionOf(operation, context),
    amount,
    reasons: {
      balance: toUnits(after.wallet.balance),
      description: operation.description,
      grant: {
        type: operation.grantType,
        priority,
        expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
        ...(operation.creditRecordId === null ? {} : { creditRecordId: operation.creditRecordId }),
      },
    },
  };
  return { state: after, decision };
}

// ── Refund ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Gives a use back: its allowance to the period it was counted in, its credits to the grants that paid. */
function refund(state: State, operation: RefundOperation, context: Context, refunded: RefundedUse): Step {
  const used = refunded.decision;
  if (used.operation !== 'USE' || used.code !== null) {
    throw new Refusal('not_refundable', 'Only a use that succeeded can be refunded.', {
      details: { operation: used.operation, code: used.code },
    });
  }
  if (refunded.refunded) throw new Refusal('already_refunded', 'This use was refunded before.');

  const { grants, sources, lost } = giveBack(
    state.grants,
    used.reasons.sources ?? [],
    refunded.grants,
    context.now,
  );
  const { wallet, usages } = state;
  const after: State = {
    ...nextVersion(state),
    grants,
    wallet: {
      ...wallet,
      balance: wallet.balance + used.creditCost - lost,
      totalUsage: wallet.totalUsage - used.creditCost,
      expired: wallet.expired + lost,
    },
    usages:
      used.periodStart === null
        ? usages
        : countUsed(usages, used.featureCode!, { periodStart: used.periodStart, used: -used.fromAllowance }),
  };
  const decision: Decision = {
    ...decisionOf(operation, context),
    featureCode: used.featureCode,
    amount: used.amount,
    fromAllowance: used.fromAllowance,
    fromCredits: used.fromCredits,
    creditCost: used.creditCost,
    periodStart: used.periodStart,
    refundOf: used.id,
    reasons: {
      balance: toUnits(after.wallet.balance),
      ...(operation.reason === null ? {} : { description: operation.reason }),
      ...currentAllowance(after, used, context),
      ...(sources.length === 0 ? {} : { sources }),
      refunded: { creditUsage: used.creditCost > 0n, ai: used.reasons.ai !== undefined },
    },
  };
  return { state: after, decision };
}

function giveBack(
  grants: readonly Grant[],
  spent: readonly Source[],
  payers: readonly Grant[],
  now: number,
): { grants: readonly Grant[]; sources: Source[]; lost: Micros } {
  if (spent.length === 0) return { grants, sources: [], lost: 0n };
  const byId = new Map(grants.map((grant) => [grant.id, grant]));
  const sources: Source[] = [];
  let lost = 0n;
  for (const { grantId, amount } of spent) {
    const micros = toMicros(amount)!;
    const payer = byId.get(grantId) ?? payers.find((grant) => grant.id === grantId);
    if (payer === undefined) throw new Error(`grant ${grantId} paid, and is gone`);
    if (payer.expiresAt !== null && payer.expiresAt <= now) {
      lost += micros;
      sources.push({ grantId, amount, expired: true });
    } else {
      byId.set(grantId, { ...payer, remaining: (byId.get(grantId)?.remaining ?? 0n) + micros });
      sources.push({ grantId, amount });
    }
  }
  return { grants: [...byId.values()].sort(bySpendingOrder), sources, lost };
}

/** The feature's allowance of now, after the refund, if the plan still meters it. */
function currentAllowance(state: State, used: Decision, context: Context): Pick<Reasons, 'allowance'> {
  const meter = termsOf(context).meters.get(used.featureCode!);
  if (meter === undefined) return { allowance: allowanceReason(UNCOUNTED) };
  return { allowance: allowanceReason(allowanceOf(state, used.featureCode!, meter, context)) };
}

// ── Expiry ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Takes expired grants out of the balance; null where none has. */
function expire(state: State, operation: Operation, context: Context): Step | null {
  const { now } = context;
  const isExpired = (grant: Grant) => grant.expiresAt !== null && grant.expiresAt <= now;
  if (!state.grants.some(isExpired)) return null;

  const gone = state.grants.filter(isExpired);
  const amount = gone.reduce((sum, grant) => sum + grant.remaining, 0n);
  const { wallet } = state;
  const after: State = {
    ...nextVersion(state),
    grants: state.grants.filter((grant) => !isExpired(grant)),
    wallet: { ...wallet, balance: wallet.balance - amount, expired: wallet.expired + amount },
  };
  const decision: Decision = {
    ...decisionOf(operation, context),
    id: expiryId(operation.id),
    operation: 'EXPIRE',
    idempotency: null,
    amount,
    reasons: {
      balance: toUnits(after.wallet.balance),
      sources: gone.map((grant) => ({ grantId: grant.id, amount: toUnits(grant.remaining) })),
    },
  };
  return { state: after, decision };
}

/** A state as it is at an instant: without what has expired by then. For reading, not for writing. */
export function stateAt(state: State, now: number): State {
  const wanted = state.grants.filter((grant) => grant.expiresAt === null || grant.expiresAt > now);
  if (wanted.length === state.grants.length) return state;
  const gone =
    state.grants.reduce((sum, grant) => sum + grant.remaining, 0n) -
    wanted.reduce((sum, grant) => sum + grant.remaining, 0n);
  const { wallet } = state;
  return {
    ...state,
    grants: wanted,
    wallet: { ...wallet, balance: wallet.balance - gone, expired: wallet.expired + gone },
  };
}

function decisionOf(operation: Operation, { catalog, now, plan }: Context): Decision {
  return {
    id: operation.id,
    workspaceId: operation.workspaceId,
    operation: operation.type,
    featureCode: null,
    amount: 0n,
    code: null,
    fromAllowance: 0n,
    fromCredits: 0n,
    creditCost: 0n,
    periodStart: null,
    refundOf: null,
    plan,
    catalogVersion: catalog.version,
    idempotency: operation.idempotency,
    reasons: { balance: 0 },
    createdAt: now,
  };
}

function nextVersion(state: State): State {
  return { ...state, version: state.version + 1 };
}
