import Stripe from 'stripe';
import { toStripeAmount } from '../../lib/currencies.ts';
import { Refusal } from '../../lib/errors.ts';
import { type Checkout, nameOf } from '../../payments/payments.ts';
import { type Attempt, beginAttempt, findUnheard, findWanted, wakeDue } from '../../topups/attempts.ts';
import { Contradiction, commit } from '../change.ts';
import { ask, askForAll, isMissing } from '../client.ts';
import { makeOnce } from '../once.ts';
import type { StripeServices } from '../services.ts';
import { readSession } from '../sessions.ts';
import { cardOf } from './cards.ts';
import { changeBy, declineOf, MARK, settle } from './intents.ts';

/**
 * Pays for the top-up that a workspace asked for, while its payer is away. What is to be paid is kept before Stripe is
 * asked, and the calls lie between transactions: whoever begins again after a crash asks for the same payment.
 */
export async function chargeTopUp(services: StripeServices, workspaceId: string): Promise<void> {
  const wanted = await findWanted(services, workspaceId);
  if (wanted === null) return;
  const { payer, underWay, cardId } = wanted;
  if (underWay !== null && underWay.sessionId === null) {
    if (cardId !== null) await charge(services, { checkout: underWay, cardId }, { again: true });
    return;
  }
  if (underWay !== null) await closePage(services, underWay);
  const { attempt, notice, why } = await beginAttempt(
    services,
    workspaceId,
    await cardOf(services, payer.customerId),
  );
  if (notice !== null) services.report(notice, why);
  if (attempt !== null) await charge(services, attempt, { again: false });
}

/** Nobody is to pay on a page what is paid without it. One that was paid meanwhile is booked. */
async function closePage(services: StripeServices, { sessionId }: Checkout): Promise<void> {
  try {
    await ask(() => services.stripe.checkout.sessions.expire(sessionId!));
  } catch (error) {
    // It is not open any more.
    if (!(error instanceof Refusal) || error.code !== 'provider_error') throw error;
  }
  await commit(services, await readSession(services, sessionId!));
}

async function charge(
  services: StripeServices,
  attempt: Attempt,
  { again }: { again: boolean },
): Promise<void> {
  const { checkout } = attempt;
  const made = again ? await findMade(services, checkout) : null;
  const answer = made ?? (await pay(services, attempt));
  if ('code' in answer) return giveUp(services, checkout, { ...answer, paymentId: checkout.id });
  try {
    await commit(services, changeBy(services, answer));
  } catch (error) {
    if (!(error instanceof Contradiction)) throw error;
    services.report(`the payment of ${checkout.id} contradicts what Tollgate knows`, error);
    await giveUp(services, checkout, { code: 'contradiction', paymentId: answer.id });
  }
}

/** Stripe forgets idempotency keys after a day; what an intent carries stays. */
async function findMade(
  { stripe }: StripeServices,
  { id, payer }: Checkout,
): Promise<Stripe.PaymentIntent | null> {
  if (payer.customerId === null) return null;
  const { customerId } = payer;
  const intents = await askForAll(
    (page) => stripe.paymentIntents.list({ customer: customerId, ...page }),
    INTENTS_MAX,
  );
  return intents.find(({ metadata }) => metadata.checkoutId === id) ?? null;
}

const INTENTS_MAX = 1_000; // newest first: far more than a payer makes while one of them is under way

/** Asks Stripe for the payment. A bank's no is an intent, too; `code` says why there is none. */
async function pay(
  services: StripeServices,
  { checkout, cardId }: Attempt,
): Promise<Stripe.PaymentIntent | { code: string }> {
  const { id, workspaceId, payer, amount, currency, buys } = checkout;
  try {
    const params: Stripe.PaymentIntentCreateParams = {
      amount: toStripeAmount(currency, amount),
      currency,
      customer: payer.customerId!,
      payment_method: cardId,
      allowed_payment_method_types: ['card'],
      description: nameOf(services.catalog, buys),
      metadata: { checkoutId: id, workspaceId, [MARK]: 'auto' },
      off_session: true,
      confirm: true,
    };
    return await makeOnce<Stripe.PaymentIntent>(
      id,
      (options) => services.stripe.paymentIntents.create(params, options),
      () => findMade(services, checkout),
    );
  } catch (error) {
    const cause = error instanceof Refusal ? error.cause : undefined;
    if (cause instanceof Stripe.errors.StripeCardError) {
      return cause.payment_intent ?? { code: declineOf(cause).code };
    }
    if (!(cause instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
    return { code: isMissing(error) ? 'no_card' : (cause.code ?? 'invalid_request') };
  }
}

/** There will be no payment: trying again as it is would not help. */
async function giveUp(
  services: StripeServices,
  checkout: Checkout,
  { code, paymentId }: { code: string; paymentId: string },
): Promise<void> {
  const decline = { code, advice: 'do_not_try_again' };
  await commit(services, async (tx) => {
    await settle(services, tx, checkout, { outcome: 'failed', decline, paymentId });
    return { status: 'APPLIED' };
  });
}

/**
 * Lets those go on whose pause is over, and looks after payments of which nothing was heard: their workers may have been
 * killed, and their webhooks lost.
 */
export async function lookAfterTopUps(services: StripeServices): Promise<void> {
  for (const checkoutId of await wakeDue(services)) {
    try {
      await lookAfter(services, checkoutId);
    } catch (error) {
      services.report(`the payment of ${checkoutId} could not be read again; it will be later`, error);
    }
  }
}

async function lookAfter(services: StripeServices, checkoutId: string): Promise<void> {
  const unheard = await findUnheard(services, checkoutId);
  if (unheard === null) return;
  const made = await findMade(services, unheard.checkout);
  if (made !== null) await commit(services, changeBy(services, made));
  // Nobody wants it any more. What is still wanted is asked for again by its own job.
  else if (!unheard.isWanted) {
    await giveUp(services, unheard.checkout, { code: 'abandoned', paymentId: checkoutId });
  }
}
