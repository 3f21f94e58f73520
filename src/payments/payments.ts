import { type CreditsPrice, priceOfAmount, priceOfPack } from '../catalog/pricing.ts';
import type { Catalog } from '../catalog/types.ts';
import { grantPurchase } from '../credits/credits.ts';
import { workspaceNotFound } from '../engine/batch.ts';
import { type Queryable, transaction } from '../engine/store.ts';
import { type Micros, toUnits } from '../lib/amounts.ts';
import { newId } from '../lib/ids.ts';
import { findOrMakePayer } from './payers.ts';
import {
  expireUnopened,
  findOlderPlanSessions,
  insertCheckout,
  insertCreditRecord,
  lockCheckout,
  lockUnattended,
  putPayment,
  takeDueCheckouts,
  type Unattended,
  updateSession,
  updateStatus,
  workspaceExists,
} from './store.ts';
import type { Buys, BuysCredits, Checkout, CheckoutKind, Payer, PaymentServices } from './types.ts';

export { checkoutOf, type Unattended, workspaceExists } from './store.ts';
export type { Buys, BuysCredits, BuysPlan, Checkout, Payer, PaymentServices } from './types.ts';

export type PurchaseInput = {
  workspaceId: string;
  user: { userId: string; email: string };
  /** Either a pack, or an amount of money. */
  pack?: string | undefined;
  amount?: Micros | undefined;
  currency?: string | undefined;
};

/** Prices a purchase and keeps it as an open checkout, with its payer. Nothing has been asked of the provider yet. */
export async function openCheckout(
  { pool, catalog, clock }: PaymentServices,
  { workspaceId, user, ...input }: PurchaseInput,
): Promise<Checkout<BuysCredits>> {
  const { amount, currency, credits } = priceOf(catalog, input);
  const buys: BuysCredits = { type: 'credits', pack: input.pack ?? null, credits };
  return transaction(pool, (tx) =>
    keepCheckout(tx, { workspaceId, user, amount, currency, buys }, clock.now()),
  );
}

type Asked<B extends Buys> = Pick<PurchaseInput, 'user'> &
  Pick<Checkout<B>, 'workspaceId' | 'amount' | 'currency' | 'buys'>;

/** Keeps an open checkout, with its payer, in the transaction of the caller. */
export async function keepCheckout<B extends Buys>(
  tx: Queryable,
  { user, ...asked }: Asked<B>,
  now: Date,
): Promise<Checkout<B>> {
  if (!(await workspaceExists(tx, asked.workspaceId))) throw workspaceNotFound(asked.workspaceId);
  return addCheckout(tx, { ...asked, payer: await findOrMakePayer(tx, user, now) }, now);
}

type Wanted<B extends Buys> = Pick<Checkout<B>, 'workspaceId' | 'amount' | 'currency' | 'buys' | 'payer'>;

/** Keeps an open checkout of a payer who is known. `rereadAt`: when its payment is asked for again, should it need no page. */
export async function addCheckout<B extends Buys>(
  tx: Queryable,
  { kind = 'PURCHASE', rereadAt = null, ...wanted }: Wanted<B> & Partial<WithoutPage>,
  now: Date,
): Promise<Checkout<B>> {
  const checkout: Checkout<B> = { id: newId('co'), kind, status: 'OPEN', sessionId: null, ...wanted };
  await insertCheckout(tx, checkout, rereadAt, now);
  return checkout;
}

type WithoutPage = { kind: CheckoutKind; rereadAt: Date | null };

function priceOf(
  catalog: Catalog,
  { pack, amount, currency }: Pick<PurchaseInput, 'pack' | 'amount' | 'currency'>,
): CreditsPrice {
  return pack === undefined
    ? priceOfAmount(catalog, amount!, currency)
    : priceOfPack(catalog, pack, currency);
}

/** What the payer of credits sees that they buy. */
export function nameOf(catalog: Catalog, { pack, credits }: Omit<BuysCredits, 'type'>): string {
  const name = pack === null ? undefined : catalog.packs.get(pack)?.name;
  return name ?? `${toUnits(credits).toLocaleString('en-US', { maximumFractionDigits: 6 })} credits`;
}

export type OpenedSession = { id: string; url: string | null; expiresAt: Date };

/** Keeps the provider's page of a checkout, and the payment that is awaited from it. */
export async function awaitPayment(
  services: PaymentServices,
  checkout: Checkout,
  session: OpenedSession,
): Promise<void> {
  await transaction(services.pool, async (tx) => {
    const current = await lockCheckout(tx, { sessionId: session.id, id: checkout.id });
    await adoptSession(services, tx, checkout, session);
    // Whoever paid very fast was heard of first.
    if (current !== undefined) await bookOutcome(services, tx, current, 'pending', session.id);
  });
}

/** The checkout that a session was made for, or says it was, held until the transaction ends. */
export function findCheckout(
  tx: Queryable,
  wanted: { sessionId: string; id: string | null },
): Promise<Checkout | undefined> {
  return lockCheckout(tx, wanted);
}

/** The checkout that is paid without a page by this name of the provider's; else the one with this id. */
export function findUnattended(
  tx: Queryable,
  wanted: { paymentId: string; id: string | null },
): Promise<Unattended | undefined> {
  return lockUnattended(tx, wanted);
}

/** Keeps the session that the provider has made for a checkout. */
export async function adoptSession(
  { clock }: PaymentServices,
  tx: Queryable,
  { id }: Checkout,
  session: OpenedSession,
): Promise<void> {
  const now = clock.now();
  const rereadAt = new Date(now.getTime() + REREAD_PAUSE_MIN_MS);
  await updateSession(tx, id, { ...session, rereadAt }, now);
}

/** The provider's pages of open checkouts of plans that a newer one of the same workspace has taken the place of. */
export function supersededPages(
  { pool }: Pick<PaymentServices, 'pool'>,
  workspaceId: string,
): Promise<string[]> {
  return findOlderPlanSessions(pool, workspaceId);
}

/** The payer that a user is for a workspace, found or made. */
export function openPayer(
  { pool, clock }: PaymentServices,
  { workspaceId, user }: Pick<PurchaseInput, 'workspaceId' | 'user'>,
): Promise<Payer> {
  return transaction(pool, async (tx) => {
    if (!(await workspaceExists(tx, workspaceId))) throw workspaceNotFound(workspaceId);
    return findOrMakePayer(tx, user, clock.now());
  });
}

/** Ends a checkout whose page was never shown to anybody. */
export async function abandonCheckout({ pool, clock }: PaymentServices, checkout: Checkout): Promise<void> {
  await transaction(pool, async (tx) => {
    const current = await lockCheckout(tx, { sessionId: null, id: checkout.id });
    if (current?.status === 'OPEN') await updateStatus(tx, checkout.id, 'FAILED', clock.now());
  });
}

/** How a payment stands at the provider. */
export type Outcome = 'pending' | 'paid' | 'failed' | 'expired';

/**
 * What becomes of a checkout by how its payment stands; null: nothing, it stays as it is. Money that came in counts,
 * whatever was thought of the checkout before; everything else changes only what is open.
 */
const NEXT: Record<Checkout['status'], Record<Outcome, Checkout['status'] | null>> = {
  OPEN: { pending: 'OPEN', paid: 'COMPLETE', failed: 'FAILED', expired: 'EXPIRED' },
  EXPIRED: { pending: null, paid: 'COMPLETE', failed: null, expired: null },
  FAILED: { pending: null, paid: 'COMPLETE', failed: null, expired: null },
  COMPLETE: { pending: null, paid: null, failed: null, expired: null },
};

const PAYMENT = { pending: 'PENDING', paid: 'SUCCEEDED', failed: 'FAILED', expired: 'FAILED' } as const;

/**
 * Books how a payment stands; what was paid, once. The checkout is locked by this transaction. `paymentId` is the
 * provider's name of the payment.
 */
export async function bookOutcome(
  services: PaymentServices,
  tx: Queryable,
  checkout: Checkout,
  outcome: Outcome,
  paymentId: string,
): Promise<void> {
  const status = NEXT[checkout.status][outcome];
  if (status === null) return;
  const now = services.clock.now();
  const { buys } = checkout;
  // A plan is paid with invoices, each of which is a payment of its own.
  if (buys.type === 'credits') {
    const payment = { status: PAYMENT[outcome], paymentId };
    const id = await putPayment(tx, newId('pay'), checkout, { ...payment, credits: buys.credits }, now);
    if (outcome === 'paid') await bookPurchase(services, tx, checkout, buys, id, now);
  }
  if (status !== checkout.status) await updateStatus(tx, checkout.id, status, now);
}

/** The record of what was bought, and its grant. */
async function bookPurchase(
  { engine, catalog }: PaymentServices,
  tx: Queryable,
  { workspaceId, payer }: Checkout,
  bought: BuysCredits,
  paymentId: string,
  now: Date,
): Promise<void> {
  const { credits } = bought;
  const description = nameOf(catalog, bought);
  const record = { id: newId('crec'), amount: credits, workspaceId, description };
  await insertCreditRecord(tx, { ...record, paymentUserId: payer.id, paymentId }, now);
  const days = catalog.creditsExpireAfterDays;
  const expiresAt = days === null ? null : now.getTime() + days * DAY_MS;
  await grantPurchase(
    { engine },
    { workspaceId, credits, creditRecordId: record.id, description, expiresAt },
    tx,
  );
}

const DAY_MS = 86_400_000;

/** A page lives for a day; after that and an hour more, nobody can have begun to pay on it. */
const UNOPENED_MAX_MS = 25 * 3_600_000;

/** A webhook takes seconds; a bank may take two weeks. Between them, the pause is as long as the checkout is old. */
const REREAD_PAUSE_MIN_MS = 60_000;
const REREAD_PAUSE_MAX_MS = 6 * 3_600_000;
const REREADS_MAX = 50; // a minute: a fraction of what Stripe allows in a second

/** Sessions of open checkouts that have not been heard of for too long: their webhooks may be lost. */
export async function takeUnheard({ pool, clock }: PaymentServices): Promise<string[]> {
  const now = clock.now();
  await expireUnopened(pool, new Date(now.getTime() - UNOPENED_MAX_MS), now);
  const pauses = { pauseMinMs: REREAD_PAUSE_MIN_MS, pauseMaxMs: REREAD_PAUSE_MAX_MS };
  return takeDueCheckouts(pool, { ...pauses, now, max: REREADS_MAX });
}
