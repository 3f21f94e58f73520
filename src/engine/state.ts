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
  /** The newest counted period of each feature. */
  readonly usages: ReadonlyMap<string, Usage>;
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
};

export type GrantType = 'PURCHASE' | 'PROMOTION' | 'ADJUSTMENT' | 'OPENING';

export type Grant = {
  readonly id: string;
  readonly remaining: Micros;
  readonly priority: number;
  readonly expiresAt: number | null;
  readonly createdAt: number;
};

/** The allowance of a feature that was used in the period that began at `periodStart`. */
export type Usage = { readonly periodStart: number; readonly used: Micros };

/** Spending order: lower priority number, sooner expiry, older. */
export function bySpendingOrder(a: Grant, b: Grant): number {
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
