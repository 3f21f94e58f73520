import type Stripe from 'stripe';
import { invalid } from '../api/errors.ts';
import { followInvoice } from '../billing/paying.ts';
import { followSession, followSetupSession } from '../checkout/confirm.ts';
import { followPortalSetup } from '../portal/acts.ts';
import { idOf } from '../references.ts';
import { nowSeconds, type World } from '../world.ts';
import { findCharge } from './charges.ts';
import { disputeTestCard } from './disputes.ts';
import { answerForHolder, findIntent, settle } from './payments.ts';
import { answerSetup, findSetup } from './setups.ts';

/** What else changes once an intent has another status: what it pays, and disputes of test cards. */
export function followIntent(world: World, intent: Stripe.PaymentIntent): void {
  followInvoice(world, intent);
  followSession(world, intent);
  if (intent.status === 'succeeded') disputeTestCard(world, idOf(intent.latest_charge) ?? '');
}

/** The bank answers for an intent that is paid by a bank debit. */
export function settleIntent(world: World, id: string, outcome: 'succeed' | 'fail'): Stripe.PaymentIntent {
  const intent = findIntent(world, id);
  if (intent.status !== 'processing') throw invalid(`The payment intent ${id} does not wait for a bank.`);
  const settled = settle(world, intent, outcome);
  followIntent(world, settled);
  return settled;
}

const ANSWER_SECONDS = 2; // minutes at Stripe; here somebody is waiting

/** Banks of test accounts answer by themselves. */
export function answerForBanks(world: World): void {
  const due = nowSeconds(world) - ANSWER_SECONDS;
  for (const intent of [...world.store.all('intent')]) {
    if (intent.status !== 'processing') continue;
    const means = world.store.get('key', idOf(intent.payment_method) ?? '')?.means;
    if (means === undefined || means.type === 'card' || means.answers === undefined) continue;
    if (findCharge(world, idOf(intent.latest_charge) ?? '').created > due) continue;
    settleIntent(world, intent.id, means.answers);
  }
}

/** The card's holder confirms a payment by 3D Secure, or refuses to. */
export function authenticateIntent(
  world: World,
  id: string,
  outcome: 'succeed' | 'fail',
): Stripe.PaymentIntent {
  const intent = findIntent(world, id);
  if (intent.status !== 'requires_action') {
    throw invalid(
      `The payment intent ${id} does not wait for its card's holder: it is \`${intent.status}\`.`,
    );
  }
  const { intent: answered } = answerForHolder(world, intent, outcome);
  followIntent(world, answered);
  return answered;
}

/** The same for a card that is set up. */
export function authenticateSetup(world: World, id: string, outcome: 'succeed' | 'fail'): Stripe.SetupIntent {
  const answered = answerSetup(world, findSetup(world, id), outcome);
  followSetupSession(world, answered);
  followPortalSetup(world, answered);
  return answered;
}
