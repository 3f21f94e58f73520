import type Stripe from 'stripe';
import { type Decline, invalid } from '../api/errors.ts';

/**
 * Whether the card holder has to confirm a payment: never; when present; also when absent, unless the card was set up
 * for that; or every time.
 */
type Authentication = 'never' | 'on_session' | 'unless_set_up' | 'always';

/** How a card behaves, whatever is charged. `attaches` is whether it can be saved for a customer. */
export type Card = {
  type: 'card';
  number: string;
  brand: string;
  decline: Decline | null;
  authentication: Authentication;
  attaches: boolean;
};

export const AUTHENTICATION_REQUIRED: Decline = {
  code: 'authentication_required',
  declineCode: 'authentication_required',
  adviceCode: null,
  message:
    'Your card was declined. This transaction requires authentication. Please try again and authenticate when prompted during the transaction.',
};

/** Banks that would say no again; and those that want the card's details looked at. All others may say yes later. */
const ADVICE: Record<string, string> = {
  lost_card: 'do_not_try_again',
  stolen_card: 'do_not_try_again',
  fraudulent: 'do_not_try_again',
  expired_card: 'confirm_card_data',
  incorrect_cvc: 'confirm_card_data',
};

function declined(declineCode: string, message = 'Your card was declined.', code = 'card_declined'): Decline {
  return { code, declineCode, adviceCode: ADVICE[declineCode] ?? 'try_again_later', message };
}

/** Test cards that pay, and what comes after. */
const LATER = {
  '4000000000000259': 'dispute',
  '4000000000001976': 'inquiry',
  '4000000000007726': 'refund_waits',
  '4000000000005126': 'refund_fails',
} as const;

const INSUFFICIENT_FUNDS = declined('insufficient_funds', 'Your card has insufficient funds.');

/** Cards that are declined as soon as they are tried, so that they cannot be saved either. */
const DECLINING: Record<string, Decline> = {
  '4000000000000002': declined('generic_decline'),
  '4000000000009995': INSUFFICIENT_FUNDS,
  '4000000000009987': declined('lost_card'),
  '4000000000009979': declined('stolen_card'),
  '4100000000000019': declined('fraudulent'),
  '4000000000006975': declined('card_velocity_exceeded'),
  '4000000000000069': declined('expired_card', 'Your card has expired.', 'expired_card'),
  '4000000000000127': declined('incorrect_cvc', "Your card's security code is incorrect.", 'incorrect_cvc'),
  '4000000000000119': declined(
    'processing_error',
    'An error occurred while processing your card. Try again in a little bit.',
    'processing_error',
  ),
};

const visa = { brand: 'visa', decline: null, authentication: 'never', attaches: true } as const;

/** Stripe's own test cards: https://docs.stripe.com/testing */
const TEST_CARDS: Record<string, Omit<Card, 'type' | 'number'>> = {
  '4242424242424242': visa,
  '4000056655665556': visa,
  '4000000000000077': visa, // its money is there at once, as all money is here
  '5555555555554444': { ...visa, brand: 'mastercard' },
  '378282246310005': { ...visa, brand: 'amex' },
  ...Object.fromEntries(Object.keys(LATER).map((number) => [number, visa])),
  ...Object.fromEntries(
    Object.entries(DECLINING).map(([number, decline]) => [number, { ...visa, decline, attaches: false }]),
  ),
  '4000000000000341': { ...visa, decline: declined('generic_decline') },
  '4000000000003055': visa, // could be authenticated, and need not be
  '4000000000003220': { ...visa, authentication: 'always' },
  '4000002760003184': { ...visa, authentication: 'always' },
  '4000002500003155': { ...visa, authentication: 'unless_set_up' },
  '4000003800000446': { ...visa, authentication: 'on_session' },
  '4000008400001629': { ...visa, authentication: 'always', decline: declined('generic_decline') },
  '4000008260003178': { ...visa, authentication: 'unless_set_up', decline: INSUFFICIENT_FUNDS },
};

/** The ends of Stripe's test ids: `pm_card_visa`, and `tok_visa` for the same card. */
const TEST_IDS: Record<string, string> = {
  visa: '4242424242424242',
  visa_debit: '4000056655665556',
  mastercard: '5555555555554444',
  amex: '378282246310005',
  bypassPending: '4000000000000077',
  createDispute: '4000000000000259',
  createDisputeInquiry: '4000000000001976',
  pendingRefund: '4000000000007726',
  refundFail: '4000000000005126',
  chargeCustomerFail: '4000000000000341',
  chargeDeclined: '4000000000000002',
  chargeDeclinedInsufficientFunds: '4000000000009995',
  chargeDeclinedLostCard: '4000000000009987',
  chargeDeclinedStolenCard: '4000000000009979',
  chargeDeclinedFraudulent: '4100000000000019',
  chargeDeclinedVelocityLimitExceeded: '4000000000006975',
  chargeDeclinedExpiredCard: '4000000000000069',
  chargeDeclinedIncorrectCvc: '4000000000000127',
  chargeDeclinedProcessingError: '4000000000000119',
  threeDSecureOptional: '4000000000003055',
  threeDSecureRequired: '4000000000003220',
  threeDSecure2Required: '4000000000003220',
  threeDSecureRequiredChargeDeclined: '4000008400001629',
  authenticationRequired: '4000002760003184',
  authenticationRequiredOnSetup: '4000002500003155',
  authenticationRequiredSetupForOffSession: '4000003800000446',
  authenticationRequiredChargeDeclinedInsufficientFunds: '4000008260003178',
};

export const GOOD_CARD = '4242424242424242';

/** The test card of that number; spaces do not matter. */
export function cardMeans(sent: string): Card {
  const number = sent.replaceAll(' ', '');
  const card = Object.hasOwn(TEST_CARDS, number) ? TEST_CARDS[number] : undefined;
  if (card === undefined) {
    throw invalid('Your card number is not one of the test cards: see https://docs.stripe.com/testing.', {
      code: 'incorrect_number',
      param: 'card',
    });
  }
  return { type: 'card', number, ...card };
}

/** The card that a test id names, `pm_card_visa` or `tok_visa`; some ids name the brand before the behaviour. */
export function cardOfTestId(id: string): Card | undefined {
  const name = /^(?:pm_card|tok)_(?:visa_(?=charge))?(\w+)$/.exec(id)?.[1];
  return name !== undefined && Object.hasOwn(TEST_IDS, name) ? cardMeans(TEST_IDS[name]!) : undefined;
}

/** The number of the test card that is declined with that code. */
export function decliningCard(declineCode: string): string {
  const found = Object.entries(DECLINING).find(([, decline]) => decline.declineCode === declineCode);
  if (found === undefined)
    throw invalid(`No test card is declined with ${declineCode}.`, { param: 'decline_code' });
  return found[0];
}

/** The card as its bank sees it from now on: declined with that code, to be authenticated, or as its number says. */
export function changedCard({ number }: Card, behaviour: string | null): Card {
  const card = cardMeans(number);
  if (behaviour === null) return card;
  if (behaviour === 'authentication_required') return { ...card, decline: null, authentication: 'always' };
  return { ...card, decline: DECLINING[decliningCard(behaviour)]! };
}

/** Whether a charge was paid with the test card after which this comes. */
export function isTestCard(charge: Stripe.Charge, later: (typeof LATER)[keyof typeof LATER]): boolean {
  const last4 = charge.payment_method_details?.card?.last4;
  return Object.entries(LATER).some(([number, what]) => what === later && number.slice(-4) === last4);
}
