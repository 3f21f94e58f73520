import { priceOfPack } from '../catalog/pricing.ts';
import { workspaceNotFound } from '../engine/batch.ts';
import { type Queryable, transaction } from '../engine/store.ts';
import { type Micros, toUnits } from '../lib/amounts.ts';
import { Refusal } from '../lib/errors.ts';
import { findOrMakePayer } from '../payments/payers.ts';
import { type Payer, type PaymentServices, workspaceExists } from '../payments/payments.ts';
import { monthOf } from './declines.ts';
import {
  deleteTopUp,
  disable,
  disarm,
  lockTopUp,
  makeReady,
  putSettings,
  readSpent,
  readTopUp,
  readUnderWay,
} from './store.ts';
import type { Settings, Status, TopUp } from './types.ts';

export type TopUpInput = {
  workspaceId: string;
  user: { userId: string; email: string };
  threshold: Micros;
  pack: string;
  currency?: string | undefined;
  monthlyMax: Micros;
  enabled: boolean;
};

/**
 * Keeps a wallet topped up from now on, or no longer. Settings that change begin anew, whatever was declined before;
 * the same ones again change nothing.
 */
export async function putTopUp(services: PaymentServices, input: TopUpInput): Promise<TopUpAnswer> {
  const { workspaceId, user, enabled } = input;
  const settings = settingsOf(services, input);
  await transaction(services.pool, async (tx) => {
    if (!(await workspaceExists(tx, workspaceId))) throw workspaceNotFound(workspaceId);
    const now = services.clock.now();
    const payer = await findOrMakePayer(tx, user, now);
    const before = await lockTopUp(tx, workspaceId);
    if (before !== undefined && isSame(before, settings, payer, enabled)) return;
    await putSettings(tx, workspaceId, payer, settings, now);
    if (!enabled) {
      await disarm(tx, workspaceId, now);
      await disable(tx, workspaceId, now);
    } else if (before?.status !== 'PENDING') await makeReady(tx, workspaceId, now);
    // A payment that is under way comes to its end, and what follows then goes by the new settings.
  });
  return getTopUp(services, workspaceId);
}

function settingsOf({ catalog }: PaymentServices, input: TopUpInput): Settings {
  const { threshold, pack, monthlyMax } = input;
  const { amount, currency } = priceOfPack(catalog, pack, input.currency);
  if (monthlyMax < amount) {
    const message = `monthlyMax is less than the pack costs: ${toUnits(amount)} ${currency}.`;
    throw new Refusal('invalid_request', message, { param: 'monthlyMax' });
  }
  return { threshold, pack, currency, monthlyMax };
}

function isSame(
  before: TopUp,
  { threshold, pack, currency, monthlyMax }: Settings,
  payer: Payer,
  enabled: boolean,
) {
  return (
    before.threshold === threshold &&
    before.pack === pack &&
    before.currency === currency &&
    before.monthlyMax === monthlyMax &&
    before.payer.id === payer.id &&
    enabled === (before.status !== 'DISABLED')
  );
}

/** A wallet is no longer kept topped up. A payment that is under way is booked all the same. */
export async function dropTopUp({ pool, clock }: PaymentServices, workspaceId: string): Promise<void> {
  await transaction(pool, async (tx) => {
    if ((await lockTopUp(tx, workspaceId)) === undefined) throw notToppedUp(workspaceId);
    await disarm(tx, workspaceId, clock.now());
    await deleteTopUp(tx, workspaceId);
  });
}

export type TopUpAnswer = {
  workspaceId: string;
  paymentUserId: string;
  enabled: boolean;
  threshold: number;
  pack: string;
  currency: string;
  monthlyMax: number;
  spentThisMonth: number;
  status: Status;
  why: string | null;
  nextTryAt: string | null;
  link: { url: string; expiresAt: string } | null;
};

export async function getTopUp(
  { pool, clock }: Pick<PaymentServices, 'pool' | 'clock'>,
  workspaceId: string,
): Promise<TopUpAnswer> {
  const topUp = await readTopUp(pool, workspaceId);
  if (topUp === undefined) throw notToppedUp(workspaceId);
  const now = clock.now();
  const underWay = topUp.checkoutId === null ? undefined : await readUnderWay(pool, topUp.checkoutId);
  const page = underWay?.page ?? null;
  return {
    workspaceId,
    paymentUserId: topUp.payer.id,
    enabled: topUp.status !== 'DISABLED',
    threshold: toUnits(topUp.threshold),
    pack: topUp.pack,
    currency: topUp.currency,
    monthlyMax: toUnits(topUp.monthlyMax),
    spentThisMonth: toUnits(await readSpent(pool, topUp, monthOf(now))),
    status: topUp.status,
    why: topUp.why,
    nextTryAt: topUp.nextTryAt?.toISOString() ?? null,
    link:
      page === null || page.expiresAt <= now
        ? null
        : { url: page.url, expiresAt: page.expiresAt.toISOString() },
  };
}

export function notToppedUp(workspaceId: string): Refusal {
  return new Refusal('not_found', `The workspace ${JSON.stringify(workspaceId)} is not kept topped up.`);
}

/** Whether a payer keeps a workspace topped up: then the cards that they pay with are saved. */
export async function keepsToppedUp(
  { pool }: { pool: Queryable },
  { workspaceId, payer }: { workspaceId: string; payer: Payer },
): Promise<boolean> {
  const topUp = await readTopUp(pool, workspaceId);
  return topUp !== undefined && topUp.payer.id === payer.id && topUp.status !== 'DISABLED';
}
