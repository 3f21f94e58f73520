import type { Micros } from './amounts.ts';

/**
 * Money as Stripe counts it: an integer of each currency's minor unit, with Stripe's own exponents, which are not
 * always ISO's. Source: https://docs.stripe.com/currencies. Codes are accepted in either case.
 */

/** What may be charged in. Stripe's list of presentment currencies. */
const SUPPORTED = new Set(
  `aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp
  cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk
  jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn
  nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std
  szl thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw`.split(
    /\s+/,
  ),
);

const ZERO_DECIMAL = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '));

/** Their last digit must be 0, so that they really carry two decimals. */
const THREE_DECIMAL = new Set('bhd jod kwd omr tnd'.split(' '));

/** Sent with two decimals that must both be 0. They have no cents, but their exponent stays 2 for old integrations. */
const WHOLE_WITH_TWO_DECIMALS = new Set(['isk', 'ugx']);

/**
 * The least that Stripe charges, in minor units, where it is known. It is a rule of the settlement currency: a charge
 * in another currency is converted first, so it can still be refused by Stripe.
 */
const MINIMUMS: Record<string, number> = {
  aed: 200,
  aud: 50,
  bgn: 100,
  brl: 50,
  cad: 50,
  chf: 50,
  czk: 1500,
  dkk: 250,
  eur: 50,
  gbp: 30,
  hkd: 400,
  huf: 17500,
  inr: 50,
  jpy: 50,
  mxn: 1000,
  myr: 200,
  nok: 300,
  nzd: 50,
  pln: 200,
  ron: 200,
  sek: 300,
  sgd: 50,
  thb: 1000,
  usd: 50,
};

const CHARGE_MAX = 99_999_999; // Stripe takes eight digits of the minor unit: 999,999.99 USD
const CHARGE_MAX_IDR = 999_999_999_999; // and twelve for the rupiah

const MICROS_DECIMALS = 6;

/** A currency or an amount that Stripe cannot charge. The message says what would be right. */
export class CurrencyError extends Error {
  override name = 'CurrencyError';
}

export function isSupportedCurrency(currency: string): boolean {
  return SUPPORTED.has(currency.toLowerCase());
}

/** How many decimals Stripe's integer amounts carry: 10.00 USD is 1000, 500 JPY is 500, 5 UGX is 500. */
export function stripeExponent(currency: string): 0 | 2 | 3 {
  const code = supported(currency);
  if (ZERO_DECIMAL.has(code)) return 0;
  return THREE_DECIMAL.has(code) ? 3 : 2;
}

/** How many decimals an amount may really have: 2 for USD and KWD, 0 for JPY and UGX. */
export function currencyDecimals(currency: string): 0 | 2 {
  const code = supported(currency);
  return ZERO_DECIMAL.has(code) || WHOLE_WITH_TWO_DECIMALS.has(code) ? 0 : 2;
}

/** Micro-units of money as Stripe's integer. Throws CurrencyError if the currency cannot express the amount. */
export function toStripeAmount(currency: string, micros: Micros): number {
  const decimals = currencyDecimals(currency);
  if (micros < 0n) throw new CurrencyError('An amount of money cannot be negative.');
  if (micros % 10n ** BigInt(MICROS_DECIMALS - decimals) !== 0n) {
    throw new CurrencyError(
      `An amount in ${currency.toUpperCase()} has ${decimals === 0 ? 'no decimals' : `at most ${decimals} decimals`}.`,
    );
  }
  const amount = micros / 10n ** BigInt(MICROS_DECIMALS - stripeExponent(currency));
  if (amount > BigInt(Number.MAX_SAFE_INTEGER)) throw new CurrencyError('The amount of money is too large.');
  return Number(amount);
}

/** Stripe's integer as micro-units of money. */
export function fromStripeAmount(currency: string, amount: number): Micros {
  return BigInt(amount) * 10n ** BigInt(MICROS_DECIMALS - stripeExponent(currency));
}

/** The least that can be charged; the smallest amount of the currency where Stripe names no minimum. */
export function chargeMinimum(currency: string): Micros {
  const minimum = MINIMUMS[supported(currency)];
  return minimum === undefined
    ? 10n ** BigInt(MICROS_DECIMALS - currencyDecimals(currency))
    : fromStripeAmount(currency, minimum);
}

/** The most that can be charged, in the decimals that the currency may really have. */
export function chargeMaximum(currency: string): Micros {
  const most = fromStripeAmount(currency, supported(currency) === 'idr' ? CHARGE_MAX_IDR : CHARGE_MAX);
  return most - (most % 10n ** BigInt(MICROS_DECIMALS - currencyDecimals(currency)));
}

function supported(currency: string): string {
  const code = currency.toLowerCase();
  if (!SUPPORTED.has(code)) throw new CurrencyError(`Stripe does not charge in "${currency}".`);
  return code;
}
