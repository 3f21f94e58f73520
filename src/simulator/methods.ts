import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import { invalid, noSuch } from './errors.ts';
import { makeId } from './ids.ts';
import { nowSeconds, type World } from './world.ts';

/** Why a payment did not go through, in Stripe's words. */
export type Decline = { code: string; declineCode: string; message: string };

/** How somebody pays: with a card, at once; or by a bank debit, whose outcome comes later. */
export type Means =
  | { type: 'card'; number: string; brand: string; decline: Decline | null }
  | { type: 'us_bank_account' | 'sepa_debit' };

const declined = (
  declineCode: string,
  message = 'Your card was declined.',
  code = 'card_declined',
): Decline => ({
  code,
  declineCode,
  message,
});

/** Test cards that pay, and what comes after. */
const LATER = {
  '4000000000000259': 'dispute',
  '4000000000001976': 'inquiry',
  '4000000000007726': 'refund_waits',
  '4000000000005126': 'refund_fails',
} as const;

/** Stripe's own test cards: https://docs.stripe.com/testing */
const TEST_CARDS: Record<string, { brand: string; decline: Decline | null }> = {
  '4242424242424242': { brand: 'visa', decline: null },
  '5555555555554444': { brand: 'mastercard', decline: null },
  '378282246310005': { brand: 'amex', decline: null },
  ...Object.fromEntries(Object.keys(LATER).map((number) => [number, { brand: 'visa', decline: null }])),
  '4000000000000002': { brand: 'visa', decline: declined('generic_decline') },
  '4000000000009995': {
    brand: 'visa',
    decline: declined('insufficient_funds', 'Your card has insufficient funds.'),
  },
  '4000000000009987': { brand: 'visa', decline: declined('lost_card') },
  '4000000000009979': { brand: 'visa', decline: declined('stolen_card') },
  '4100000000000019': { brand: 'visa', decline: declined('fraudulent') },
  '4000000000006975': { brand: 'visa', decline: declined('card_velocity_exceeded') },
  '4000000000000069': {
    brand: 'visa',
    decline: declined('expired_card', 'Your card has expired.', 'expired_card'),
  },
  '4000000000000127': {
    brand: 'visa',
    decline: declined('incorrect_cvc', "Your card's security code is incorrect.", 'incorrect_cvc'),
  },
  '4000000000000119': {
    brand: 'visa',
    decline: declined(
      'processing_error',
      'An error occurred while processing your card. Try again in a little bit.',
      'processing_error',
    ),
  },
};

/** Whether a charge was paid with the test card after which this comes. */
export function isTestCard(charge: Stripe.Charge, later: (typeof LATER)[keyof typeof LATER]): boolean {
  const last4 = charge.payment_method_details?.card?.last4;
  return Object.entries(LATER).some(([number, what]) => what === later && number.slice(-4) === last4);
}

export const GOOD_CARD = '4242424242424242';

/** The test card of that number; spaces do not matter. */
export function cardMeans(sent: string): Means {
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

/** The number of the test card that is declined with that code. */
export function decliningCard(declineCode: string): string {
  const found = Object.entries(TEST_CARDS).find(([, { decline }]) => decline?.declineCode === declineCode);
  if (found === undefined)
    throw invalid(`No test card is declined with ${declineCode}.`, { param: 'decline_code' });
  return found[0];
}

const DELAYED: Record<string, 'us_bank_account' | 'sepa_debit'> = {
  usd: 'us_bank_account',
  eur: 'sepa_debit',
};

/** The ways to pay in a currency, of those that the session allows. */
export function methodTypesFor(currency: string, allowed: string[] | undefined): string[] {
  const offered = ['card', ...(DELAYED[currency] === undefined ? [] : [DELAYED[currency]])];
  const types = offered.filter((type) => allowed === undefined || allowed.includes(type));
  if (types.length === 0) {
    throw invalid(`None of the allowed payment method types can pay in ${currency}.`, {
      param: 'allowed_payment_method_types',
    });
  }
  return types;
}

/** The session's way to pay whose outcome comes later. */
export function delayedMeans(session: Stripe.Checkout.Session): Means {
  const type = DELAYED[session.currency ?? ''];
  if (type === undefined || !session.payment_method_types.includes(type)) {
    throw invalid('This Checkout Session offers no payment method with a delayed outcome.');
  }
  return { type };
}

const EXPIRY = { exp_month: 12, exp_year: 2040 }; // far enough that no test meets it
const CHECKS = { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' };
const US_BANK = {
  account_holder_type: 'individual',
  account_type: 'checking',
  bank_name: 'STRIPE TEST BANK',
  last4: '6789',
  routing_number: '110000000',
};
const SEPA = { bank_code: '37040044', branch_code: '', country: 'DE', last4: '3000' };

export function makePaymentMethod(
  world: World,
  means: Means,
  email: string | null,
  customer: string | null,
): Stripe.PaymentMethod {
  const base = {
    id: makeId('paymentMethod'),
    object: 'payment_method' as const,
    allow_redisplay: 'limited',
    billing_details: billingDetails(email),
    created: nowSeconds(world),
    customer,
    customer_account: null,
    livemode: false,
    metadata: {},
    type: means.type,
  };
  if (means.type === 'card') return { ...base, card: cardOf(means) };
  const fingerprint = fingerprintOf(means.type);
  if (means.type === 'sepa_debit')
    return { ...base, sepa_debit: { ...SEPA, fingerprint, generated_from: null } };
  const bank = {
    ...US_BANK,
    financial_connections_account: null,
    fingerprint,
    networks: null,
    status_details: null,
  };
  return { ...base, us_bank_account: bank };
}

function cardOf({ number, brand }: Extract<Means, { type: 'card' }>): Stripe.PaymentMethod.Card {
  return {
    brand,
    checks: CHECKS,
    country: 'US',
    display_brand: brand,
    ...EXPIRY,
    fingerprint: fingerprintOf(number),
    funding: 'credit',
    generated_from: null,
    last4: number.slice(-4),
    networks: { available: [brand], preferred: null },
    regulated_status: 'unregulated',
    three_d_secure_usage: { supported: true },
    wallet: null,
  };
}

/** The same means as a charge tells it. */
export function chargeDetails(means: Means, amount: number): Stripe.Charge.PaymentMethodDetails {
  if (means.type === 'card') {
    const { number, brand, decline } = means;
    const card: Stripe.Charge.PaymentMethodDetails.Card = {
      amount_authorized: decline === null ? amount : null,
      authorization_code: decline === null ? '123456' : null,
      brand,
      checks: CHECKS,
      country: 'US',
      electronic_commerce_indicator: null,
      ...EXPIRY,
      fingerprint: fingerprintOf(number),
      funding: 'credit',
      installments: null,
      last4: number.slice(-4),
      mandate: null,
      network: brand,
      network_transaction_id: null,
      regulated_status: 'unregulated',
      three_d_secure: null,
      transaction_link_id: null,
      wallet: null,
    };
    return { type: 'card', card };
  }
  const fingerprint = fingerprintOf(means.type);
  if (means.type === 'sepa_debit')
    return { type: 'sepa_debit', sepa_debit: { ...SEPA, fingerprint, mandate: null } };
  return { type: 'us_bank_account', us_bank_account: { ...US_BANK, fingerprint, payment_reference: null } };
}

export function billingDetails(email: string | null): Stripe.Charge.BillingDetails {
  return { address: null, email, name: null, phone: null, tax_id: null };
}

/** The same for the same card or account, as Stripe's are. */
function fingerprintOf(number: string): string {
  return createHash('sha256').update(number).digest('base64url').slice(0, 16);
}

export function retrievePaymentMethod(world: World, _params: unknown, id: string): Stripe.PaymentMethod {
  const method = world.store.get('paymentMethod', id);
  if (method === undefined) throw noSuch('PaymentMethod', id);
  return method;
}
