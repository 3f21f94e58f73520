import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import { invalid } from '../api/errors.ts';
import { makeId } from '../ids.ts';
import { nowSeconds, type World } from '../world.ts';
import type { Card } from './cards.ts';
import type { BankAnswer, Means } from './means.ts';

/** Stripe's own test accounts: https://docs.stripe.com/payments/sepa-debit/accept-a-payment */
const TEST_IBANS: Record<string, BankAnswer> = {
  AT611904300234573201: 'succeed',
  AT861904300235473202: 'fail',
  IT60X0542811101000000123456: 'fail',
};

export function sepaMeans(iban: string): Means {
  const answers = TEST_IBANS[iban.replaceAll(' ', '')];
  return { type: 'sepa_debit', ...(answers === undefined ? {} : { answers }) };
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

/** A payment method as Stripe tells it; it belongs to nobody yet. */
export function makePaymentMethod(
  world: World,
  means: Means,
  billing: Stripe.PaymentMethod.BillingDetails,
  more: Partial<Pick<Stripe.PaymentMethod, 'allow_redisplay' | 'metadata'>> = {},
): Stripe.PaymentMethod {
  const base = {
    id: makeId('paymentMethod'),
    object: 'payment_method' as const,
    allow_redisplay: 'unspecified' as const,
    billing_details: billing,
    created: nowSeconds(world),
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: {},
    type: means.type,
    ...more,
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

function cardOf({ number, brand }: Card): Stripe.PaymentMethod.Card {
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

/** What is known of a payer who gave an e-mail address only. */
export function billingDetails(email: string | null): Stripe.PaymentMethod.BillingDetails {
  return { address: null, email, name: null, phone: null, tax_id: null };
}

/** The same for the same card or account, as Stripe's are. */
function fingerprintOf(number: string): string {
  return createHash('sha256').update(number).digest('base64url').slice(0, 16);
}
