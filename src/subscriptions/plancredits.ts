import type { Plan } from '../catalog/types.ts';
import { grantPlanCredits } from '../credits/credits.ts';
import { hasAccess } from '../engine/state.ts';
import { type Queryable, transaction } from '../engine/store.ts';
import { type Micros, min } from '../lib/amounts.ts';
import { type Period, periodAt } from '../lib/periods.ts';
import { reversedPart } from '../payments/reversals.ts';
import { type Part, partsOf } from './parts.ts';
import {
  type Due,
  findDueForCredits,
  findPaidPeriods,
  insertPlanCredit,
  type PaidPeriod,
  putPaidPeriod,
  readPlanCredits,
} from './plancredits/store.ts';
import { lockSubscription } from './store.ts';
import type { Kept, SubscriptionServices } from './types.ts';

/**
 * Gives what comes with a plan for the present month, once it is paid for: once for each month, and where a better plan
 * was taken up in it, what that has more. They expire with the month. The workspace's subscription is locked.
 */
export async function givePlanCredits(
  services: SubscriptionServices,
  tx: Queryable,
  workspaceId: string,
): Promise<void> {
  const { catalog, clock } = services;
  const now = clock.now();
  const subscription = await lockSubscription(tx, workspaceId);
  if (subscription === undefined || !givesNow(subscription, now)) return;
  // Also not one that is given later, within a period that was paid for.
  if (subscription.status === 'TRIAL') return;
  const { plan, subscriptionId } = subscription;
  const creditsOf = (of: Plan) => catalog.plans.get(of)?.credits ?? 0n;
  if (creditsOf(plan) === 0n) return;
  const parts = partsOf(await findPaidPeriods(tx, subscription, now), plan, creditsOf);
  if (parts.length === 0) return;

  const month = periodAt('month', anchorOf(subscription), now.getTime());
  const start = new Date(month.start);
  const paymentIds = parts.map(({ paymentId }) => paymentId);
  const given = await readPlanCredits(tx, subscription, { month: start, paymentIds, now });
  // Once for each plan, also where the catalog gives more since.
  if (given.some((credit) => credit.plan === plan)) return;
  let left = given.reduce((rest, { amount }) => rest - amount, creditsOf(plan));
  const gifts: Gift[] = [];
  for (const part of parts) {
    if (given.some((credit) => credit.plan === part.plan)) continue;
    const credits = part.plan === plan ? left : min(part.credits, left);
    if (credits <= 0n) continue;
    left -= credits;
    // Payments are held before the wallet is, as by whoever reverses one: nobody waits in a circle.
    const reversed = part.paymentId === null ? 0n : await reversedPart(tx, part.paymentId, credits);
    gifts.push({ ...part, credits, reversed });
  }
  for (const gift of gifts) await give(services, tx, { workspaceId, subscriptionId, month }, gift);
}

/** Of a payment that has been refunded in part, credits come in part: what of them is taken back at once. */
type Gift = Part & { reversed: Micros };

async function give(
  { engine, catalog, clock }: SubscriptionServices,
  tx: Queryable,
  { workspaceId, subscriptionId, month }: { workspaceId: string; subscriptionId: string; month: Period },
  { plan, credits, paymentId, reversed }: Gift,
): Promise<void> {
  const start = new Date(month.start);
  const description = `${catalog.plans.get(plan)!.name}, ${start.toISOString().slice(0, 10)}`;
  const grant = { workspaceId, credits, description, expiresAt: month.end! };
  const { id: grantId } = await grantPlanCredits({ engine }, grant, tx);
  const credit = { workspaceId, subscriptionId, month: start, plan, amount: credits, grantId, paymentId };
  await insertPlanCredit(tx, credit, clock.now());
  if (reversed > 0n) await engine.clawBackIn(tx, { workspaceId, purchaseId: grantId, amount: reversed });
}

function givesNow(subscription: Kept, now: Date): boolean {
  const { startDate, endDate, graceUntil, cancelAt, status } = subscription;
  return hasAccess(
    {
      status,
      startDate: startDate.getTime(),
      endDate: endDate.getTime(),
      graceUntil: graceUntil?.getTime() ?? null,
      cancelAt: cancelAt?.getTime() ?? null,
    },
    now.getTime(),
  );
}

/** Where its months are counted from, for credits as for allowances. */
function anchorOf({ allowanceAnchor, startDate }: Pick<Kept, 'allowanceAnchor' | 'startDate'>): number {
  return (allowanceAnchor ?? startDate).getTime();
}

/** Keeps what was paid for, and gives what comes with it now. What is kept already changes nothing. */
export async function keepPaidPeriods(
  services: SubscriptionServices,
  tx: Queryable,
  periods: readonly PaidPeriod[],
): Promise<void> {
  for (const period of periods) await putPaidPeriod(tx, period, services.clock.now());
  const workspaceId = periods[0]?.workspaceId;
  if (workspaceId !== undefined) await givePlanCredits(services, tx, workspaceId);
}

const DUE_MAX = 200; // workspaces at a time

/** Gives the credits of months that have begun within a period that was paid before, as those of a year do. */
export async function giveDueCredits(
  services: SubscriptionServices & { report(message: string, error: unknown): void },
): Promise<void> {
  const { pool, catalog, clock, report } = services;
  const plans = [...catalog.plans.values()].filter(({ credits }) => credits > 0n).map(({ plan }) => plan);
  if (plans.length === 0) return;
  for (let after = ''; ; ) {
    const now = clock.now();
    const found = await findDueForCredits(pool, { plans, now, max: DUE_MAX, after });
    for (const { workspaceId } of found.filter((due) => hasBegunMonth(due, now))) {
      try {
        await transaction(pool, (tx: Queryable) => givePlanCredits(services, tx, workspaceId));
      } catch (error) {
        // The others get theirs.
        report(`the credits of the plan of ${workspaceId} could not be given; they will be later`, error);
      }
    }
    if (found.length < DUE_MAX) return;
    after = found.at(-1)!.workspaceId;
  }
}

/** Whether a month has begun since credits were given: looked at before anything is locked. */
function hasBegunMonth({ given, ...subscription }: Due, now: Date): boolean {
  return given === null || given.getTime() < periodAt('month', anchorOf(subscription), now.getTime()).start;
}
