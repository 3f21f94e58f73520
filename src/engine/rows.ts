import { type Micros, toDecimal, toMicros } from '../lib/amounts.ts';
import type { Decision } from './operations.ts';
import type { State } from './state.ts';
import type { PricedWork } from './work.ts';

/** What one workspace has written in a batch: its new state, guarded by the version that was decided on, and why. */
export type WorkspaceWrite = {
  wallet: WalletRow;
  decisions: readonly Decision[];
  /** By how much grants move. */
  grantChanges: readonly GrantChangeRow[];
  /** Holds that were reported on or ended. New ones are made of their decisions. */
  holdChanges: readonly HoldChangeRow[];
};

/** Plain JSON, as the statement in write.ts reads it: amounts are decimal texts, times ISO 8601. */
export type WalletRow = {
  workspaceId: string;
  /** The version that the decisions were made on, and the one that they lead to. */
  version: number;
  nextVersion: number;
  balance: string;
  total: string;
  totalUsage: string;
  expired: string;
  clawedBack: string;
  debt: string;
  /** Left out where nothing is. */
  held?: string;
  keys: string[];
  topUpBelow?: string;
  /** A top-up is asked for. */
  topUp?: true;
  newGrants?: Record<string, unknown>[];
  /** Counted in periods, and given back to them. */
  used?: UsageRow[];
  returned?: UsageRow[];
  refundedUses?: string[];
  /** What grants paid for what others owed, and what they got back of it. */
  debtsPaid?: DebtPaymentRow[];
  debtsReturned?: DebtPaymentRow[];
};

export type HoldChangeRow = {
  id: string;
  workspaceId: string;
  status: 'HELD' | 'SETTLED' | 'RELEASED';
  progressAmount: number;
  settledAmount: string | null;
  endedBy: string | null;
  expiresAt: string;
  work?: PricedWork;
};

export type GrantChangeRow = { id: string; workspaceId: string } & Record<keyof GrantChange, string>;
/** The id is for a row that is not there yet; an existing row keeps its own. */
type UsageRow = {
  id: string;
  featureCode: string;
  periodStart: string;
  periodEnd: string | null;
  amount: string;
};
type DebtPaymentRow = { debtorId: string; payerId: string; amount: string };

/** The rows of one workspace's decisions, which lead from one state to the other. */
export function rowsOf(before: State, after: State, decisions: readonly Decision[]): WorkspaceWrite {
  const { wallet } = after;
  const grants = grantRows(after.workspaceId, decisions);
  const usages = usageRows(after, decisions);
  const debts = debtRows(decisions);
  const refundedUses = decisions.flatMap(({ refundOf, reasons }) =>
    refundOf !== null && (reasons.refunded?.creditUsage || reasons.refunded?.ai) ? [refundOf] : [],
  );
  const row: WalletRow = {
    workspaceId: after.workspaceId,
    version: before.version,
    nextVersion: after.version,
    balance: toDecimal(wallet.balance),
    total: toDecimal(wallet.total),
    totalUsage: toDecimal(wallet.totalUsage),
    expired: toDecimal(wallet.expired),
    clawedBack: toDecimal(wallet.clawedBack),
    debt: toDecimal(wallet.debt),
    keys: decisions.flatMap(({ idempotency }) => (idempotency === null ? [] : [idempotency.key])),
  };
  if (wallet.held > 0n) row.held = toDecimal(wallet.held);
  if (after.topUpBelow !== null) row.topUpBelow = toDecimal(after.topUpBelow);
  else if (before.topUpBelow !== null) row.topUp = true;
  if (grants.added.length > 0) row.newGrants = grants.added;
  if (usages.used.length > 0) row.used = usages.used;
  if (usages.returned.length > 0) row.returned = usages.returned;
  if (refundedUses.length > 0) row.refundedUses = refundedUses;
  if (debts.paid.length > 0) row.debtsPaid = debts.paid;
  if (debts.returned.length > 0) row.debtsReturned = debts.returned;
  return { wallet: row, decisions, grantChanges: grants.changed, holdChanges: holdRows(decisions) };
}

type GrantRows = { changed: GrantChangeRow[]; added: Record<string, unknown>[] };

/** By how much the figures of a grant move. */
type GrantChange = { remaining: Micros; expired: Micros; clawedBack: Micros; reversed: Micros; debt: Micros };

const UNMOVED: GrantChange = { remaining: 0n, expired: 0n, clawedBack: 0n, reversed: 0n, debt: 0n };

/** What the decisions did to grants, summed for each. A grant made here is written as it stands at the end. */
function grantRows(workspaceId: string, decisions: readonly Decision[]): GrantRows {
  const changes = new Map<string, GrantChange>();
  const changeOf = (grantId: string) => {
    const change = changes.get(grantId) ?? { ...UNMOVED };
    changes.set(grantId, change);
    return change;
  };
  for (const { operation, amount: asked, reasons } of decisions) {
    // What is held stays where it is.
    for (const { grantId, amount, expired } of operation === 'HOLD' ? [] : (reasons.sources ?? [])) {
      const micros = toMicros(amount)!;
      const change = changeOf(grantId);
      if (operation === 'USE' || operation === 'SETTLE') change.remaining -= micros;
      else if (operation === 'EXPIRE') {
        change.remaining -= micros;
        change.expired += micros;
      } else if (expired) change.expired += micros;
      else change.remaining += micros;
    }
    for (const { grantId, amount } of reasons.lapsed ?? []) {
      const change = changeOf(grantId);
      change.remaining -= toMicros(amount)!;
      change.expired += toMicros(amount)!;
    }
    for (const { grantId, amount, expired } of reasons.clawedBack ?? []) {
      const micros = toMicros(amount)!;
      const change = changeOf(grantId);
      change.clawedBack += micros;
      if (expired) change.expired -= micros;
      else change.remaining -= micros;
    }
    for (const { grantId, amount } of reasons.debts ?? []) changeOf(grantId).debt += toMicros(amount)!;
    if (reasons.reversal !== undefined) {
      changeOf(reasons.reversal.grantId).reversed += asked - toMicros(reasons.reversal.before)!;
    }
  }
  const added = decisions.flatMap((decision) => {
    const { grant, description } = decision.reasons;
    if (grant === undefined) return [];
    const { remaining, ...rest } = changeOf(decision.id);
    changes.delete(decision.id);
    return [
      {
        id: decision.id,
        type: grant.type,
        amount: toDecimal(decision.amount),
        ...decimals({ remaining: decision.amount + remaining, ...rest }),
        priority: grant.priority,
        expiresAt: grant.expiresAt,
        description,
        creditRecordId: grant.creditRecordId ?? null,
      },
    ];
  });
  return { changed: [...changes].map(([id, change]) => ({ id, workspaceId, ...decimals(change) })), added };
}

function decimals({ remaining, expired, clawedBack, reversed, debt }: GrantChange) {
  return {
    remaining: toDecimal(remaining),
    expired: toDecimal(expired),
    clawedBack: toDecimal(clawedBack),
    reversed: toDecimal(reversed),
    debt: toDecimal(debt),
  };
}

/** What grants paid for what others owed: a pair is made once, and from then on only gives back. */
function debtRows(decisions: readonly Decision[]): { paid: DebtPaymentRow[]; returned: DebtPaymentRow[] } {
  const sums = new Map<string, { debtorId: string; payerId: string; amount: Micros }>();
  for (const { grantId: payerId, amount, for: debtorId } of decisions.flatMap(
    ({ reasons }) => reasons.clawedBack ?? [],
  )) {
    if (debtorId === undefined) continue;
    const key = `${debtorId} ${payerId}`;
    const before = sums.get(key)?.amount ?? 0n;
    sums.set(key, { debtorId, payerId, amount: before + toMicros(amount)! });
  }
  const rows = [...sums.values()];
  return {
    paid: rows.filter(({ amount }) => amount > 0n).map((row) => ({ ...row, amount: toDecimal(row.amount) })),
    returned: rows
      .filter(({ amount }) => amount < 0n)
      .map((row) => ({ ...row, amount: toDecimal(-row.amount) })),
  };
}

/** What the decisions counted in each period: what is more is added, what is less was given back. */
function usageRows(
  { usages }: State,
  decisions: readonly Decision[],
): Required<Pick<WalletRow, 'used' | 'returned'>> {
  const counted = new Map<string, { id: string; featureCode: string; periodStart: number; amount: Micros }>();
  for (const { id, featureCode, periodStart, fromAllowance, operation } of decisions) {
    if (featureCode === null || periodStart === null || operation === 'HOLD') continue;
    const key = `${featureCode} ${periodStart}`;
    const amount =
      (counted.get(key)?.amount ?? 0n) + (operation === 'REFUND' ? -fromAllowance : fromAllowance);
    counted.set(key, { id, featureCode, periodStart, amount });
  }
  const used: UsageRow[] = [];
  const returned: UsageRow[] = [];
  for (const { id, featureCode, periodStart, amount } of counted.values()) {
    const { periodEnd } = usages.get(featureCode)!.rows.find((row) => row.periodStart === periodStart)!;
    const row = {
      ...{ id, featureCode, periodStart: iso(periodStart) },
      periodEnd: periodEnd === null ? null : iso(periodEnd),
    };
    if (amount > 0n) used.push({ ...row, amount: toDecimal(amount) });
    // As much as was used anew: there is a row, whose end may have moved.
    else returned.push({ ...row, amount: toDecimal(-amount) });
  }
  return { used, returned };
}

/** What became of holds, once for each: its last decision says it. */
function holdRows(decisions: readonly Decision[]): HoldChangeRow[] {
  const changes = new Map<string, HoldChangeRow>();
  for (const { id: decisionId, workspaceId, operation, amount, reasons } of decisions) {
    if (reasons.hold === undefined || operation === 'HOLD') continue;
    const { id, progressAmount, expiresAt } = reasons.hold;
    const status = operation === 'PROGRESS' ? 'HELD' : operation === 'SETTLE' ? 'SETTLED' : 'RELEASED';
    changes.set(id, {
      ...{ id, workspaceId, status, progressAmount, expiresAt },
      settledAmount: operation === 'SETTLE' ? toDecimal(amount) : null,
      endedBy: operation === 'PROGRESS' ? null : decisionId,
      ...(reasons.ai?.work === undefined ? {} : { work: reasons.ai.work }),
    });
  }
  return [...changes.values()];
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
