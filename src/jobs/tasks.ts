import type { CronItem, Task, TaskList } from 'graphile-worker';
import { TOP_UP_TASK } from '../engine/write.ts';
import { takeUnheard } from '../payments/payments.ts';
import { applyEvent, applyObjects } from '../stripe/apply.ts';
import { commit } from '../stripe/change.ts';
import { isMissing } from '../stripe/client.ts';
import { reconcile } from '../stripe/reconcile/reconcile.ts';
import type { StripeServices } from '../stripe/services.ts';
import { giveUpSession, readSession } from '../stripe/sessions.ts';
import { CUSTOMER_TASK, EVENT_TASK, REPLAY_TASK, requeueEvents } from '../stripe/store.ts';
import { readSubscriptions } from '../stripe/subscriptions/reading.ts';
import { chargeTopUp, lookAfterTopUps } from '../stripe/topups/charge.ts';
import { giveDueCredits } from '../subscriptions/plancredits.ts';
import { findOverdueCustomers } from '../subscriptions/subscriptions.ts';
import { findWorkspacesWithExpired } from './store.ts';

/** Everything that happens later, by name. */
export function tasksOf(services: StripeServices): TaskList {
  const inTurn = takingTurns();
  const works: Record<string, (payload: unknown) => Promise<void>> = {
    [CUSTOMER_TASK]: (payload) =>
      inTurn(idIn(payload), () => applyObjects(services, (payload as { objectIds: string[] }).objectIds)),
    [EVENT_TASK]: (payload) => applyEvent(services, idIn(payload)),
    [REPLAY_TASK]: (payload) => applyEvent(services, idIn(payload), { again: true }),
    'stripe.requeue': () => requeueWaiting(services, LOST_AFTER_MS),
    'checkouts.reread': () => rereadCheckouts(services),
    'subscriptions.reread': () => rereadSubscriptions(services),
    'plans.credits': () => giveDueCredits(services),
    'stripe.reconcile': () => reconcileNightly(services),
    'credits.expire': () => expireCredits(services),
    'holds.expire': () => services.engine.bookExpired(),
    [TOP_UP_TASK]: (payload) => chargeTopUp(services, idIn(payload)),
    'topups.lookAfter': () => lookAfterTopUps(services),
  };
  return Object.fromEntries(Object.entries(works).map(([name, work]) => [name, abortable(work)]));
}

/** Lets one work after the other be done for the same customer: side by side they would wait for each other's locks. */
function takingTurns() {
  const last = new Map<string, Promise<void>>();
  return async (id: string, work: () => Promise<void>): Promise<void> => {
    const before = last.get(id) ?? Promise.resolve();
    const own = before.then(work, work);
    last.set(id, own);
    try {
      await own;
    } finally {
      if (last.get(id) === own) last.delete(id);
    }
  };
}

function idIn(payload: unknown): string {
  return (payload as { id: string }).id;
}

/** A worker that stops does not wait for a Stripe that does not answer: the job is tried again by the next one. */
function abortable(work: (payload: unknown) => Promise<void>): Task {
  return (payload, { abortPromise }) => Promise.race([work(payload), abortPromise]);
}

/** When it happens. A run that failed is not repeated: the next one does the same. */
export const SCHEDULE: CronItem[] = [
  { task: 'stripe.requeue', match: '* * * * *' },
  { task: 'checkouts.reread', match: '* * * * *' },
  { task: 'subscriptions.reread', match: '*/10 * * * *' },
  { task: 'plans.credits', match: '* * * * *' },
  { task: 'stripe.reconcile', match: '17 3 * * *' },
  { task: 'credits.expire', match: '*/5 * * * *' },
  { task: 'holds.expire', match: '* * * * *' },
  { task: 'topups.lookAfter', match: '* * * * *' },
].map((item) => ({ ...item, options: { maxAttempts: 1, jobKey: item.task } }));

/** Jobs wait less than this unless there is a flood, and then asking again for them changes nothing. */
const LOST_AFTER_MS = 60_000;
const REQUEUED_MAX = 1000;

/**
 * Takes up events that wait without a job, because their process ended before it gave them one, or in the middle of it: a
 * worker's lock would hold them for hours.
 */
export async function requeueWaiting({ pool, clock }: StripeServices, olderThanMs: number): Promise<void> {
  await requeueEvents(pool, new Date(clock.now().getTime() - olderThanMs), REQUEUED_MAX);
}

/** Reads the sessions of open checkouts again: a webhook that was lost must not lose money. */
export async function rereadCheckouts(services: StripeServices): Promise<void> {
  for (const sessionId of await takeUnheard(services)) {
    try {
      await commit(services, await readSession(services, sessionId));
    } catch (error) {
      if (isMissing(error)) await giveUp(services, sessionId, error);
      else services.report(`the session ${sessionId} could not be read again; it will be later`, error);
    }
  }
}

/** Said once: what was begun at the simulator, or at another account, is never found at this one. */
async function giveUp(services: StripeServices, sessionId: string, error: unknown): Promise<void> {
  await commit(services, (tx) => giveUpSession(services, tx, sessionId));
  services.report(`Stripe has no session ${sessionId} under this key: its checkout has FAILED`, error);
}

/** Stripe renews within the hour after a period; whoever is late by more may have told us in vain. */
const OVERDUE_AFTER_MS = 2 * 3_600_000;
const OVERDUE_MAX = 50; // customers at a time

/** Reads subscriptions again that should have been renewed or ended, and of which nothing was heard. */
export async function rereadSubscriptions(services: StripeServices): Promise<void> {
  const endedBefore = new Date(services.clock.now().getTime() - OVERDUE_AFTER_MS);
  for (let after = ''; ; ) {
    const page = await findOverdueCustomers(services.pool, { endedBefore, after, max: OVERDUE_MAX });
    for (const customerId of page) {
      try {
        await commit(services, await readSubscriptions(services, customerId));
      } catch (error) {
        services.report(
          `the subscriptions of ${customerId} could not be read again; they will be later`,
          error,
        );
      }
    }
    if (page.length < OVERDUE_MAX) return;
    after = page.at(-1)!;
  }
}

/** A night may fail, and so may a weekend; what is older can be asked for with `tollgate reconcile`. */
const RECONCILED_DAYS = 7;

/** Compares everything with Stripe. Whatever differs means that webhooks are lost, which somebody should know. */
async function reconcileNightly(services: StripeServices): Promise<void> {
  const say = (line: string) => services.report('Stripe and Tollgate differed', line);
  await reconcile(services, { days: RECONCILED_DAYS, say });
}

/** Books expired credits of workspaces that nobody uses; where somebody does, the engine has booked them already. */
export function expireCredits({ pool, engine, clock }: StripeServices): Promise<void> {
  return engine.expireFound((max) => findWorkspacesWithExpired(pool, clock.now(), max));
}
