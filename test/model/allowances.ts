// Plans, periods and allowances of the naive model, worked out from the facts each time.
import type { Meter, Plan, PlanTerms, Window } from '../../src/catalog/types.ts';
import type { Subscription } from '../../src/engine/state.ts';
import { type Book, balance, isRefunded, priceOf, SUM_MAX, sum, uses } from './book.ts';

export type Allowance = {
  limit: bigint | null;
  used: bigint;
  remaining: bigint | null;
  resetsAt: number | null;
};

/** The allowance of a metered feature in its present period; null for a switch, or where the plan lacks it. */
export function allowance(book: Book, featureCode: string, now: number): Allowance | null {
  const meter = meterOf(book, featureCode, now);
  if (meter === undefined) return null;
  // For ever is all that was ever used, under whichever plan.
  const since = meter.window === 'forever' ? Number.NEGATIVE_INFINITY : countedFrom(book, featureCode, now)!;
  const used = usedSince(book, featureCode, since);
  const limit = meter.allowance;
  const remaining = limit === null ? null : limit > used ? limit - used : 0n;
  return { limit, used, remaining, resetsAt: periodOf(book, meter, now).end };
}

/** What may still be used for nothing; null: any amount, as for a switch. */
export function takesFree(book: Book, featureCode: string, now: number): bigint | null {
  const counted = allowance(book, featureCode, now);
  return counted === null ? null : (counted.remaining ?? SUM_MAX - counted.used);
}

/** The start of the period that uses are counted in now; null for a switch. */
export function countedFrom(book: Book, featureCode: string, now: number): number | null {
  const meter = meterOf(book, featureCode, now);
  return meter === undefined ? null : periodOf(book, meter, now).start;
}

/** What was used, and not given back, in all periods that began at this start or later, under whichever plan. */
export function usedSince(book: Book, featureCode: string, start: number): bigint {
  const counted = uses(book).filter(
    (used) =>
      used.featureCode === featureCode &&
      used.periodStart !== null &&
      used.periodStart >= start &&
      !isRefunded(book, used.id),
  );
  return sum(counted.map((used) => used.fromAllowance));
}

/** The largest amount of a feature that would pass now, found by trying. */
export function affordable(book: Book, featureCode: string, now: number): bigint {
  const meter = meterOf(book, featureCode, now);
  const left = takesFree(book, featureCode, now);
  const credits = balance(book, now);
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
function periodOf(book: Book, meter: Meter, now: number): { start: number; end: number | null } {
  // What is included for good does not start anew with a subscription.
  if (meter.window === 'forever') return { start: book.createdAt, end: null };
  const anchor = givingSubscription(book, now)?.startDate ?? book.createdAt;
  for (let n = 0; ; n++) {
    const end = boundary(meter.window, anchor, n + 1);
    if (end > now) return { start: boundary(meter.window, anchor, n), end };
  }
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
