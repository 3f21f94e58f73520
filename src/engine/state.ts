import type { Plan } from '../catalog/types.ts';
import type { Micros } from '../lib/amounts.ts';

/**
 * What a workspace may spend, as of one version. The engine keeps states it has seen: a kept state can be stale,
 * never wrong, because every write says "if the version is still this one".
 * Times are epoch milliseconds; amounts are micro-units. A state is never changed, only replaced.
 */
export type State = {
  readonly workspaceId: string;
  readonly version: number;
  /** When the workspace was created: the anchor of its periods while it has no subscription. */
  readonly createdAt: number;
  readonly subscription: Subscription | null;
  readonly wallet: Wallet;
  /** Grants with something left, in spending order. */
  readonly grants: readonly Grant[];
  /** Reversed purchases of which more was spent than they still give, oldest first. */
  readonly debts: readonly Debt[];
  /** What was used of the allowance of each feature. */
  readonly usages: ReadonlyMap<string, Usages>;
};

export type Subscription = {
  readonly plan: Plan;
  readonly status: 'ACTIVE' | 'CANCELED' | 'PAST_DUE' | 'UNPAID' | 'TRIAL';
  readonly startDate: number;
  readonly endDate: number;
};

/** The Credit row. `balance = total - totalUsage - expired - clawedBack`, and is the sum of what grants have left. */
export type Wallet = {
  readonly balance: Micros;
  readonly total: Micros;
  readonly totalUsage: Micros;
  readonly expired: Micros;
  readonly clawedBack: Micros;
  /** What is owed of all reversed purchases, and open. It is no part of the balance. */
  readonly debt: Micros;
};

export type GrantType = 'PURCHASE' | 'PROMOTION' | 'ADJUSTMENT' | 'OPENING';

/** A grant, whatever is left of it. */
export type Lot = {
  readonly id: string;
  readonly priority: number;
  readonly expiresAt: number | null;
  readonly createdAt: number;
};

export type Grant = Lot & { readonly remaining: Micros };

/** What is owed of a reversed purchase: what is open, and what later purchases have paid of it, oldest first. */
export type Debt = {
  readonly lot: Lot;
  readonly open: Micros;
  readonly payments: readonly { readonly payer: Lot; readonly amount: Micros }[];
};

/**
 * The allowance that was used of a feature, by the periods that it was counted in. Plans and subscriptions come and go,
 * and their periods overlap; what counts is when a period began. `before`: the sum of those that began too long ago to
 * lie in any period of today but that of `forever`.
 */
export type Usages = { readonly before: Micros; readonly rows: readonly Usage[] };

/** A FeatureUsage row. */
export type Usage = { readonly periodStart: number; readonly used: Micros };

const NOTHING_USED: Usages = { before: 0n, rows: [] };

/** What was used in all periods. */
export function usedEver(state: State, featureCode: string): Micros {
  const { before, rows } = state.usages.get(featureCode) ?? NOTHING_USED;
  return rows.reduce((sum, row) => sum + row.used, before);
}

/** What was used in periods that began at or after a time, which is not long ago. */
export function usedSince(state: State, featureCode: string, since: number): Micros {
  const { rows } = state.usages.get(featureCode) ?? NOTHING_USED;
  return rows.reduce((sum, row) => (row.periodStart >= since ? sum + row.used : sum), 0n);
}

/** Counts a use in its period; a refund counts less than nothing. */
export function countUsed(
  usages: State['usages'],
  featureCode: string,
  { periodStart, used }: Usage,
): State['usages'] {
  const { before, rows } = usages.get(featureCode) ?? NOTHING_USED;
  const isKnown = rows.some((row) => row.periodStart === periodStart);
  const counted = isKnown
    ? rows.map((row) => (row.periodStart === periodStart ? { periodStart, used: row.used + used } : row))
    : [...rows, { periodStart, used }];
  return new Map(usages).set(featureCode, { before, rows: counted });
}

/** Spending order: lower priority number, sooner expiry, older. */
export function bySpendingOrder(a: Lot, b: Lot): number {
  return (
    a.priority - b.priority ||
    (a.expiresAt ?? Number.POSITIVE_INFINITY) - (b.expiresAt ?? Number.POSITIVE_INFINITY) ||
    a.createdAt - b.createdAt ||
    (a.id < b.id ? -1 : 1)
  );
}

/** The plan that a workspace is on. Past due keeps access; what ended, or was never paid, is FREE. */
export function planAt(state: State, now: number): Plan {
  return paidSubscription(state, now)?.plan ?? 'FREE';
}

/** Where allowance periods are counted from: the subscription's start, else the workspace's creation. */
export function anchorAt(state: State, now: number): number {
  return paidSubscription(state, now)?.startDate ?? state.createdAt;
}

function paidSubscription({ subscription }: State, now: number): Subscription | null {
  if (subscription === null || now < subscription.startDate) return null;
  switch (subscription.status) {
    case 'ACTIVE':
    case 'TRIAL':
    case 'PAST_DUE':
      return subscription;
    case 'CANCELED':
      return now < subscription.endDate ? subscription : null;
    case 'UNPAID':
      return null;
  }
}
