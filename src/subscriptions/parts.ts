import { PLANS, type Plan } from '../catalog/types.ts';
import type { Micros } from '../lib/amounts.ts';

/** A period that is paid for and lasts now. */
export type Paid = { plan: Plan; paymentId: string | null; endDate: Date };

/** What one payment gives of a month. */
export type Part = { plan: Plan; credits: Micros; paymentId: string | null };

/**
 * Which payments give the credits of a month, and how many each. Who takes up a better plan within a period pays for what
 * that has more: the rest is the first payment's still. A period of its own, as after a change of interval, pays for all.
 * None where nothing as good as the plan is paid for. `paid`: the latest first.
 */
export function partsOf(paid: readonly Paid[], plan: Plan, creditsOf: (plan: Plan) => Micros): Part[] {
  const last = paid.find((period) => isAtLeast(period.plan, plan));
  if (last === undefined) return [];
  const lesser = paid
    .filter((one) => !isAtLeast(one.plan, plan) && one.endDate.getTime() === last.endDate.getTime())
    .reverse();
  const parts: Part[] = [];
  let sum = 0n;
  for (const { plan: of, paymentId } of [...lesser, { ...last, plan }]) {
    const credits = creditsOf(of) - sum;
    if (credits <= 0n) continue;
    parts.push({ plan: of, credits, paymentId });
    sum += credits;
  }
  return parts;
}

function isAtLeast(plan: Plan, other: Plan): boolean {
  return PLANS.indexOf(plan) >= PLANS.indexOf(other);
}
