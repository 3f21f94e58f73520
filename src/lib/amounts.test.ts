import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import {
  AMOUNT_MAX,
  affordableAmount,
  fromDecimal,
  multiplyUp,
  SUM_MAX,
  toDecimal,
  toMicros,
  toUnits,
} from './amounts.ts';

suite('a JSON number as micro-units', () => {
  for (const [units, micros] of [
    [1, 1_000_000n],
    [0.1, 100_000n],
    [0.000001, 1n],
    [0.3, 300_000n],
    [1_000_000_000, AMOUNT_MAX],
    [999_999_999.999999, AMOUNT_MAX - 1n],
    [-0.5, -500_000n],
    [0.1 + 0.2, undefined], // 0.30000000000000004: seventeen decimals
    [0.0000001, undefined],
    [1.2345678, undefined],
    [1e21, undefined],
    [Number.NaN, undefined],
    [Number.POSITIVE_INFINITY, undefined],
  ] as const) {
    test(`${units}: ${micros}`, () => assert.equal(toMicros(units), micros));
  }

  test('whatever can be kept comes back as it was', () => {
    fc.assert(
      fc.property(fc.bigInt(-SUM_MAX, SUM_MAX), (micros) => {
        assert.equal(fromDecimal(toDecimal(micros)), micros);
        if (micros <= AMOUNT_MAX && micros >= -AMOUNT_MAX) assert.equal(toMicros(toUnits(micros)), micros);
      }),
    );
  });
});

suite('a decimal as micro-units', () => {
  for (const text of ['', '1.', '.5', '1e3', '1.0000000', 'NaN', '1,5', ' 1']) {
    test(`${JSON.stringify(text)} is none`, () => assert.throws(() => fromDecimal(text)));
  }
});

test('a cost is rounded up, and what a budget affords costs no more than it', () => {
  assert.equal(multiplyUp(1n, 1n), 1n);
  assert.equal(multiplyUp(3_000_000n, 333_333n), 999_999n);
  fc.assert(
    fc.property(fc.bigInt(0n, AMOUNT_MAX), fc.bigInt(1n, 10_000_000_000n), (budget, price) => {
      const amount = affordableAmount(budget, price);
      assert.ok(multiplyUp(amount, price) <= budget);
      assert.ok(multiplyUp(amount + 1n, price) > budget);
    }),
  );
});
