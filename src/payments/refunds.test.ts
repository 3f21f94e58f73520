import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toMicros, toUnits } from '../lib/amounts.ts';
import { amountOf } from './refunds.ts';

const micros = (units: number) => toMicros(units)!;
const PAID = {
  ...({ status: 'SUCCEEDED', amount: 10, currency: 'usd', refunded: 0, disputed: 0 } as const),
  ...{ paymentId: 'pi_1', invoiceId: 'in_1' },
};

const of = ({ amount, refunded, disputed, ...payment }: Record<string, unknown>) =>
  ({
    ...payment,
    amount: micros(amount as number),
    refunded: micros(refunded as number),
    disputed: micros(disputed as number),
  }) as Parameters<typeof amountOf>[0];

for (const [name, change, asked, expected] of [
  ['all of it, where nothing is said', {}, undefined, 10],
  ['all that is left', { refunded: 3.33 }, undefined, 6.67],
  ['what is asked for', { refunded: 3.33 }, 6.67, 6.67],
  ['what neither a refund nor a dispute has taken', { refunded: 3, disputed: 2 }, undefined, 5],
] as const) {
  test(`refunded is ${name}`, () => {
    const amount = amountOf(of({ ...PAID, ...change }), asked === undefined ? undefined : micros(asked));
    assert.equal(toUnits(amount), expected);
  });
}

for (const [name, change, asked, code] of [
  ['more than was paid', {}, 10.01, 'invalid_request'],
  ['more than is left', { refunded: 5 }, 5.01, 'invalid_request'],
  ['a fraction of a cent', {}, 1.001, 'invalid_request'],
  ['half a yen', { currency: 'jpy', amount: 1500 }, 0.5, 'invalid_request'],
  ['what was refunded', { refunded: 10 }, undefined, 'already_refunded'],
  ['what is disputed', { disputed: 10 }, 1, 'not_refundable'],
  ['what is refunded and disputed', { refunded: 4, disputed: 10 }, 1, 'not_refundable'],
  ['what is not paid yet', { status: 'PENDING' }, 1, 'not_refundable'],
  ['what was paid outside Stripe', { paymentId: 'in_1' }, undefined, 'not_refundable'],
  ['what failed', { status: 'FAILED' }, undefined, 'not_refundable'],
] as const) {
  test(`${name} is refused: ${code}`, () => {
    const payment = of({ ...PAID, ...change });
    assert.throws(() => amountOf(payment, asked === undefined ? undefined : micros(asked)), {
      code,
      ...(code === 'invalid_request' ? { param: 'amount' } : {}),
    });
  });
}
