import { PLANS, type Plan } from '../catalog/types.ts';
import { grantPlanCredits } from '../credits/credits.ts';
import { hasAccess } from '../engine/state.ts';
import { type Queryable, transaction } from '../engine/store.ts';
import { periodAt } from '../lib/periods.ts';
import { reversedPart } from '../payments/reversals.ts';
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
  const { catalog, clock, engine } = services;
  const now = clock.now();
  const subscription = await lockSubscription(tx, workspaceId);
  if (subscription === undefined || !givesNow(subscription, now)) return;
  // Also not one that is given later, within a period that was paid for.
  if (subscription.status === 'TRIAL') return;
  const { plan, subscriptionId } = subscription;
  const included = catalog.plans.get(plan)?.credits ?? 0n;
  if (included === 0n) return;
  const paid = (await findPaidPeriods(tx, subscription, now)).find((period) => isAtLeast(period.plan, plan));
  if (paid === undefined) return;

  const month = periodAt('month', anchorOf(subscription), now.getTime());
  const start = new Date(month.start);
  const { paymentId } = paid;
  const given = await readPlanCredits(tx, subscription, { month: start, paymentId, now });
  // Once for each plan, also where the catalog gives more since.
  if (given.some((credit) => credit.plan === plan)) return;
  const rest = given.reduce((left, { amount }) => left - amount, included);
  if (rest <= 0n) return;
  // Of a payment that has been refunded in part, they come in part.
  const reversed = paymentId === null ? 0n : await reversedPart(tx, paymentId, rest);
  const description = `${catalog.plans.get(plan)!.name}, ${start.toISOString().slice(0, 10)}`;
  const grant = { workspaceId, credits: rest, description, expiresAt: month.end! };
  const { id: grantId } = await grantPlanCredits({ engine }, grant, tx);
  await insertPlanCredit(
    tx,
    { workspaceId, subscriptionId, month: start, plan, amount: rest, grantId, paymentId },
    now,
  );
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

function isAtLeast(plan: Plan, other: Plan): boolean {
  return PLANS.indexOf(plan) >= PLANS.indexOf(other);
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
