import { type Micros, toDecimal, toMicros } from '../lib/amounts.ts';
import { toIso, toIsoOrNull } from '../lib/times.ts';
import type { Decision } from './operations.ts';
import type { State } from './state.ts';
import type { PricedWork } from './work.ts';

/** What one workspace has written in a batch: its new state, guarded by the version that was decided on, and why. */
export type WorkspaceWrite = {
  wallet: WalletRow;
  decisions: readonly Decision[];
  newGrants: readonly NewGrantRow[];
  /** By how much grants move. */
  grantChanges: readonly GrantChangeRow[];
  /** Counted in periods, and given back to them. */
  used: readonly UsageRow[];
  returned: readonly UsageRow[];
  refundedUses: readonly RowOfWorkspace[];
  /** What grants paid for what others owed, and what they got back of it. */
  debtsPaid: readonly DebtPaymentRow[];
  debtsReturned: readonly DebtPaymentRow[];
  /** Holds that were reported on or ended. New ones are made of their decisions. */
  holdChanges: readonly HoldChangeRow[];
};

/** Rows as the statement in write.ts reads them: amounts are decimal texts, times ISO 8601. */
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
  held: string;
  keys: string[];
  topUpBelow: string | null;
  isTopUpDue: boolean;
};

export type RowOfWorkspace = { id: string; workspaceId: string };

export type GrantChangeRow = RowOfWorkspace & Record<keyof GrantChange, string>;

export type NewGrantRow = GrantChangeRow & {
  type: string;
  amount: string;
  priority: number;
  expiresAt: string | null;
  description: string | undefined;
  creditRecordId: string | null;
};

/** The id is for a row that is not there yet; an existing row keeps its own. */
export type UsageRow = RowOfWorkspace & {
  featureCode: string;
  periodStart: string;
  periodEnd: string | null;
  amount: string;
};

export type DebtPaymentRow = { workspaceId: string; debtorId: string; payerId: string; amount: string };

export type HoldChangeRow = RowOfWorkspace & {
  status: 'HELD' | 'SETTLED' | 'RELEASED';
  progressAmount: number;
  settledAmount: string | null;
  endedBy: string | null;
  expiresAt: string;
  work?: PricedWork;
};

/** The rows of one workspace's decisions, which lead from one state to the other. */
export function rowsOf(before: State, after: State, decisions: readonly Decision[]): WorkspaceWrite {
  const { workspaceId, wallet } = after;
  return {
    wallet: {
      workspaceId,
      version: before.version,
      nextVersion: after.version,
      balance: toDecimal(wallet.balance),
      total: toDecimal(wallet.total),
      totalUsage: toDecimal(wallet.totalUsage),
      expired: toDecimal(wallet.expired),
      clawedBack: toDecimal(wallet.clawedBack),
      debt: toDecimal(wallet.debt),
      held: toDecimal(wallet.held),
      keys: decisions.flatMap(({ idempotency }) => (idempotency === null ? [] : [idempotency.key])),
      topUpBelow: after.topUpBelow === null ? null : toDecimal(after.topUpBelow),
      isTopUpDue: after.topUpBelow === null && before.topUpBelow !== null,
    },
    decisions,
    ...grantRows(workspaceId, decisions),
    ...usageRows(after, decisions),
    refundedUses: decisions.flatMap(({ refundOf, reasons }) =>
      refundOf !== null && (reasons.refunded?.creditUsage || reasons.refunded?.ai)
        ? [{ id: refundOf, workspaceId }]
        : [],
    ),
    ...debtRows(workspaceId, decisions),
    holdChanges: holdRows(decisions),
  };
}

/** By how much the figures of a grant move. */
type GrantChange = { remaining: Micros; expired: Micros; clawedBack: Micros; reversed: Micros; debt: Micros };

const UNMOVED: GrantChange = { remaining: 0n, expired: 0n, clawedBack: 0n, reversed: 0n, debt: 0n };

/** What the decisions did to grants, summed for each. A grant made here is written as it stands at the end. */
function grantRows(
  workspaceId: string,
  decisions: readonly Decision[],
): Pick<WorkspaceWrite, 'newGrants' | 'grantChanges'> {
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
  const newGrants = decisions.flatMap((decision) => {
    const { grant, description } = decision.reasons;
    if (grant === undefined) return [];
    const { remaining, ...rest } = changeOf(decision.id);
    changes.delete(decision.id);
    return [
      {
        ...{ id: decision.id, workspaceId },
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
  const grantChanges = [...changes].map(([id, change]) => ({ id, workspaceId, ...decimals(change) }));
  return { newGrants, grantChanges };
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
function debtRows(
  workspaceId: string,
  decisions: readonly Decision[],
): Pick<WorkspaceWrite, 'debtsPaid' | 'debtsReturned'> {
  const sums = new Map<string, { debtorId: string; payerId: string; amount: Micros }>();
  for (const { grantId: payerId, amount, for: debtorId } of decisions.flatMap(
    ({ reasons }) => reasons.clawedBack ?? [],
  )) {
    if (debtorId === undefined) continue;
    const key = `${debtorId} ${payerId}`;
    const before = sums.get(key)?.amount ?? 0n;
    sums.set(key, { debtorId, payerId, amount: before + toMicros(amount)! });
  }
  const rows = [...sums.values()].map((row) => ({ ...row, workspaceId }));
  return {
    debtsPaid: rows
      .filter(({ amount }) => amount > 0n)
      .map((row) => ({ ...row, amount: toDecimal(row.amount) })),
    debtsReturned: rows
      .filter(({ amount }) => amount < 0n)
      .map((row) => ({ ...row, amount: toDecimal(-row.amount) })),
  };
}

/** What the decisions counted in each period: what is more is added, what is less was given back. */
function usageRows(
  { workspaceId, usages }: State,
  decisions: readonly Decision[],
): Pick<WorkspaceWrite, 'used' | 'returned'> {
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
      ...{ id, workspaceId, featureCode },
      ...{ periodStart: toIso(periodStart), periodEnd: toIsoOrNull(periodEnd) },
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
