import { type Micros, min, toUnits } from '../lib/amounts.ts';
import type { Reasons } from './operations.ts';
import { bySpendingOrder, type Debt, type Grant, type Lot, type State, type Wallet } from './state.ts';

/** What reversals do in one decision: what is taken from grants and goes back to them, and what is owed by then. */
export type Ledger = {
  readonly debts: Map<string, Debt>;
  /** Below zero: it went back. `debtorId`: to pay what that purchase owed. */
  readonly taken: { lot: Lot; amount: Micros; debtorId?: string }[];
  /** Below zero: less is open. */
  readonly owed: { lot: Lot; amount: Micros }[];
};

export function openLedger({ debts }: State): Ledger {
  return { debts: new Map(debts.map((debt) => [debt.lot.id, debt])), taken: [], owed: [] };
}

/** More of a purchase was spent than it still gives. */
export function owe({ debts, owed }: Ledger, lot: Lot, amount: Micros): void {
  const debt = debts.get(lot.id) ?? { lot, open: 0n, payments: [] };
  debts.set(lot.id, { ...debt, open: debt.open + amount });
  owed.push({ lot, amount });
}

/** A purchase pays what earlier ones owe, the oldest first, as far as it goes. */
export function payDebts({ debts, taken, owed }: Ledger, payer: Lot, amount: Micros): void {
  let left = amount;
  for (const [debtorId, debt] of debts) {
    const paid = min(left, debt.open);
    if (paid === 0n) continue;
    left -= paid;
    const payments = [...debt.payments, { payer, amount: paid }];
    debts.set(debtorId, { ...debt, open: debt.open - paid, payments });
    taken.push({ lot: payer, amount: paid, debtorId });
    owed.push({ lot: debt.lot, amount: -paid });
  }
}

/** Less is owed of a purchase: what is open is cancelled; then what later ones have paid goes back, the last first. */
export function oweLess(ledger: Ledger, debtorId: string, amount: Micros): void {
  const debt = ledger.debts.get(debtorId)!;
  const cancelled = min(amount, debt.open);
  if (cancelled > 0n) ledger.owed.push({ lot: debt.lot, amount: -cancelled });
  const payments: Debt['payments'][number][] = [];
  const returned: typeof payments = [];
  let rest = amount - cancelled;
  for (const { payer, amount: paid } of debt.payments.toReversed()) {
    const back = min(rest, paid);
    rest -= back;
    if (back > 0n) returned.push({ payer, amount: back });
    if (back < paid) payments.unshift({ payer, amount: paid - back });
  }
  const left = { ...debt, open: debt.open - cancelled, payments };
  if (owedOf(left) === 0n) ledger.debts.delete(debtorId);
  else ledger.debts.set(debtorId, left);
  for (const { payer, amount: back } of returned) {
    ledger.taken.push({ lot: payer, amount: -back, debtorId });
    takeAgain(ledger, payer, back);
  }
}

/** Credits have come back to a grant. Where its purchase owes, they are taken at once, and it owes so much less. */
export function takeAgain(ledger: Ledger, lot: Lot, amount: Micros): void {
  const debt = ledger.debts.get(lot.id);
  if (debt === undefined) return;
  const taken = min(amount, owedOf(debt));
  ledger.taken.push({ lot, amount: taken });
  oweLess(ledger, lot.id, taken);
}

/** What is owed of a purchase in all, open or paid by later ones. */
function owedOf({ open, payments }: Debt): Micros {
  return payments.reduce((sum, { amount }) => sum + amount, open);
}

/** The parts of a state that a ledger changes, and what a decision says of it. */
export function settle(
  { grants, wallet }: { grants: readonly Grant[]; wallet: Wallet },
  { debts, taken, owed }: Ledger,
  now: number,
): { changes: Pick<State, 'grants' | 'wallet' | 'debts'>; reasons: Pick<Reasons, 'clawedBack' | 'debts'> } {
  const left = new Map(grants.map((grant) => [grant.id, grant]));
  const after = { ...wallet };
  for (const { lot, amount } of taken) {
    after.clawedBack += amount;
    // What has expired is in no balance, wherever it is counted.
    if (isOver(lot, now)) after.expired -= amount;
    else {
      after.balance -= amount;
      left.set(lot.id, { ...lot, remaining: (left.get(lot.id)?.remaining ?? 0n) - amount });
    }
  }
  for (const { amount } of owed) after.debt += amount;
  return {
    changes: {
      wallet: after,
      grants: [...left.values()].filter(({ remaining }) => remaining > 0n).sort(bySpendingOrder),
      debts: [...debts.values()].sort(byAge),
    },
    reasons: {
      ...(taken.length === 0 ? {} : { clawedBack: taken.map((entry) => told(entry, now)) }),
      ...(owed.length === 0
        ? {}
        : { debts: owed.map(({ lot, amount }) => ({ grantId: lot.id, amount: toUnits(amount) })) }),
    },
  };
}

function told({ lot, amount, debtorId }: Ledger['taken'][number], now: number) {
  return {
    grantId: lot.id,
    amount: toUnits(amount),
    ...(debtorId === undefined ? {} : { for: debtorId }),
    ...(isOver(lot, now) ? { expired: true as const } : {}),
  };
}

export function isOver({ expiresAt }: Pick<Lot, 'expiresAt'>, now: number): boolean {
  return expiresAt !== null && expiresAt <= now;
}

/** The order in which debts are paid: that of the purchases. */
export function byAge(a: Debt, b: Debt): number {
  return a.lot.createdAt - b.lot.createdAt || (a.lot.id < b.lot.id ? -1 : 1);
}
