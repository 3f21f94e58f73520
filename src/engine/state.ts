import type { Plan } from '../catalog/types.ts';
import type { Micros } from '../lib/amounts.ts';
import type { Period } from '../lib/periods.ts';
import type { AIWork } from './work.ts';

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
  /** Open holds; their order means nothing. What they keep is still in the balance, in the grants, and not used. */
  readonly holds: readonly Hold[];
  /** Reversed purchases of which more was spent than they still give, oldest first. */
  readonly debts: readonly Debt[];
  /** What was used of the allowance of each feature. */
  readonly usages: ReadonlyMap<string, Usages>;
  /** A use that leaves less than this available asks for a top-up. Null: none is wanted, or one is asked for already. */
  readonly topUpBelow: Micros | null;
};

export type Subscription = {
  readonly plan: Plan;
  readonly status: 'ACTIVE' | 'CANCELED' | 'PAST_DUE' | 'UNPAID' | 'TRIAL';
  readonly startDate: number;
  /** Of one that is CANCELED, when it ended. */
  readonly endDate: number;
  /** Where its allowance periods are counted from; null: its start. */
  readonly allowanceAnchor: number | null;
  /** Past due, it keeps its plan until then; null: as long as it is past due. */
  readonly graceUntil: number | null;
  /** When it ends by itself; null: it is renewed. */
  readonly cancelAt: number | null;
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
  /** What open holds keep of the balance. */
  readonly held: Micros;
};

export type GrantType = 'PURCHASE' | 'PROMOTION' | 'ADJUSTMENT' | 'PLAN' | 'OPENING';

/** A grant, whatever is left of it. */
export type Lot = {
  readonly id: string;
  readonly priority: number;
  readonly expiresAt: number | null;
  readonly createdAt: number;
};

export type Grant = Lot & { readonly remaining: Micros };

/** What a grant pays of a cost. */
export type Share = { readonly grantId: string; readonly amount: Micros };

/** What was reserved before the work: allowance and credits, as a use would have taken them then. */
export type Hold = {
  readonly id: string;
  readonly featureCode: string;
  readonly amount: Micros;
  readonly fromAllowance: Micros;
  readonly fromCredits: Micros;
  readonly creditCost: Micros;
  /** The price of then; null: no credits could pay it. */
  readonly creditsPerUnit: Micros | null;
  /** What it is counted in, however late it is settled; null: nothing is counted. */
  readonly period: Period | null;
  /** The grants that pay, in spending order. */
  readonly shares: readonly Share[];
  readonly ai: AIWork | null;
  /** What was used of it by now, as far as anybody has said. */
  readonly progress: Micros;
  readonly expiresAt: number;
  /** How long it lives, from when it was taken and again from each progress. */
  readonly ttlMs: number;
  readonly onExpire: 'release' | 'settle';
  readonly createdAt: number;
};

/** What is owed of a reversed purchase: what is open, and what later purchases have paid of it, oldest first. */
export type Debt = {
  readonly lot: Lot;
  readonly open: Micros;
  readonly payments: readonly { readonly payer: Lot; readonly amount: Micros }[];
};

/**
 * The allowance that was used of a feature, by the periods that it was counted in. Plans and subscriptions come and go,
 * and their periods overlap. `before`: the sum of those that began too long ago to matter to any period of today but
 * that of `forever`.
 */
export type Usages = { readonly before: Micros; readonly rows: readonly Usage[] };

/** A FeatureUsage row. No end: its period has none, or an older version did not keep it. */
export type Usage = {
  readonly periodStart: number;
  readonly periodEnd: number | null;
  readonly used: Micros;
};

const NOTHING_USED: Usages = { before: 0n, rows: [] };

/** What was used in all periods. */
export function usedEver(state: State, featureCode: string): Micros {
  const { before, rows } = state.usages.get(featureCode) ?? NOTHING_USED;
  return rows.reduce((sum, row) => sum + row.used, before);
}

/** What counts at a time against the period that begins at `start`, under whichever plan it was used. */
export function usedAt(state: State, featureCode: string, start: number, at: number): Micros {
  const { rows } = state.usages.get(featureCode) ?? NOTHING_USED;
  return rows.reduce(
    (sum, row) => (countsAt(row.periodStart, row.periodEnd, start, at) ? sum + row.used : sum),
    0n,
  );
}

/** What was counted in a period that began inside this one, or has not ended yet. */
function countsAt(periodStart: number, periodEnd: number | null, start: number, at: number): boolean {
  return periodStart >= start || (periodEnd !== null && periodEnd > at);
}

/** What is held of the allowance, wherever it is counted. */
export function heldEver({ holds }: State, featureCode: string): Micros {
  return holds.reduce((sum, hold) => (hold.featureCode === featureCode ? sum + hold.fromAllowance : sum), 0n);
}

/** What is held and counts at a time against the period that begins at `start`, as what is used does. */
export function heldAt({ holds }: State, featureCode: string, start: number, at: number): Micros {
  let sum = 0n;
  for (const { featureCode: code, period, fromAllowance } of holds) {
    if (code !== featureCode || period === null) continue;
    if (countsAt(period.start, period.end, start, at)) sum += fromAllowance;
  }
  return sum;
}

/** When the periods end that a feature was counted in, used or held. */
export function countedEnds({ usages, holds }: State, featureCode: string): Set<number> {
  const ends = new Set<number>();
  for (const { periodEnd } of usages.get(featureCode)?.rows ?? [])
    if (periodEnd !== null) ends.add(periodEnd);
  for (const { featureCode: code, period } of holds)
    if (code === featureCode && period !== null && period.end !== null) ends.add(period.end);
  return ends;
}

/** Counts a use in its period; a refund counts less than nothing, and leaves the period's end as it is. */
export function countUsed(usages: State['usages'], featureCode: string, counted: Usage): State['usages'] {
  const { before, rows } = usages.get(featureCode) ?? NOTHING_USED;
  const index = rows.findIndex(({ periodStart }) => periodStart === counted.periodStart);
  const row = index === -1 ? counted : merged(rows[index]!, counted);
  return new Map(usages).set(featureCode, {
    before,
    rows: index === -1 ? [...rows, row] : rows.with(index, row),
  });
}

/** Periods of two windows may begin at once: they share a row, which ends with the later one. */
function merged(row: Usage, counted: Usage): Usage {
  return {
    periodStart: row.periodStart,
    periodEnd: laterEnd(row.periodEnd, counted.periodEnd),
    used: row.used + counted.used,
  };
}

function laterEnd(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}

/** What is available: the balance without what is held of it. */
export function availableOf({ balance, held }: Wallet): Micros {
  return balance - held;
}

/** What open holds keep of a grant. */
export function heldOf({ holds }: State, grantId: string): Micros {
  const shares = holds.flatMap((hold) => hold.shares).filter((share) => share.grantId === grantId);
  return shares.reduce((sum, { amount }) => sum + amount, 0n);
}

/** The grants with what can still be spent of them, in spending order: what is held is left out. */
export function unheld({ grants, holds }: Pick<State, 'grants' | 'holds'>): readonly Grant[] {
  if (holds.length === 0) return grants;
  const held = new Map<string, Micros>();
  for (const { grantId, amount } of holds.flatMap(({ shares }) => shares))
    held.set(grantId, (held.get(grantId) ?? 0n) + amount);
  return grants
    .map((grant) => ({ ...grant, remaining: grant.remaining - (held.get(grant.id) ?? 0n) }))
    .filter(({ remaining }) => remaining > 0n);
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

/** The plan that a workspace is on. Past due keeps it for some days; what ended, or was never paid, is FREE. */
export function planAt(state: State, now: number): Plan {
  return paidSubscription(state, now)?.plan ?? 'FREE';
}

/** Where allowance periods are counted from: the subscription's anchor, else the workspace's creation. */
export function anchorAt(state: State, now: number): number {
  const subscription = paidSubscription(state, now);
  if (subscription === null) return state.createdAt;
  return subscription.allowanceAnchor ?? subscription.startDate;
}

function paidSubscription({ subscription }: State, now: number): Subscription | null {
  return subscription !== null && hasAccess(subscription, now) ? subscription : null;
}

/** Whether a subscription gives its plan now. */
export function hasAccess(
  { status, startDate, endDate, graceUntil, cancelAt }: Omit<Subscription, 'plan' | 'allowanceAnchor'>,
  now: number,
): boolean {
  if (now < startDate || (cancelAt !== null && cancelAt <= now)) return false;
  switch (status) {
    case 'ACTIVE':
    case 'TRIAL':
      return true;
    case 'PAST_DUE':
      return graceUntil === null || now < graceUntil;
    case 'CANCELED':
      return now < endDate;
    case 'UNPAID':
      return false;
  }
}
