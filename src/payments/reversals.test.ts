import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toMicros, toUnits } from '../lib/amounts.ts';
import { type Reversal, reversedOf, takenBack } from './reversals.ts';

const micros = (units: number) => toMicros(units)!;
type Given = [kind: Reversal['kind'], amount: number, status: Reversal['status']];

const cases: [
  name: string,
  paid: { amount: number; credits: number },
  given: Given[],
  expected: { refunded: number; disputed: number; reversed: number; credits: number },
][] = [
  [
    'nothing',
    { amount: 1000, credits: 100 },
    [],
    { refunded: 0, disputed: 0, reversed: 0, credits: 0 },
  ],
  [
    'a third, nearly',
    { amount: 1000, credits: 100 },
    [['REFUND', 333, 'SUCCEEDED']],
    { refunded: 333, disputed: 0, reversed: 333, credits: 33.3 },
  ],
  [
    'the rest, too: all of it exactly',
    { amount: 1000, credits: 100 },
    [['REFUND', 333, 'SUCCEEDED'], ['REFUND', 667, 'PENDING']],
    { refunded: 1000, disputed: 0, reversed: 1000, credits: 100 },
  ],
  [
    'rounded down at the sixth decimal',
    { amount: 3, credits: 1 },
    [['REFUND', 2, 'SUCCEEDED']],
    { refunded: 2, disputed: 0, reversed: 2, credits: 0.666666 },
  ],
  [
    'three times a third is all of it, whatever each was rounded to',
    { amount: 3, credits: 1 },
    [['REFUND', 1, 'SUCCEEDED'], ['REFUND', 1, 'SUCCEEDED'], ['REFUND', 1, 'SUCCEEDED']],
    { refunded: 3, disputed: 0, reversed: 3, credits: 1 },
  ],
  [
    'a refund that failed counts no more',
    { amount: 10, credits: 1000 },
    [['REFUND', 10, 'FAILED'], ['REFUND', 2.5, 'PENDING']],
    { refunded: 2.5, disputed: 0, reversed: 2.5, credits: 250 },
  ],
  [
    'a dispute counts from when it is opened',
    { amount: 10, credits: 1000 },
    [['DISPUTE', 10, 'OPEN']],
    { refunded: 0, disputed: 10, reversed: 10, credits: 1000 },
  ],
  [
    'a partial dispute takes its part',
    { amount: 10, credits: 1000 },
    [['DISPUTE', 4, 'LOST'], ['DISPUTE', 6, 'WON']],
    { refunded: 0, disputed: 4, reversed: 4, credits: 400 },
  ],
  [
    'an inquiry only asks',
    { amount: 10, credits: 1000 },
    [['DISPUTE', 10, 'INQUIRY']],
    { refunded: 0, disputed: 0, reversed: 0, credits: 0 },
  ],
  [
    'both together are never more than was paid',
    { amount: 10, credits: 1000 },
    [['REFUND', 3, 'SUCCEEDED'], ['DISPUTE', 10, 'OPEN']],
    { refunded: 3, disputed: 10, reversed: 10, credits: 1000 },
  ],
  [
    'what cost nothing has nothing to give back',
    { amount: 0, credits: 1000 },
    [['REFUND', 0, 'SUCCEEDED']],
    { refunded: 0, disputed: 0, reversed: 0, credits: 0 },
  ],
  [
    'money that buys no credits',
    { amount: 20, credits: 0 },
    [['REFUND', 20, 'SUCCEEDED']],
    { refunded: 20, disputed: 0, reversed: 20, credits: 0 },
  ],
]; // biome-ignore format: cases read as lines

for (const [name, paid, given, expected] of cases) {
  test(`what is reversed: ${name}`, () => {
    const reversals = given.map(([kind, amount, status]) => ({ kind, amount: micros(amount), status }));
    const amount = micros(paid.amount);
    const figures = reversedOf({ amount }, reversals);
    const credits = takenBack(micros(paid.credits), figures.reversed, amount);
    const units = Object.entries({ ...figures, credits }).map(([figure, value]) => [figure, toUnits(value)]);
    assert.deepEqual(Object.fromEntries(units), expected);
  });
}
