// Tollgate as its contract says it, in the simplest way that can be right: a list of facts for each workspace, and
// every question answered by going through all of them again. It shares nothing with the engine but types, and is as
// slow as it is plain. What both say has been thought of twice.
import type { Plan } from '../../src/catalog/types.ts';
import type { Operation } from '../../src/engine/operations.ts';
import type { Code } from '../../src/lib/errors.ts';
import {
  type Allowance,
  affordable,
  allowance,
  countedIn,
  has,
  meterOf,
  planOf,
  takesFree,
  termsOf,
} from './allowances.ts';
import {
  type Book,
  balance,
  fallsDue,
  grants,
  isRefunded,
  type Payment,
  priceOf,
  SUM_MAX,
  smaller,
  spendable,
  sum,
  uses,
} from './book.ts';

export type Answer = {
  code: Code | null;
  /** Whether a decision is kept of it. */
  kept: boolean;
  plan: Plan;
  fromAllowance: bigint;
  fromCredits: bigint;
  creditCost: bigint;
  /** The period that fromAllowance was counted in, if there was any. */
  periodStart: number | null;
  /** The allowance of the feature afterwards; null where none is counted. */
  allowance: Allowance | null;
  /** Credits afterwards. */
  balance: bigint;
  sources: Payment[];
  /** What had expired since the last decision, and is booked before this one. */
  expired: Payment[];
  required: bigint | null;
  available: bigint | null;
  affordable: bigint | null;
  resetsAt: number | null;
  plansWithFeature: Plan[] | null;
};

/** Answers an operation and, unless it leaves no trace, remembers it. */
export function ask(book: Book, operation: Operation, now: number): Answer {
  const expired = fallsDue(book, now);
  const answer = answerTo(book, operation, now);
  const answered = { ...answer, expired, balance: balance(book, now), allowance: null as Allowance | null };
  const featureCode = featureOf(book, operation);
  if (featureCode !== null) answered.allowance = allowance(book, featureCode, now);
  return answered;
}

type Reply = Omit<Answer, 'expired' | 'balance' | 'allowance'>;

function answerTo(book: Book, operation: Operation, now: number): Reply {
  switch (operation.type) {
    case 'USE':
      return use(book, operation, now);
    case 'GRANT':
      return grant(book, operation, now);
    case 'REFUND':
      return refund(book, operation, now);
    case 'CLAW_BACK':
      return clawBack(book, operation, now);
    case 'EXPIRE': {
      const due = fallsDue(book, now).length > 0;
      if (due) book.facts.push({ type: 'expired', at: now });
      return { ...nothing(book, now), kept: due };
    }
  }
}

function grant(book: Book, operation: Operation & { type: 'GRANT' }, now: number): Reply {
  const { id, amount, priority, expiresAt, creditRecordId } = operation;
  const isOver = expiresAt !== null && expiresAt <= now;
  const isTooMuch = sum(grants(book).map((grant) => grant.amount)) + amount > SUM_MAX;
  if (isOver || isTooMuch) return { ...nothing(book, now), code: 'invalid_request' };
  book.facts.push({ type: 'granted', at: now, id, amount, priority, expiresAt, creditRecordId });
  return { ...nothing(book, now), kept: true };
}

/** What is to be taken back of a purchase, in all: nothing new if it is that already. */
function clawBack(book: Book, operation: Operation & { type: 'CLAW_BACK' }, now: number): Reply {
  const { id, purchaseId: creditRecordId, amount: target } = operation;
  const asked = book.facts.findLast(
    (fact) => fact.type === 'reversed' && fact.creditRecordId === creditRecordId,
  );
  if ((asked?.type === 'reversed' ? asked.target : 0n) === target) {
    // What had expired is booked all the same.
    if (fallsDue(book, now).length > 0) book.facts.push({ type: 'expired', at: now });
    return nothing(book, now);
  }
  book.facts.push({ type: 'reversed', at: now, id, creditRecordId, target });
  return { ...nothing(book, now), kept: true };
}

function use(book: Book, operation: Operation & { type: 'USE' }, now: number): Reply {
  const { id, featureCode, amount } = operation;
  const refuse = (code: Code, why: Partial<Reply> = {}): Reply => {
    book.facts.push({ type: 'refused', at: now, id, featureCode, code, missing: why.required ?? 0n });
    return { ...nothing(book, now), code, kept: true, ...why };
  };
  if (!has(termsOf(book, now), featureCode)) {
    const plans = [...book.catalog.plans];
    const plansWithFeature = plans.flatMap(([plan, terms]) => (has(terms, featureCode) ? [plan] : []));
    return refuse('feature_not_in_plan', { plansWithFeature });
  }

  // The allowance first, always.
  const left = takesFree(book, featureCode, now);
  const fromAllowance = left === null || amount <= left ? amount : left;
  const fromCredits = amount - fromAllowance;
  const overage = meterOf(book, featureCode, now)?.overage;
  let cost = 0n;
  if (fromCredits > 0n) {
    if (overage?.type !== 'credits') {
      return refuse('limit_reached', {
        resetsAt: allowance(book, featureCode, now)!.resetsAt,
        affordable: affordable(book, featureCode, now),
      });
    }
    cost = priceOf(fromCredits, overage.creditsPerUnit);
    const available = balance(book, now);
    if (cost > available) {
      return refuse('insufficient_credits', {
        required: cost,
        available,
        affordable: affordable(book, featureCode, now),
      });
    }
  }

  const paid: Payment[] = [];
  let owed = cost;
  for (const grant of spendable(book, now)) {
    const amount = smaller(grant.left, owed);
    if (amount > 0n) paid.push({ grantId: grant.id, amount, expired: false });
    owed -= amount;
  }
  const period = countedIn(book, featureCode, now);
  const { ai } = operation;
  book.facts.push({
    ...{ type: 'used', at: now, id, featureCode, fromAllowance, fromCredits, cost, period, paid, ai },
  });
  return {
    ...nothing(book, now),
    kept: true,
    fromAllowance,
    fromCredits,
    creditCost: cost,
    periodStart: period !== null && fromAllowance > 0n ? period.start : null,
    sources: paid,
  };
}

function refund(book: Book, { id, useId }: Operation & { type: 'REFUND' }, now: number): Reply {
  const used = book.facts.find((fact) => fact.type === 'used' && fact.id === useId);
  if (used === undefined || used.type !== 'used') {
    const known = book.facts.some((fact) => 'id' in fact && fact.id === useId);
    return { ...nothing(book, now), code: known ? 'not_refundable' : 'not_found' };
  }
  if (isRefunded(book, useId)) return { ...nothing(book, now), code: 'already_refunded' };
  book.facts.push({ type: 'refunded', at: now, id, useId });
  const goneAt = (grantId: string) => {
    const grant = grants(book).find((grant) => grant.id === grantId)!;
    return grant.expiresAt !== null && grant.expiresAt <= now;
  };
  return {
    ...nothing(book, now),
    kept: true,
    fromAllowance: used.fromAllowance,
    fromCredits: used.fromCredits,
    creditCost: used.cost,
    periodStart: used.period !== null && used.fromAllowance > 0n ? used.period.start : null,
    sources: used.paid.map((payment) => ({ ...payment, expired: goneAt(payment.grantId) })),
  };
}

function nothing(book: Book, now: number): Reply {
  return {
    code: null,
    kept: false,
    plan: planOf(book, now),
    fromAllowance: 0n,
    fromCredits: 0n,
    creditCost: 0n,
    periodStart: null,
    sources: [],
    required: null,
    available: null,
    affordable: null,
    resetsAt: null,
    plansWithFeature: null,
  };
}

function featureOf(book: Book, operation: Operation): string | null {
  if (operation.type === 'USE') return operation.featureCode;
  if (operation.type !== 'REFUND') return null;
  return uses(book).find((used) => used.id === operation.useId)?.featureCode ?? null;
}
