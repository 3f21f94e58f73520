import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromDecimal } from './amounts.ts';
import {
  CurrencyError,
  chargeMaximum,
  chargeMinimum,
  currencyDecimals,
  fromStripeAmount,
  isSupportedCurrency,
  stripeExponent,
  toStripeAmount,
} from './currencies.ts';

for (const [money, currency, amount] of [
  ['10', 'usd', 1000],
  ['10.5', 'USD', 1050],
  ['0.01', 'eur', 1],
  ['0', 'usd', 0],
  ['500', 'jpy', 500],
  ['10.45', 'huf', 1045],
  ['10.45', 'twd', 1045],
  ['500', 'krw', 500],
  ['500', 'xof', 500],
  ['5', 'isk', 500],
  ['5', 'ugx', 500],
  ['5.12', 'kwd', 5120],
  ['5.12', 'bhd', 5120],
  ['5', 'tnd', 5000],
  ['999999.99', 'usd', 99_999_999],
  ['9999999999.99', 'idr', 999_999_999_999],
] as const) {
  test(`${money} ${currency} is ${amount} to Stripe, and back`, () => {
    assert.equal(toStripeAmount(currency, fromDecimal(money)), amount);
    assert.equal(fromStripeAmount(currency, amount), fromDecimal(money));
  });
}

for (const [money, currency] of [
  ['0.001', 'usd'],
  ['0.5', 'jpy'],
  ['5.5', 'isk'],
  ['5.5', 'ugx'],
  ['5.124', 'kwd'],
  ['5.005', 'jod'],
  ['0.5', 'krw'],
  ['10.455', 'huf'],
  ['-1', 'usd'],
  ['1', 'xyz'],
] as const) {
  test(`${money} ${currency} cannot be charged`, () => {
    assert.throws(() => toStripeAmount(currency, fromDecimal(money)), CurrencyError);
  });
}

test('a currency is supported in either case, and an unknown code is not', () => {
  assert.ok(isSupportedCurrency('usd') && isSupportedCurrency('USD') && isSupportedCurrency('kwd'));
  assert.ok(!isSupportedCurrency('xyz') && !isSupportedCurrency('') && !isSupportedCurrency('constructor'));
});

test('every zero-decimal currency of Stripe has exponent 0, and no other', () => {
  const zero = 'bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' ');
  for (const code of zero) assert.equal(stripeExponent(code), 0, code);
  for (const code of ['usd', 'isk', 'ugx', 'huf', 'twd']) assert.equal(stripeExponent(code), 2, code);
  for (const code of ['bhd', 'jod', 'kwd', 'omr', 'tnd']) assert.equal(stripeExponent(code), 3, code);
});

test('the decimals that people may use follow the special cases', () => {
  assert.deepEqual(['usd', 'jpy', 'isk', 'ugx', 'kwd'].map(currencyDecimals), [2, 0, 0, 0, 2]);
});

test('charges have a least and a largest amount', () => {
  assert.equal(chargeMinimum('usd'), fromDecimal('0.5'));
  assert.equal(chargeMinimum('jpy'), fromDecimal('50'));
  assert.equal(chargeMinimum('zmw'), fromDecimal('0.01'));
  assert.equal(chargeMinimum('ugx'), fromDecimal('1'));
});

for (const [currency, most] of [
  ['usd', '999999.99'],
  ['huf', '999999.99'],
  ['jpy', '99999999'],
  ['isk', '999999'],
  ['ugx', '999999'],
  ['kwd', '99999.99'],
  ['idr', '9999999999.99'],
] as const) {
  test(`at most ${most} ${currency} can be charged, and that can`, () => {
    assert.equal(chargeMaximum(currency), fromDecimal(most));
    assert.equal(fromStripeAmount(currency, toStripeAmount(currency, fromDecimal(most))), fromDecimal(most));
  });
}
