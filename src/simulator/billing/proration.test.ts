import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dueOf } from './amounts.ts';
import { shareOf } from './proration.ts';

describe('a part of an amount is rounded to whole units, half of one up', () => {
  const [halfOfJanuary, january] = [1_339_200, 2_678_400];
  for (const [amount, part, whole, share] of [
    [2000, halfOfJanuary, january, 1000],
    [2001, halfOfJanuary, january, 1001],
    [2000, january, january, 2000],
    [2000, 0, january, 0],
    [2000, 1, january, 0],
    [1, 2, 3, 1],
    [1, 1, 3, 0],
    [999, 1, 3, 333],
    [1000, 2, 3, 667],
    [99_999_999_999, 31_535_999, 31_536_000, 99_999_996_828],
  ] as const) {
    test(`${part} of ${whole} seconds of ${amount}: ${share}`, () => {
      assert.equal(shareOf(amount, part, whole), share);
    });
  }
});

describe('what is due after the balance of a customer', () => {
  for (const [total, balance, due, endingBalance] of [
    [1000, 0, 1000, 0],
    [1000, -300, 700, 0],
    [1000, -1500, 0, -500],
    [-1000, 0, 0, -1000],
    [-1000, 400, 0, -600],
    [1000, 200, 1200, 0],
    [40, 0, 0, 40],
    [50, 0, 50, 0],
    [0, 0, 0, 0],
  ] as const) {
    test(`${total} with a balance of ${balance}: ${due} due, ${endingBalance} left`, () => {
      assert.deepEqual(dueOf(total, balance, 'usd'), { due, endingBalance });
    });
  }
});
