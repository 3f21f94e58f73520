// The memory of the naive model: a list of facts for each workspace, and credits worked out from them.
import type { Catalog } from '../../src/catalog/types.ts';
import type { Subscription } from '../../src/engine/state.ts';
import type { Code } from '../../src/lib/errors.ts';

/** All that has happened to one workspace, oldest first. */
export type Book = {
  readonly workspaceId: string;
  readonly createdAt: number;
  readonly catalog: Catalog;
  readonly facts: Fact[];
};

export type Fact =
  | { type: 'subscribed'; at: number; subscription: Subscription | null }
  | ({ type: 'granted'; at: number } & GrantFact)
  | ({ type: 'used'; at: number } & UseFact)
  | { type: 'refunded'; at: number; id: string; useId: string }
  | { type: 'refused'; at: number; id: string; featureCode: string; code: Code; missing: bigint }
  | { type: 'expired'; at: number };

export type GrantFact = { id: string; amount: bigint; priority: number; expiresAt: number | null };

export type UseFact = {
  id: string;
  featureCode: string;
  fromAllowance: bigint;
  fromCredits: bigint;
  cost: bigint;
  /** Null where nothing is counted: a switch. */
  periodStart: number | null;
  paid: Payment[];
  ai: { type: string; pageId: string } | null;
};

export type Payment = { grantId: string; amount: bigint; expired: boolean };

export type GrantNow = GrantFact & { createdAt: number; left: bigint; expired: bigint };

/** The wallet; `clawedBack` stays 0, as nothing is clawed back yet. */
export function wallet(book: Book, now: number) {
  const total = sum(grants(book).map((grant) => grant.amount));
  const totalUsage = sum(uses(book).map((used) => (isRefunded(book, used.id) ? 0n : used.cost)));
  const expired = sum(grants(book).map((grant) => standing(book, grant, now).expired));
  const wallet = { balance: balance(book, now), total, totalUsage, expired, clawedBack: 0n };
  if (wallet.balance !== total - totalUsage - expired) throw new Error('the naive model does not add up');
  return wallet;
}

export function balance(book: Book, now: number): bigint {
  return sum(grants(book).map((grant) => standing(book, grant, now).left));
}

/** Grants with something left, in spending order. */
export function spendable(book: Book, now: number): GrantNow[] {
  const left = allGrants(book, now).filter((grant) => grant.left > 0n);
  const isBefore = (a: GrantNow, b: GrantNow): boolean => {
    if (a.priority !== b.priority) return a.priority < b.priority;
    if (a.expiresAt !== b.expiresAt) {
      return b.expiresAt === null || (a.expiresAt !== null && a.expiresAt < b.expiresAt);
    }
    return a.createdAt !== b.createdAt ? a.createdAt < b.createdAt : a.id < b.id;
  };
  const ordered: GrantNow[] = [];
  for (const grant of left) {
    const place = ordered.findIndex((other) => isBefore(grant, other));
    ordered.splice(place === -1 ? ordered.length : place, 0, grant);
  }
  return ordered;
}

export function allGrants(book: Book, now: number): GrantNow[] {
  return grants(book).map(({ id, amount, priority, expiresAt, at }) => ({
    ...{ id, amount, priority, expiresAt },
    createdAt: at,
    ...standing(book, { id, amount, expiresAt }, now),
  }));
}

/** What a grant still has, until it expires; what it had then, or got back later, has expired. */
function standing(book: Book, grant: Pick<GrantFact, 'id' | 'amount' | 'expiresAt'>, now: number) {
  let unspent = grant.amount;
  for (const used of uses(book)) {
    if (isRefunded(book, used.id)) continue;
    for (const { grantId, amount } of used.paid) if (grantId === grant.id) unspent -= amount;
  }
  const isOver = grant.expiresAt !== null && grant.expiresAt <= now;
  return isOver ? { left: 0n, expired: unspent } : { left: unspent, expired: 0n };
}

/** What has expired since something was last decided of this workspace, and had credits left. */
export function fallsDue(book: Book, now: number): Payment[] {
  const last = decidedAt(book);
  if (last === null) return [];
  return spendable(book, last)
    .filter((grant) => grant.expiresAt !== null && grant.expiresAt <= now)
    .map((grant) => ({ grantId: grant.id, amount: grant.left, expired: false }));
}

/** When something was last decided of this workspace, and kept: its rows are as of then. */
export function decidedAt(book: Book): number | null {
  return book.facts.findLast((fact) => fact.type !== 'subscribed')?.at ?? null;
}

export function grants(book: Book) {
  return book.facts.filter((fact) => fact.type === 'granted');
}

export function uses(book: Book) {
  return book.facts.filter((fact) => fact.type === 'used');
}

export function isRefunded(book: Book, useId: string): boolean {
  return book.facts.some((fact) => fact.type === 'refunded' && fact.useId === useId);
}

/** amount × price, rounded up to the micro-unit. */
export function priceOf(amount: bigint, price: bigint): bigint {
  const product = amount * price;
  const whole = product / 1_000_000n;
  return whole * 1_000_000n < product ? whole + 1n : whole;
}

export function sum(amounts: bigint[]): bigint {
  return amounts.reduce((sum, amount) => sum + amount, 0n);
}

/** No sum may grow beyond what a JSON number says exactly: 2^53 - 1 micro-units. */
export const SUM_MAX = 9_007_199_254_740_991n;

export function smaller(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}
