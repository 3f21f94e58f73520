// The life of a hold in the naive model: what pays for it, and what becomes of it.
import type { Operation } from '../../src/engine/operations.ts';
import type { Code } from '../../src/lib/errors.ts';
import { countedIn, has, meterOf, takesFree, termsOf } from './allowances.ts';
import {
  available,
  type Book,
  endOfHold,
  grants,
  type HoldFact,
  holdOf,
  openHolds,
  type Payment,
  priceOf,
  progressOf,
  smaller,
  spendable,
} from './book.ts';

/** What a hold came to, as its end is told. */
export type Ended = {
  id: string;
  operation: 'SETTLE' | 'RELEASE';
  hold: HoldFact;
  at: number;
  amount: bigint;
  fromAllowance: bigint;
  fromCredits: bigint;
  cost: bigint;
  periodStart: number | null;
  paid: Payment[];
  /** What came back to grants that were over. */
  lapsed: Payment[];
  shortfall: bigint;
};

/** The same book, once the holds that have expired by now have ended, each at its own time; and how they did. */
export function withEnds(book: Book, operationId: string, now: number): { book: Book; ends: Ended[] } {
  const copy = { ...book, facts: [...book.facts] };
  const ends: Ended[] = [];
  for (;;) {
    const due = openHolds(copy)
      .map((hold) => ({ hold, ...progressOf(copy, hold) }))
      .filter(({ expiresAt }) => expiresAt <= now);
    if (due.length === 0) return { book: copy, ends };
    const isSooner = (a: (typeof due)[number], b: (typeof due)[number]) =>
      a.expiresAt !== b.expiresAt ? a.expiresAt < b.expiresAt : a.hold.id < b.hold.id;
    const { hold, amount, expiresAt } = due.reduce((first, other) =>
      isSooner(other, first) ? other : first,
    );
    const id = `${operationId}_hold${ends.length + 1}`;
    const settled = hold.onExpire === 'settle' ? amount : null;
    ends.push(end(copy, { id, hold, settled, at: expiresAt, ownAccord: true }));
  }
}

/** Ends a hold: settled with an amount, or, with null, released. */
export function end(
  book: Book,
  asked: { id: string; hold: HoldFact; settled: bigint | null; at: number; ownAccord: boolean },
): Ended {
  const { id, hold, settled, at, ownAccord } = asked;
  const amount = settled === null ? 0n : largestPayable(book, hold, settled, at);
  const split = splitOf(book, hold, amount, at);
  const paid = paidBy(book, hold, split.cost, at);
  const lapsed = hold.paid
    .map(({ grantId, amount }) => {
      const spent = paid.find((payment) => payment.grantId === grantId)?.amount ?? 0n;
      return { grantId, amount: amount - smaller(spent, amount), expired: false };
    })
    .filter(({ grantId, amount }) => amount > 0n && isOver(book, grantId, at));
  const { featureCode, period, ai } = hold;
  if (amount > 0n) {
    book.facts.push({
      ...{ type: 'used', at, id, featureCode, period, paid, ai, holdId: hold.id },
      ...{ fromAllowance: split.fromAllowance, fromCredits: split.fromCredits, cost: split.cost },
    });
  }
  book.facts.push({
    type: 'ended',
    at,
    id,
    holdId: hold.id,
    settled: settled === null ? null : amount,
    ownAccord,
  });
  return {
    ...{ id, operation: settled === null ? 'RELEASE' : 'SETTLE', hold, at, paid, lapsed },
    ...split,
    amount: settled === null ? hold.amount : amount,
    periodStart: split.fromAllowance > 0n && period !== null ? period.start : null,
    shortfall: settled === null ? 0n : settled - amount,
  };
}

/** What of an amount is free, and what the rest costs. What was held is as it was held; what is beyond it is new. */
function splitOf(book: Book, hold: HoldFact, amount: bigint, at: number) {
  const within = smaller(amount, hold.amount);
  const beyond = amount - within;
  const free = smaller(within, hold.fromAllowance) + smaller(beyond, freeBeyond(book, hold, at));
  const fromCredits = amount - free;
  const price = hold.price ?? presentPrice(book, hold, at);
  const cost = fromCredits === 0n ? 0n : price === null ? null : priceOf(fromCredits, price);
  return { fromAllowance: free, fromCredits, cost: cost ?? NEVER };
}

/** More than anybody has. */
const NEVER = 10n ** 30n;

/** The largest amount up to what is asked that can be paid, found by trying. */
function largestPayable(book: Book, hold: HoldFact, asked: bigint, at: number): bigint {
  if (asked <= hold.amount) return asked;
  const funds = hold.cost + available(book, at);
  const step = book.catalog.features.get(hold.featureCode)?.whole ? 1_000_000n : 1n;
  let [passing, failing] = [0n, (asked - hold.amount) / step + 1n];
  while (failing - passing > 1n) {
    const middle = (passing + failing) / 2n;
    if (splitOf(book, hold, hold.amount + middle * step, at).cost <= funds) passing = middle;
    else failing = middle;
  }
  return hold.amount + passing * step;
}

/** What is left of the allowance that the hold is counted in: of one of another period, nothing. */
function freeBeyond(book: Book, hold: HoldFact, at: number): bigint {
  const { featureCode } = hold;
  if (!has(termsOf(book, at), featureCode)) return 0n;
  if (meterOf(book, featureCode, at) === undefined) return NEVER; // a switch
  if (hold.period?.start !== countedIn(book, featureCode, at)!.start) return 0n;
  return takesFree(book, featureCode, at)!;
}

function presentPrice(book: Book, { featureCode }: HoldFact, at: number): bigint | null {
  const overage = meterOf(book, featureCode, at)?.overage;
  return overage?.type === 'credits' ? overage.creditsPerUnit : null;
}

/** The grants that were held pay first, then others, as for a use. */
function paidBy(book: Book, hold: HoldFact, cost: bigint, at: number): Payment[] {
  const paid: Payment[] = [];
  let owed = cost;
  const sources = [
    ...hold.paid.map(({ grantId, amount }) => ({ grantId, amount })),
    ...spendable(book, at).map(({ id, free }) => ({ grantId: id, amount: free })),
  ];
  for (const { grantId, amount } of sources) {
    const part = smaller(amount, owed);
    owed -= part;
    const same = paid.find((payment) => payment.grantId === grantId);
    if (same !== undefined) same.amount += part;
    else if (part > 0n) paid.push({ grantId, amount: part, expired: false });
  }
  return paid;
}

function isOver(book: Book, grantId: string, at: number): boolean {
  const { expiresAt } = grants(book).find(({ id }) => id === grantId)!;
  return expiresAt !== null && expiresAt <= at;
}

/** What is wrong with what is asked of a hold; null: nothing is. */
export function wrongWith(
  book: Book,
  operation: Operation & { type: 'PROGRESS' | 'SETTLE' | 'RELEASE' },
): Code | null {
  const hold = holdOf(book, operation.holdId);
  if (hold === undefined) return 'not_found';
  if (endOfHold(book, hold.id) !== undefined) return 'hold_not_open';
  if (operation.type === 'RELEASE') return null;
  const whole = book.catalog.features.get(hold.featureCode)?.whole;
  if (whole && operation.amount % 1_000_000n !== 0n) return 'invalid_request';
  const shrinks = operation.type === 'PROGRESS' && operation.amount < progressOf(book, hold).amount;
  return shrinks ? 'invalid_request' : null;
}
