import type { Queryable } from '../engine/store.ts';
import { newId } from '../lib/ids.ts';
import { givePlanCredits } from './plancredits.ts';
import {
  findWorkspacesOfPayer,
  lockSubscription,
  noteReading,
  numberReading,
  putSubscription,
} from './store.ts';
import type { Kept, Standing, SubscriptionServices } from './types.ts';

/** A reading of a payer's subscriptions at the provider. Readings are numbered in the order in which they were begun. */
export type Reading = { paymentUserId: string; number: number };

/** Begins a reading, before the provider is asked; null where the customer is no payer of ours. */
export function beginReading(
  { pool }: Pick<SubscriptionServices, 'pool'>,
  customerId: string,
): Promise<Reading | null> {
  return numberReading(pool, customerId);
}

/** Workspaces that more than one subscription is paid for, and by which. */
export type Doubled = { workspaceId: string; subscriptionIds: string[] };

/**
 * Brings the workspaces of a payer to the subscriptions that were read: all that the payer has or had. What was read is
 * applied only if nothing is that was begun later; what is doubled is said in any case, because whoever applied the later one
 * may have had nobody to say it to.
 */
export async function applySubscriptions(
  services: SubscriptionServices,
  tx: Queryable,
  reading: Reading,
  standings: readonly Standing[],
): Promise<Doubled[]> {
  const isLatest = await noteReading(tx, reading);
  const kept = await findWorkspacesOfPayer(tx, reading.paymentUserId);
  const workspaceIds = new Set([...kept, ...standings.map(({ workspaceId }) => workspaceId)]);
  const doubled: Doubled[] = [];
  // In one order, whoever does it: two payers of a workspace wait for each other, and not in a circle.
  for (const workspaceId of [...workspaceIds].sort()) {
    const own = standings.filter((standing) => standing.workspaceId === workspaceId);
    const before = await lockSubscription(tx, workspaceId);
    const isRead = own.some(({ subscriptionId }) => subscriptionId === before?.subscriptionId);
    const known: (Standing | Kept)[] = before === undefined || isRead ? own : [before, ...own];
    if (isLatest) await applyTo(services, tx, { workspaceId, before, known });
    const live = known.filter(({ status }) => RANK[status] === 0);
    if (live.length > 1) {
      doubled.push({ workspaceId, subscriptionIds: live.map(({ subscriptionId }) => subscriptionId) });
    }
  }
  return doubled;
}

async function applyTo(
  services: SubscriptionServices,
  tx: Queryable,
  {
    workspaceId,
    before,
    known,
  }: { workspaceId: string; before: Kept | undefined; known: readonly (Standing | Kept)[] },
): Promise<void> {
  const chosen = chooseSubscription(known, before?.subscriptionId);
  if (chosen !== undefined && chosen !== before) {
    const after = keep(chosen as Standing, before, services.catalog.graceDays);
    await putSubscription(tx, after, services.clock.now());
  }
  await givePlanCredits(services, tx, workspaceId);
}

/** Which of several subscriptions a workspace is on: one that gives its plan, or may again, before one that has ended. */
const RANK: Record<Standing['status'], number> = { ACTIVE: 0, TRIAL: 0, PAST_DUE: 0, UNPAID: 1, CANCELED: 2 };

/**
 * The subscription that counts, whichever order they are told in: of those that go on, the oldest; of those that ended, the
 * latest. The provider counts in seconds: of two that began in one, the one that counts already.
 */
export function chooseSubscription<T extends Pick<Standing, 'status' | 'startDate' | 'subscriptionId'>>(
  known: readonly T[],
  keptId: string | undefined,
): T | undefined {
  return known.toSorted(
    (a, b) =>
      RANK[a.status] - RANK[b.status] ||
      (a.startDate.getTime() - b.startDate.getTime()) * (a.status === 'CANCELED' ? -1 : 1) ||
      Number(b.subscriptionId === keptId) - Number(a.subscriptionId === keptId) ||
      (a.subscriptionId < b.subscriptionId ? -1 : 1),
  )[0];
}

const DAY_MS = 86_400_000;

/** A subscription as it is kept. Its grace counts from the first failure: a later one does not begin it anew. */
function keep({ pastDueSince, ...standing }: Standing, before: Kept | undefined, graceDays: number): Kept {
  const isSame = before?.subscriptionId === standing.subscriptionId;
  const begun = isSame && before.status === 'PAST_DUE' ? before.graceUntil : null;
  const graceUntil =
    standing.status === 'PAST_DUE' && pastDueSince !== null
      ? (begun ?? new Date(pastDueSince.getTime() + graceDays * DAY_MS))
      : null;
  return {
    ...standing,
    id: before?.id ?? newId('sub'),
    allowanceAnchor: standing.trialEnd,
    // A workspace has one trial: that it had one outlasts the subscription.
    trialEnd: standing.trialEnd ?? before?.trialEnd ?? null,
    graceUntil,
  };
}

/** Ends a subscription that the provider has no more, in the caller's transaction. */
export async function endSubscription(
  { clock }: Pick<SubscriptionServices, 'clock'>,
  tx: Queryable,
  workspaceId: string,
  subscriptionId: string,
): Promise<void> {
  const now = clock.now();
  const kept = await lockSubscription(tx, workspaceId);
  if (kept?.subscriptionId !== subscriptionId || kept.status === 'CANCELED') return;
  const ended = {
    status: 'CANCELED',
    endDate: now,
    cancelAt: null,
    graceUntil: null,
    pending: null,
  } as const;
  await putSubscription(tx, { ...kept, ...ended }, now);
}
