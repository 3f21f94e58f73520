import { priceOfPack } from '../catalog/pricing.ts';
import { type Queryable, transaction } from '../engine/store.ts';
import { Refusal } from '../lib/errors.ts';
import {
  addCheckout,
  type BuysCredits,
  type Checkout,
  type Outcome,
  type Payer,
  type PaymentServices,
} from '../payments/payments.ts';
import {
  afterDecline,
  type Decline,
  DISPUTED,
  isAboutCard,
  MONTH_SPENT,
  monthOf,
  NOT_SOLD,
} from './declines.ts';
import {
  disarm,
  findPaused,
  isPayingUnattended,
  lockTopUp,
  makeReady,
  pause,
  readAvailable,
  readSpent,
  readTopUp,
  readUnderWay,
  setUnderWay,
  takeUnheard,
  wakeTopUps,
} from './store.ts';
import { notToppedUp } from './topups.ts';
import type { Notice, Pause, TopUp } from './types.ts';

/** A payment that is to be made, or was interrupted. The id of the checkout is the provider's idempotency key. */
export type Attempt = { checkout: Checkout<BuysCredits>; cardId: string };

/** What is to be done for a workspace that asked for a top-up: who pays, and what is under way. Null: nothing is. */
export async function findWanted(
  { pool }: PaymentServices,
  workspaceId: string,
): Promise<{ payer: Payer; underWay: Checkout<BuysCredits> | null; cardId: string | null } | null> {
  const topUp = await readTopUp(pool, workspaceId);
  if (topUp?.status !== 'PENDING') return null;
  const underWay = topUp.checkoutId === null ? undefined : await readUnderWay(pool, topUp.checkoutId);
  return { payer: topUp.payer, underWay: underWay?.checkout ?? null, cardId: topUp.cardId };
}

/** Keeps what is to be paid, by which card, before the provider is asked. Null: nothing is to be paid, or not now. */
export function beginAttempt(
  services: PaymentServices,
  workspaceId: string,
  cardId: string | null,
): Promise<{ attempt: Attempt | null } & Told> {
  const { pool, clock } = services;
  return transaction(pool, async (tx) => {
    const now = clock.now();
    const topUp = await lockTopUp(tx, workspaceId);
    const nothing = { attempt: null, ...QUIET };
    if (topUp?.status !== 'PENDING' || (await isUnderWay(tx, topUp))) return nothing;
    // One that was dropped, and is wanted again: its payment goes on, and is followed here.
    if (await isPayingUnattended(tx, workspaceId)) return nothing;
    if ((await readAvailable(tx, workspaceId)) >= topUp.threshold) {
      await makeReady(tx, workspaceId, now);
      return nothing;
    }
    const priced = await whatToPay(services, tx, topUp, now);
    const stop = (pause: Pause) => stopFor(tx, topUp, pause, now);
    if ('why' in priced) return { attempt: null, ...(await stop(priced)) };
    if (cardId === null) {
      return { attempt: null, ...(await stop({ status: 'STOPPED', why: 'no_card', nextTryAt: null })) };
    }
    const rereadAt = new Date(now.getTime() + UNHEARD_MS);
    const checkout = await addCheckout(tx, { ...priced, kind: 'TOP_UP', rereadAt }, now);
    await setUnderWay(tx, workspaceId, { checkoutId: checkout.id, cardId }, now);
    return { attempt: { checkout, cardId }, ...QUIET };
  });
}

/** What an operator is told, and the reason with it. */
export type Told = { notice: Notice; why: string | null };
const QUIET: Told = { notice: null, why: null };

async function isUnderWay(tx: Queryable, { checkoutId }: TopUp): Promise<boolean> {
  return checkoutId !== null && (await readUnderWay(tx, checkoutId)) !== undefined;
}

type ToPay = Pick<Checkout<BuysCredits>, 'workspaceId' | 'payer' | 'amount' | 'currency' | 'buys'>;

async function whatToPay(
  { catalog }: PaymentServices,
  tx: Queryable,
  topUp: TopUp,
  now: Date,
): Promise<ToPay | Pause> {
  const toPay = priceFor({ catalog }, topUp);
  if (toPay === null) return { status: 'STOPPED', why: NOT_SOLD, nextTryAt: null };
  const month = monthOf(now);
  const spent = await readSpent(tx, topUp, month);
  if (spent + toPay.amount > topUp.monthlyMax) {
    return { status: 'BACKING_OFF', why: MONTH_SPENT, nextTryAt: month.end };
  }
  return toPay;
}

/** What the pack costs today; null where the catalog has it no more. */
function priceFor({ catalog }: Pick<PaymentServices, 'catalog'>, topUp: TopUp): ToPay | null {
  const { workspaceId, payer, pack } = topUp;
  try {
    const { amount, currency, credits } = priceOfPack(catalog, pack, topUp.currency);
    return { workspaceId, payer, amount, currency, buys: { type: 'credits', pack, credits } };
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

async function stopFor(tx: Queryable, topUp: TopUp, next: Pause, now: Date): Promise<Told> {
  await pause(tx, topUp.workspaceId, next, topUp.declines, now);
  return { notice: noticeOf(topUp, next), why: next.why };
}

/** An operator hears of what does not go on by itself, and of a month that is spent; not of each try. */
function noticeOf({ workspaceId }: TopUp, { status, why, nextTryAt }: Pause): Notice {
  const of = `the auto top-up of ${workspaceId}`;
  switch (status) {
    case 'STOPPED':
      return `${of} has stopped`;
    case 'ACTION_REQUIRED':
      return `${of} waits for its payer to confirm a payment`;
    case 'BACKING_OFF':
      return why === MONTH_SPENT ? `${of} waits until ${nextTryAt?.toISOString()}` : null;
  }
}

/**
 * What follows once a payment of a top-up is booked, in the same transaction: paid, it is ready again; declined, it
 * pauses. A page that nobody paid on leaves it as it was.
 */
export async function followAttempt(
  { clock }: Pick<PaymentServices, 'clock'>,
  tx: Queryable,
  checkout: Pick<Checkout, 'id' | 'workspaceId' | 'payer' | 'sessionId'>,
  outcome: Outcome,
  decline: Decline | null,
): Promise<Told> {
  if (outcome === 'pending') return QUIET;
  const locked = await lockTopUp(tx, checkout.workspaceId);
  if (locked === undefined) return QUIET;
  const now = clock.now();
  const isOwn = locked.checkoutId === checkout.id;
  if (isOwn) await setUnderWay(tx, locked.workspaceId, { checkoutId: null }, now);
  const topUp = isOwn ? { ...locked, checkoutId: null } : locked;
  // A payment that settings of before have asked for, or another payer's, says nothing of these: they are judged anew.
  if (!isOwn || checkout.payer.id !== topUp.payer.id) {
    if (topUp.status === 'PENDING' && !(await isUnderWay(tx, topUp)))
      await makeReady(tx, topUp.workspaceId, now);
    return QUIET;
  }
  if (topUp.status === 'DISABLED') return QUIET;
  // Who disputes a payment is charged again once they have paid on a page, and not because a charge was under way.
  if (topUp.why === DISPUTED && (outcome !== 'paid' || checkout.sessionId === null)) return QUIET;
  if (outcome === 'paid') {
    await makeReady(tx, topUp.workspaceId, now);
    return QUIET;
  }
  if (decline === null) return QUIET;
  const declines = topUp.declines + 1;
  const next = afterDecline(decline, declines, now);
  await pause(tx, topUp.workspaceId, next, declines, now);
  return { notice: noticeOf(topUp, next), why: next.why };
}

/** A payer who disputes a payment is not charged while they are away, until they or the host want it again. */
export async function stopDisputed(
  { clock }: Pick<PaymentServices, 'clock'>,
  tx: Queryable,
  { workspaceId, paymentUserId }: { workspaceId: string; paymentUserId: string },
): Promise<Told> {
  const topUp = await lockTopUp(tx, workspaceId);
  if (topUp?.payer.id !== paymentUserId || topUp.status === 'DISABLED' || topUp.why === DISPUTED) {
    return QUIET;
  }
  const now = clock.now();
  await disarm(tx, workspaceId, now);
  return stopFor(tx, topUp, { status: 'STOPPED', why: DISPUTED, nextTryAt: null }, now);
}

/** Whether some wallet waits for another card of this customer. */
export async function waitsForCard({ pool }: PaymentServices, customerId: string): Promise<boolean> {
  return (await findPaused(pool, customerId)).some(({ why }) => isAboutCard(why));
}

/** Lets those go on that the customer's card of now was not declined for. */
export async function resumeWith(
  { clock }: Pick<PaymentServices, 'clock'>,
  tx: Queryable,
  customerId: string,
  cardId: string,
): Promise<void> {
  for (const { workspaceId } of await findPaused(tx, customerId)) {
    const topUp = await lockTopUp(tx, workspaceId);
    if (topUp !== undefined && isAboutCard(topUp.why) && topUp.cardId !== cardId)
      await makeReady(tx, workspaceId, clock.now());
  }
}

/** Begins to pay on a page what could not be paid without one; an open page is found again. */
export function beginPage(
  services: PaymentServices,
  workspaceId: string,
): Promise<{ checkout: Checkout<BuysCredits>; page: { url: string; expiresAt: Date } | null }> {
  const { pool, clock } = services;
  return transaction(pool, async (tx) => {
    const now = clock.now();
    const topUp = await lockTopUp(tx, workspaceId);
    if (topUp === undefined) throw notToppedUp(workspaceId);
    if (topUp.status !== 'ACTION_REQUIRED' && topUp.status !== 'STOPPED') {
      throw new Refusal('nothing_to_pay', `The auto top-up is ${topUp.status}: it waits for nobody.`);
    }
    const open = topUp.checkoutId === null ? undefined : await readUnderWay(tx, topUp.checkoutId);
    if (open?.page != null && open.page.expiresAt > now) return open;
    const toPay = priceFor(services, topUp);
    if (toPay === null) {
      throw new Refusal('nothing_to_pay', `The pack ${JSON.stringify(topUp.pack)} is not sold any more.`);
    }
    const checkout = await addCheckout(tx, { ...toPay, kind: 'TOP_UP' }, now);
    await setUnderWay(tx, workspaceId, { checkoutId: checkout.id }, now);
    return { checkout, page: null };
  });
}

/** A payment takes seconds; its webhook, some more. */
const UNHEARD_MS = 60_000;
const LOST_MS = 60_000;
const AT_ONCE_MAX = 50; // a minute: a fraction of what Stripe allows in a second

/** A payment of which nothing was heard, and whether it is still wanted; null: it has come to its end. */
export async function findUnheard(
  { pool }: PaymentServices,
  checkoutId: string,
): Promise<{ checkout: Checkout<BuysCredits>; isWanted: boolean } | null> {
  const underWay = await readUnderWay(pool, checkoutId);
  if (underWay === undefined) return null;
  const { checkout } = underWay;
  const topUp = await readTopUp(pool, checkout.workspaceId);
  return { checkout, isWanted: topUp?.status === 'PENDING' && topUp.checkoutId === checkoutId };
}

/** Lets those go on whose pause is over; resolves to the payments that have not been heard of for too long. */
export async function wakeDue({ pool, clock }: PaymentServices): Promise<string[]> {
  const now = clock.now();
  await wakeTopUps(pool, { now, lostBefore: new Date(now.getTime() - LOST_MS), max: AT_ONCE_MAX });
  return takeUnheard(pool, { now, pauseMs: UNHEARD_MS, max: AT_ONCE_MAX });
}
