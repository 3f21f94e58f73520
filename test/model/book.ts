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
  | ({ type: 'held'; at: number } & HoldFact)
  | { type: 'progressed'; at: number; id: string; holdId: string; amount: bigint; expiresAt: number }
  /** Settled, with so much, or released. What was used of it is a use beside it. */
  | { type: 'ended'; at: number; id: string; holdId: string; settled: bigint | null; ownAccord: boolean }
  | { type: 'refunded'; at: number; id: string; useId: string }
  | { type: 'refused'; at: number; id: string; featureCode: string; code: Code; missing: bigint }
  | { type: 'reversed'; at: number; id: string; creditRecordId: string; target: bigint }
  | { type: 'expired'; at: number };

export type GrantFact = {
  id: string;
  amount: bigint;
  priority: number;
  expiresAt: number | null;
  /** Of a purchase; null where nobody paid. */
  creditRecordId: string | null;
};

export type UseFact = {
  id: string;
  featureCode: string;
  fromAllowance: bigint;
  fromCredits: bigint;
  cost: bigint;
  /** What it was counted in; null where nothing is counted: a switch. */
  period: Period | null;
  paid: Payment[];
  ai: { type: string; pageId: string } | null;
  /** What it was held by before. */
  holdId: string | null;
};

export type HoldFact = Omit<UseFact, 'holdId'> & {
  amount: bigint;
  /** Of a unit beyond the allowance; null: credits could pay none. */
  price: bigint | null;
  ttlMs: number;
  expiresAt: number;
  onExpire: 'release' | 'settle';
};

export type Period = { start: number; end: number | null };

export type Payment = { grantId: string; amount: bigint; expired: boolean };

export type GrantNow = GrantFact & {
  createdAt: number;
  left: bigint;
  /** What is left and not held. */
  free: bigint;
  expired: bigint;
  clawedBack: bigint;
  reversed: bigint;
  /** By uses, and for what earlier purchases owed. */
  spent: bigint;
  debt: bigint;
  /** What it has paid, by whose debt it was. */
  paidFor: ReadonlyMap<string, bigint>;
};

export function wallet(book: Book, now: number) {
  const all = allGrants(book, now);
  const total = sum(all.map((grant) => grant.amount));
  const totalUsage = sum(uses(book).map((used) => (isRefunded(book, used.id) ? 0n : used.cost)));
  const expired = sum(all.map((grant) => grant.expired));
  const clawedBack = sum(all.map((grant) => grant.clawedBack));
  const debt = sum(all.map((grant) => grant.debt));
  const wallet = {
    balance: sum(all.map((grant) => grant.left)),
    total,
    totalUsage,
    expired,
    clawedBack,
    debt,
    held: sum(openHolds(book).map((hold) => hold.cost)),
  };
  if (wallet.balance !== total - totalUsage - expired - clawedBack)
    throw new Error('the naive model does not add up');
  return wallet;
}

export function balance(book: Book, now: number): bigint {
  return sum(allGrants(book, now).map((grant) => grant.left));
}

export function available(book: Book, now: number): bigint {
  return sum(allGrants(book, now).map((grant) => grant.free));
}

/** Grants of which something can be spent, in spending order. */
export function spendable(book: Book, now: number): GrantNow[] {
  return remaining(book, now).filter((grant) => grant.free > 0n);
}

/** Grants with something left, held or not, in spending order. */
export function remaining(book: Book, now: number): GrantNow[] {
  return inSpendingOrder(allGrants(book, now).filter((grant) => grant.left > 0n));
}

function inSpendingOrder(grants: readonly GrantNow[]): GrantNow[] {
  const isBefore = (a: GrantNow, b: GrantNow): boolean => {
    if (a.priority !== b.priority) return a.priority < b.priority;
    if (a.expiresAt !== b.expiresAt) {
      return b.expiresAt === null || (a.expiresAt !== null && a.expiresAt < b.expiresAt);
    }
    return a.createdAt !== b.createdAt ? a.createdAt < b.createdAt : a.id < b.id;
  };
  const ordered: GrantNow[] = [];
  for (const grant of grants) {
    const place = ordered.findIndex((other) => isBefore(grant, other));
    ordered.splice(place === -1 ? ordered.length : place, 0, grant);
  }
  return ordered;
}

/** Every grant as it stands, whether or not its expiry has been booked. */
export function allGrants(book: Book, now: number): GrantNow[] {
  const lots = lotsOf(book);
  return lots.map((lot) => {
    const { used, held, paidFor, target, at, ...fact } = lot;
    const spent = spentOf(lot) - held;
    const unspent = lot.amount - spent - held;
    // What is taken back comes out of what was not spent; the rest of that can be spent, or has expired.
    const taken = smaller(target, unspent);
    const isOver = fact.expiresAt !== null && fact.expiresAt <= now;
    return {
      ...{ ...fact, createdAt: at, reversed: target, spent, paidFor },
      // What is held does not expire.
      left: held + (isOver ? 0n : unspent - taken),
      free: isOver ? 0n : unspent - taken,
      expired: isOver ? unspent - taken : 0n,
      clawedBack: taken + sum([...paidFor.values()]),
      debt: owedOn(lot) - sum(lots.map((payer) => payer.paidFor.get(lot.id) ?? 0n)),
    };
  });
}

type Lot = GrantFact & {
  at: number;
  used: bigint;
  held: bigint;
  paidFor: Map<string, bigint>;
  target: bigint;
};

/** All that happened to grants, once more from the beginning. */
function lotsOf(book: Book): Lot[] {
  const lots: Lot[] = [];
  const settled = (useId: string) => book.facts.find((fact) => fact.type === 'used' && fact.id === useId);
  for (const fact of book.facts) {
    if (fact.type === 'granted') {
      const { id, amount, priority, expiresAt, creditRecordId, at } = fact;
      const lot = { id, amount, priority, expiresAt, creditRecordId, at };
      lots.push({ ...lot, used: 0n, held: 0n, paidFor: new Map(), target: 0n });
      if (creditRecordId !== null && book.catalog.creditsDebt === 'next_purchase') payOff(lots);
    }
    if (fact.type === 'held') addHeld(lots, fact, 1n);
    // What a settled hold has used is not held from the same moment on.
    if (fact.type === 'used' && fact.holdId !== null) addHeld(lots, holdOf(book, fact.holdId)!, -1n);
    if (fact.type === 'used') addUse(lots, fact, 1n);
    if (fact.type === 'ended' && !uses(book).some((used) => used.holdId === fact.holdId))
      addHeld(lots, holdOf(book, fact.holdId)!, -1n);
    if (fact.type === 'refunded') addUse(lots, settled(fact.useId) as UseFact, -1n);
    if (fact.type === 'reversed')
      lots.find(({ creditRecordId }) => creditRecordId === fact.creditRecordId)!.target = fact.target;
    while (giveBackOne(lots));
  }
  return lots;
}

function addUse(lots: Lot[], { paid }: UseFact, sign: bigint): void {
  for (const { grantId, amount } of paid) lots.find(({ id }) => id === grantId)!.used += sign * amount;
}

function addHeld(lots: Lot[], { paid }: HoldFact, sign: bigint): void {
  for (const { grantId, amount } of paid) lots.find(({ id }) => id === grantId)!.held += sign * amount;
}

/** What is held counts as spent. */
function spentOf({ used, held, paidFor }: Lot): bigint {
  return used + held + sum([...paidFor.values()]);
}

/** A reversed purchase may have been spent up to what was not reversed of it: what is beyond is owed. */
function owedOn(lot: Lot): bigint {
  const beyond = spentOf(lot) - (lot.amount - lot.target);
  return beyond > 0n ? beyond : 0n;
}

/** The last of these pays what the others owe, from the oldest purchase on. */
function payOff(lots: Lot[]): void {
  const payer = lots.at(-1)!;
  const older = lots.slice(0, -1).sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
  for (const debtor of older) {
    const open = owedOn(debtor) - sum(lots.map((lot) => lot.paidFor.get(debtor.id) ?? 0n));
    const amount = smaller(open, payer.amount - spentOf(payer));
    if (amount > 0n) payer.paidFor.set(debtor.id, amount);
  }
}

/** Where more was paid than is owed, who paid last gets it back; false if there is no such purchase. */
function giveBackOne(lots: Lot[]): boolean {
  for (const debtor of lots) {
    const payers = lots.filter((lot) => (lot.paidFor.get(debtor.id) ?? 0n) > 0n);
    const tooMuch = sum(payers.map((lot) => lot.paidFor.get(debtor.id)!)) - owedOn(debtor);
    if (tooMuch <= 0n) continue;
    const last = payers.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1)).at(-1)!;
    const paid = last.paidFor.get(debtor.id)!;
    last.paidFor.set(debtor.id, paid - smaller(paid, tooMuch));
    return true;
  }
  return false;
}

/**
 * What has expired since something was last decided of this workspace, and had credits that nobody held. `ended` is the
 * same book with the holds that have ended since: what they gave back before a grant was over has expired with it.
 */
export function fallsDue(book: Book, ended: Book, now: number): Payment[] {
  const last = decidedAt(book);
  if (last === null) return [];
  // Also of one that had nothing left then: what ends before its time may give something back to it.
  const over = inSpendingOrder(allGrants(book, last)).filter(
    (grant) => grant.expiresAt !== null && grant.expiresAt > last && grant.expiresAt <= now,
  );
  return over.flatMap(({ id, expiresAt }) => {
    const later = ended.facts.slice(book.facts.length).filter((fact) => fact.at < expiresAt!);
    const before = { ...book, facts: [...book.facts, ...later] };
    const { free } = allGrants(before, expiresAt! - 1).find((grant) => grant.id === id)!;
    return free === 0n ? [] : [{ grantId: id, amount: free, expired: false }];
  });
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

export function holds(book: Book) {
  return book.facts.filter((fact) => fact.type === 'held');
}

export function holdOf(book: Book, id: string) {
  return holds(book).find((hold) => hold.id === id);
}

/** How a hold ended; undefined: it is open, as far as anybody has looked. */
export function endOfHold(book: Book, holdId: string) {
  const end = book.facts.find((fact) => fact.type === 'ended' && fact.holdId === holdId);
  return end?.type === 'ended' ? end : undefined;
}

export function openHolds(book: Book) {
  return holds(book).filter((hold) => endOfHold(book, hold.id) === undefined);
}

/** What is reported of a hold, and how long it lives. */
export function progressOf(book: Book, hold: HoldFact): { amount: bigint; expiresAt: number } {
  const last = book.facts.findLast((fact) => fact.type === 'progressed' && fact.holdId === hold.id);
  return last?.type === 'progressed' ? last : { amount: 0n, expiresAt: hold.expiresAt };
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
