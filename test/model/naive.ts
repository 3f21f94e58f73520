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
  available,
  type Book,
  balance,
  fallsDue,
  grants,
  holdOf,
  isRefunded,
  type Payment,
  type Period,
  priceOf,
  progressOf,
  SUM_MAX,
  smaller,
  spendable,
  sum,
  uses,
  wallet,
} from './book.ts';
import { type Ended, end, withEnds, wrongWith } from './holds.ts';

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
  /** What had expired since the last decision, and is booked before this one: holds, then credits. */
  ends: (Ended & { allowance: Allowance | null; balance: bigint; held: bigint })[];
  expired: Payment[];
  /** Credits that are held afterwards. */
  held: bigint;
  /** Of a hold that ended: what came back to grants that were over, and what could not be paid. */
  lapsed: Payment[];
  shortfall: bigint;
  required: bigint | null;
  available: bigint | null;
  affordable: bigint | null;
  resetsAt: number | null;
  plansWithFeature: Plan[] | null;
};

/** Answers an operation and, unless it leaves no trace, remembers it. */
export function ask(book: Book, operation: Operation, now: number): Answer {
  // What has ended meanwhile is remembered with what finds it so, or not at all.
  const { book: copy, ends } = endsTold(book, operation, now);
  const expired = fallsDue(book, copy, now);
  const reply = answerTo(copy, operation, now);
  // A hold that is not open is told so because of what is booked.
  const books = reply.kept || operation.type === 'EXPIRE' || operation.type === 'CLAW_BACK';
  if (books || reply.code === 'hold_not_open') {
    const isDue = ends.length > 0 || expired.length > 0;
    if (isDue && !reply.kept) copy.facts.push({ type: 'expired', at: now });
    book.facts.splice(0, book.facts.length, ...copy.facts);
  }
  const featureCode = featureOf(copy, operation);
  return {
    ...reply,
    ...{ ends, expired, balance: balance(copy, now), held: wallet(copy, now).held },
    allowance: featureCode === null ? null : allowance(copy, featureCode, now),
  };
}

/** Holds that have ended by themselves, one after the other, with what was left after each. */
function endsTold(book: Book, operation: Operation, now: number): { book: Book; ends: Answer['ends'] } {
  const ended = withEnds(book, operation.id, now);
  const ends = ended.ends.map((end) => {
    const upTo = ended.book.facts.findIndex((fact) => fact.type === 'ended' && fact.id === end.id);
    const then = { ...book, facts: ended.book.facts.slice(0, upTo + 1) };
    // What was over by then, and is booked as expired only afterwards, is still in the balance.
    const unbooked = fallsDue(book, then, now);
    const isOver = ({ grantId }: Payment) =>
      grants(then).some(({ id, expiresAt }) => id === grantId && expiresAt! <= end.at);
    return {
      ...end,
      allowance: allowance(then, end.hold.featureCode, end.at),
      balance: balance(then, end.at) + sum(unbooked.filter(isOver).map(({ amount }) => amount)),
      held: wallet(then, end.at).held,
    };
  });
  return { book: ended.book, ends };
}

type Reply = Omit<Answer, 'ends' | 'expired' | 'balance' | 'held' | 'allowance'>;

function answerTo(book: Book, operation: Operation, now: number): Reply {
  switch (operation.type) {
    case 'USE':
      return use(book, operation, now);
    case 'HOLD':
      return hold(book, operation, now);
    case 'PROGRESS':
    case 'SETTLE':
    case 'RELEASE':
      return ofHold(book, operation, now);
    case 'GRANT':
      return grant(book, operation, now);
    case 'REFUND':
      return refund(book, operation, now);
    case 'CLAW_BACK':
      return clawBack(book, operation, now);
    case 'EXPIRE':
      return nothing(book, now);
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
  if ((asked?.type === 'reversed' ? asked.target : 0n) === target) return nothing(book, now);
  book.facts.push({ type: 'reversed', at: now, id, creditRecordId, target });
  return { ...nothing(book, now), kept: true };
}

function use(book: Book, operation: Operation & { type: 'USE' }, now: number): Reply {
  const { id, featureCode, ai } = operation;
  const taken = take(book, operation, now);
  if ('code' in taken) return taken;
  const { fromAllowance, fromCredits, cost, paid } = taken;
  const period = countedIn(book, featureCode, now);
  book.facts.push({
    ...{
      type: 'used',
      at: now,
      id,
      featureCode,
      fromAllowance,
      fromCredits,
      cost,
      period,
      paid,
      ai,
      holdId: null,
    },
  });
  return { ...nothing(book, now), kept: true, ...toldOf(taken, period) };
}

function hold(book: Book, operation: Operation & { type: 'HOLD' }, now: number): Reply {
  const { id, featureCode, amount, ai, ttlMs, onExpire } = operation;
  const taken = take(book, operation, now);
  if ('code' in taken) return taken;
  const { fromAllowance, fromCredits, cost, paid, price } = taken;
  const period = countedIn(book, featureCode, now);
  book.facts.push({
    ...{ type: 'held', at: now, id, featureCode, amount, fromAllowance, fromCredits, cost, period, paid, ai },
    ...{ price, ttlMs, expiresAt: now + ttlMs, onExpire },
  });
  return { ...nothing(book, now), kept: true, ...toldOf(taken, period) };
}

function ofHold(
  book: Book,
  operation: Operation & { type: 'PROGRESS' | 'SETTLE' | 'RELEASE' },
  now: number,
): Reply {
  const { id, holdId } = operation;
  const wrong = wrongWith(book, operation);
  if (wrong !== null) return { ...nothing(book, now), code: wrong };
  const held = holdOf(book, holdId)!;
  if (operation.type === 'PROGRESS') {
    const before = progressOf(book, held).expiresAt;
    const expiresAt = Math.max(before, now + (operation.ttlMs ?? held.ttlMs));
    book.facts.push({ type: 'progressed', at: now, id, holdId, amount: operation.amount, expiresAt });
    return { ...nothing(book, now), kept: true };
  }
  const settled = operation.type === 'SETTLE' ? operation.amount : null;
  const { paid, lapsed, shortfall, fromAllowance, fromCredits, cost, periodStart } = end(book, {
    ...{ id, hold: held, settled, at: now, ownAccord: false },
  });
  return {
    ...nothing(book, now),
    ...{
      kept: true,
      fromAllowance,
      fromCredits,
      creditCost: cost,
      periodStart,
      sources: paid,
      lapsed,
      shortfall,
    },
  };
}

type Taken = {
  fromAllowance: bigint;
  fromCredits: bigint;
  cost: bigint;
  price: bigint | null;
  paid: Payment[];
};

/** What an amount takes, to be used or held; or the refusal, which is remembered. */
function take(book: Book, operation: Operation & { type: 'USE' | 'HOLD' }, now: number): Taken | Reply {
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
  const price = overage?.type === 'credits' ? overage.creditsPerUnit : null;
  let cost = 0n;
  if (fromCredits > 0n) {
    if (price === null) {
      return refuse('limit_reached', {
        resetsAt: allowance(book, featureCode, now)!.resetsAt,
        affordable: affordable(book, featureCode, now),
      });
    }
    cost = priceOf(fromCredits, price);
    const funds = available(book, now);
    if (cost > funds) {
      return refuse('insufficient_credits', {
        required: cost,
        available: funds,
        affordable: affordable(book, featureCode, now),
      });
    }
  }

  const paid: Payment[] = [];
  let owed = cost;
  for (const grant of spendable(book, now)) {
    const amount = smaller(grant.free, owed);
    if (amount > 0n) paid.push({ grantId: grant.id, amount, expired: false });
    owed -= amount;
  }
  return { fromAllowance, fromCredits, cost, price, paid };
}

function toldOf({ fromAllowance, fromCredits, cost, paid }: Taken, period: Period | null): Partial<Reply> {
  const periodStart = period !== null && fromAllowance > 0n ? period.start : null;
  return { fromAllowance, fromCredits, creditCost: cost, periodStart, sources: paid };
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
    lapsed: [],
    shortfall: 0n,
    required: null,
    available: null,
    affordable: null,
    resetsAt: null,
    plansWithFeature: null,
  };
}

function featureOf(book: Book, operation: Operation): string | null {
  switch (operation.type) {
    case 'USE':
    case 'HOLD':
      return operation.featureCode;
    case 'SETTLE':
    case 'RELEASE':
      return holdOf(book, operation.holdId)?.featureCode ?? null;
    case 'REFUND':
      return uses(book).find((used) => used.id === operation.useId)?.featureCode ?? null;
    default:
      return null;
  }
}
