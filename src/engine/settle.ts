import { AMOUNT_MAX, affordableAmount, type Micros, max, min, multiplyUp, toUnits } from '../lib/amounts.ts';
import { isOver, openLedger, settle as settleDebts, takeAgain } from './debts.ts';
import { holdReason } from './hold.ts';
import type { Decision, ReleaseOperation, SettleOperation } from './operations.ts';
import { allowanceOf, allowanceReasonOf, type Context, leftOf, termsOf, wholeIf } from './quote.ts';
import { countUsed, type Grant, type Hold, type Share, type State, unheld } from './state.ts';
import { balanceReason, decisionOf, judgeTopUp, nextState, type Step } from './step.ts';
import { payersOf, sourceOf, takeShares } from './use.ts';

/**
 * Ends a hold with what the work came to. What was held pays for what was held, on the terms that it was held on: its
 * period, its price, its grants. What is used beyond that is charged as far as it can be paid; the shortfall says the rest.
 */
export function settle(state: State, operation: SettleOperation, held: Hold, context: Context): Step {
  const charge = chargeOf(state, held, operation.amount, context);
  const { own, back } = divide(held.shares, charge.creditCost);
  const beyond = charge.creditCost - held.creditCost;
  const others = beyond > 0n ? payersOf(spendable(state, context.now), beyond) : [];
  const paid = merged([...own, ...others]);
  const { after, reasons } = end(state, held, { ...charge, paid, back }, context);
  const shortfall = operation.amount - charge.amount;
  const decision: Decision = {
    ...decisionOf(operation, context),
    featureCode: held.featureCode,
    amount: charge.amount,
    fromAllowance: charge.fromAllowance,
    fromCredits: charge.fromCredits,
    creditCost: charge.creditCost,
    periodStart: charge.fromAllowance > 0n ? (held.period?.start ?? null) : null,
    reasons: {
      ...balanceReason(after),
      ...(held.ai === null ? {} : { ai: held.ai }),
      ...(charge.creditsPerUnit === null ? {} : { creditsPerUnit: toUnits(charge.creditsPerUnit) }),
      allowance: allowanceReasonOf(after, held.featureCode, context),
      ...(paid.length === 0 ? {} : { sources: paid.map(sourceOf) }),
      ...reasons,
      ...(shortfall === 0n ? {} : { shortfall: toUnits(shortfall) }),
      hold: holdReason(held),
    },
  };
  return { state: charge.creditCost === 0n ? after : judgeTopUp(after), decision };
}

/** Ends a hold of which nothing was used: all of it goes back. */
export function release(state: State, operation: ReleaseOperation, held: Hold, context: Context): Step {
  const { after, reasons } = end(
    state,
    held,
    { fromAllowance: 0n, creditCost: 0n, paid: [], back: held.shares },
    context,
  );
  const decision: Decision = {
    ...decisionOf(operation, context),
    featureCode: held.featureCode,
    amount: held.amount,
    reasons: {
      ...balanceReason(after),
      ...(held.ai === null ? {} : { ai: held.ai }),
      allowance: allowanceReasonOf(after, held.featureCode, context),
      ...reasons,
      hold: holdReason(held),
    },
  };
  return { state: after, decision };
}

type Charge = Pick<Decision, 'amount' | 'fromAllowance' | 'fromCredits' | 'creditCost'> &
  Pick<Hold, 'creditsPerUnit'>;

/** What an amount comes to on the terms of a hold: all of it, or, where it is more than was held, what can be paid. */
function chargeOf(state: State, held: Hold, asked: Micros, context: Context): Charge {
  if (asked <= held.amount) return charged(asked, min(asked, held.fromAllowance), held.creditsPerUnit);
  const { left, creditsPerUnit } = termsBeyond(state, held, context);
  const budget = held.creditCost + totalOf(spendable(state, context.now).map(({ remaining }) => remaining));
  const payable = creditsPerUnit === null ? 0n : affordableAmount(budget, creditsPerUnit);
  const whole = context.catalog.features.get(held.featureCode)?.whole ?? false;
  const amount = min(asked, max(held.amount, wholeIf(whole, held.fromAllowance + left + payable)));
  return charged(amount, held.fromAllowance + min(amount - held.amount, left), creditsPerUnit);
}

function charged(amount: Micros, fromAllowance: Micros, creditsPerUnit: Hold['creditsPerUnit']): Charge {
  const fromCredits = amount - fromAllowance;
  return {
    ...{ amount, fromAllowance, fromCredits, creditsPerUnit },
    creditCost: multiplyUp(fromCredits, creditsPerUnit ?? 0n),
  };
}

/**
 * What pays for more than was held: what is left of the allowance, if that is still the one of the hold's period; then
 * credits at the hold's price, or, where it has none, at that of the present plan.
 */
function termsBeyond(
  state: State,
  { featureCode, period, creditsPerUnit }: Hold,
  context: Context,
): { left: Micros; creditsPerUnit: Hold['creditsPerUnit'] } {
  const terms = termsOf(context);
  if (terms.switches.has(featureCode)) return { left: AMOUNT_MAX, creditsPerUnit };
  const meter = terms.meters.get(featureCode);
  if (meter === undefined) return { left: 0n, creditsPerUnit };
  const allowance = allowanceOf(state, featureCode, meter, context);
  const isSame = period !== null && period.start === allowance.periodStart;
  const price = meter.overage.type === 'credits' ? meter.overage.creditsPerUnit : null;
  return { left: isSame ? leftOf(allowance) : 0n, creditsPerUnit: creditsPerUnit ?? price };
}

type Ended = Pick<Charge, 'fromAllowance' | 'creditCost'> & {
  /** What grants pay, and what goes back to them. */
  paid: readonly Share[];
  back: readonly Share[];
};

/**
 * A state without a hold. What comes back to a purchase that was reversed is first taken for what it owes; what comes
 * back to a grant that is over by now is gone.
 */
function end(
  state: State,
  held: Hold,
  { fromAllowance, creditCost, paid, back }: Ended,
  { now }: Context,
): { after: State; reasons: Partial<Decision['reasons']> } {
  const grants = new Map(state.grants.map((grant) => [grant.id, grant]));
  const lapsed = back.filter(({ grantId }) => isOver(grants.get(grantId)!, now));
  const gone = totalOf(lapsed.map(({ amount }) => amount));
  const { wallet, usages } = state;
  const ledger = openLedger(state);
  for (const { grantId, amount } of back) takeAgain(ledger, grants.get(grantId)!, amount);
  const { changes, reasons } = settleDebts(
    {
      grants: takeShares(takeShares(state.grants, paid), lapsed),
      wallet: {
        ...wallet,
        balance: wallet.balance - creditCost - gone,
        totalUsage: wallet.totalUsage + creditCost,
        expired: wallet.expired + gone,
        held: wallet.held - held.creditCost,
      },
    },
    ledger,
    now,
  );
  const after = nextState(state, {
    ...changes,
    holds: state.holds.filter(({ id }) => id !== held.id),
    usages:
      held.period === null || fromAllowance === 0n
        ? usages
        : countUsed(usages, held.featureCode, {
            periodStart: held.period.start,
            periodEnd: held.period.end,
            used: fromAllowance,
          }),
  });
  return { after, reasons: { ...reasons, ...(lapsed.length === 0 ? {} : { lapsed: lapsed.map(sourceOf) }) } };
}

/** What of a hold's shares pays a cost, in their order, and what is left of them. */
function divide(shares: readonly Share[], cost: Micros): { own: Share[]; back: Share[] } {
  const own: Share[] = [];
  const back: Share[] = [];
  let due = cost;
  for (const { grantId, amount } of shares) {
    const paid = min(due, amount);
    due -= paid;
    if (paid > 0n) own.push({ grantId, amount: paid });
    if (paid < amount) back.push({ grantId, amount: amount - paid });
  }
  return { own, back };
}

/** One share for each grant. */
function merged(shares: readonly Share[]): Share[] {
  const sums = new Map<string, Micros>();
  for (const { grantId, amount } of shares) sums.set(grantId, (sums.get(grantId) ?? 0n) + amount);
  return [...sums].map(([grantId, amount]) => ({ grantId, amount }));
}

/** What can be spent at an instant: what is not held, and not over. What is over may not have been booked yet. */
function spendable(state: State, now: number): Grant[] {
  return unheld(state).filter((grant) => !isOver(grant, now));
}

function totalOf(amounts: readonly Micros[]): Micros {
  return amounts.reduce((sum, amount) => sum + amount, 0n);
}
