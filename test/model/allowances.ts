// Plans, periods and allowances of the naive model, worked out from the facts each time.
import type { Meter, Plan, PlanTerms, Window } from '../../src/catalog/types.ts';
import type { Subscription } from '../../src/engine/state.ts';
import {
  available,
  type Book,
  isRefunded,
  openHolds,
  type Period,
  priceOf,
  SUM_MAX,
  sum,
  uses,
} from './book.ts';

export type Allowance = {
  limit: bigint | null;
  used: bigint;
  held: bigint;
  remaining: bigint | null;
  resetsAt: number | null;
};

/** The allowance of a metered feature in its present period; null for a switch, or where the plan lacks it. */
export function allowance(book: Book, featureCode: string, now: number): Allowance | null {
  const meter = meterOf(book, featureCode, now);
  if (meter === undefined) return null;
  const period = periodOf(book, meter.window, now);
  const used = usedOf(book, featureCode, meter.window, now);
  const held = heldOf(book, featureCode, meter.window, now);
  const limit = meter.allowance;
  const remaining = limit === null ? null : limit > used + held ? limit - used - held : 0n;
  if (remaining !== 0n) return { limit, used, held, remaining, resetsAt: period.end };
  return { limit, used, held, remaining, resetsAt: freeAgain(book, featureCode, meter, now) ?? period.end };
}

/** The first time after now at which something is left, if nobody does anything. It can only be when a period ends. */
function freeAgain(book: Book, featureCode: string, meter: Meter, now: number): number | null {
  const own = periodOf(book, meter.window, now).end;
  const ends = [own, ...[...uses(book), ...openHolds(book)].map(({ period }) => period?.end ?? null)];
  const later = ends.filter((end) => end !== null && end > now) as number[];
  const anchor = anchorOf(book, meter.window, now);
  const countedAt = (at: number) =>
    usedOf(book, featureCode, meter.window, at, anchor) + heldOf(book, featureCode, meter.window, at, anchor);
  const free = later.filter((at) => countedAt(at) < meter.allowance!);
  return free.length === 0 ? null : Math.min(...free);
}

/** What may still be used for nothing; null: any amount, as for a switch. */
export function takesFree(book: Book, featureCode: string, now: number): bigint | null {
  const counted = allowance(book, featureCode, now);
  return counted === null ? null : (counted.remaining ?? SUM_MAX - counted.used - counted.held);
}

/** The period that uses are counted in now; null for a switch. */
export function countedIn(book: Book, featureCode: string, now: number): Period | null {
  const meter = meterOf(book, featureCode, now);
  return meter === undefined ? null : periodOf(book, meter.window, now);
}

/** What was used, not given back, and counts against an allowance at a time, under whichever plan it was used. */
function usedOf(book: Book, featureCode: string, window: Window, at: number, anchor?: number): bigint {
  const present = periodOf(book, window, at, anchor);
  const kept = uses(book).filter((used) => used.featureCode === featureCode && !isRefunded(book, used.id));
  const counting = kept.filter((used) => {
    if (used.period === null) return false;
    if (window === 'forever') return true; // all that was ever used
    const beganInside = used.period.start >= present.start;
    const end = endOf(book, featureCode, used.period.start);
    return beganInside || (end !== null && end > at);
  });
  return sum(counting.map((used) => used.fromAllowance));
}

/** What is held of an allowance, and counts against it at a time as what is used does. */
function heldOf(book: Book, featureCode: string, window: Window, at: number, anchor?: number): bigint {
  const present = periodOf(book, window, at, anchor);
  const counting = openHolds(book).filter((hold) => {
    if (hold.featureCode !== featureCode || hold.period === null) return false;
    const { start, end } = hold.period;
    return window === 'forever' || start >= present.start || (end !== null && end > at);
  });
  return sum(counting.map((hold) => hold.fromAllowance));
}

/** When the period ends that began then. Where two began at once, a day's and a month's, it is the later end. */
export function endOf(book: Book, featureCode: string, start: number): number | null {
  const ends = uses(book)
    .filter((used) => used.featureCode === featureCode && used.fromAllowance > 0n)
    .filter((used) => used.period?.start === start && used.period.end !== null)
    .map((used) => used.period!.end!);
  return ends.length === 0 ? null : Math.max(...ends);
}

/** The largest amount of a feature that would pass now, found by trying. */
export function affordable(book: Book, featureCode: string, now: number): bigint {
  const meter = meterOf(book, featureCode, now);
  const left = takesFree(book, featureCode, now);
  const credits = available(book, now);
  const passes = (amount: bigint): boolean => {
    if (!has(termsOf(book, now), featureCode)) return false;
    if (left === null || amount <= left) return true;
    if (meter?.overage.type !== 'credits') return false;
    return priceOf(amount - left, meter.overage.creditsPerUnit) <= credits;
  };
  const step = book.catalog.features.get(featureCode)?.whole ? 1_000_000n : 1n;
  let [passing, failing] = [0n, LARGEST / step + 1n];
  while (failing - passing > 1n) {
    const middle = (passing + failing) / 2n;
    if (passes(middle * step)) passing = middle;
    else failing = middle;
  }
  return passing * step;
}

/** The largest amount that can be asked for: 1,000,000,000. */
const LARGEST = 1_000_000_000_000_000n;

export function has(terms: PlanTerms, featureCode: string): boolean {
  return terms.switches.has(featureCode) || terms.meters.has(featureCode);
}

export function meterOf(book: Book, featureCode: string, now: number): Meter | undefined {
  return termsOf(book, now).meters.get(featureCode);
}

/** What the plan includes; a plan that is no longer on offer includes what FREE does. */
export function termsOf(book: Book, now: number): PlanTerms {
  const { plans } = book.catalog;
  return plans.get(planOf(book, now)) ?? plans.get('FREE')!;
}

// ── Plans and periods ────────────────────────────────────────────────────────────────────────────────────────────

export function planOf(book: Book, now: number): Plan {
  return givingSubscription(book, now)?.plan ?? 'FREE';
}

/** The subscription, if it gives its plan now. Past due keeps access; what ended or was never paid does not. */
function givingSubscription(book: Book, now: number): Subscription | null {
  const last = book.facts.findLast((fact) => fact.type === 'subscribed');
  const subscription = last?.type === 'subscribed' ? last.subscription : null;
  if (subscription === null || subscription.startDate > now) return null;
  const { status, endDate } = subscription;
  if (status === 'UNPAID') return null;
  if (status === 'CANCELED' && endDate <= now) return null;
  return subscription;
}

/** The present period: counted from the subscription's start, else from the workspace's creation. */
function periodOf(book: Book, window: Window, now: number, anchor = anchorOf(book, window, now)): Period {
  if (window === 'forever') return { start: anchor, end: null };
  for (let n = 0; ; n++) {
    const end = boundary(window, anchor, n + 1);
    if (end > now) return { start: boundary(window, anchor, n), end };
  }
}

function anchorOf(book: Book, window: Window, now: number): number {
  // What is included for good does not start anew with a subscription.
  if (window === 'forever') return book.createdAt;
  return givingSubscription(book, now)?.startDate ?? book.createdAt;
}

/** The n-th boundary after the anchor. A month that is too short has it on its last day. */
function boundary(window: Exclude<Window, 'forever'>, anchor: number, n: number): number {
  const date = new Date(anchor);
  if (window === 'day') return date.setUTCDate(date.getUTCDate() + n);
  if (window === 'week') return date.setUTCDate(date.getUTCDate() + 7 * n);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + n);
  const daysInMonth = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return date.setUTCDate(Math.min(day, daysInMonth));
}
