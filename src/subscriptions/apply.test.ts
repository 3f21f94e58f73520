import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseSubscription } from './apply.ts';

const subscription = (subscriptionId: string, status: string, day: number) =>
  ({ subscriptionId, status, startDate: new Date(Date.UTC(2026, 0, day)) }) as Known;
type Known = Parameters<typeof chooseSubscription>[0][number];

for (const [what, known, chosen] of [
  ['none', [], undefined],
  ['the only one, though it has ended', [['a', 'CANCELED', 1]], 'a'],
  [
    'of two that go on, the oldest',
    [
      ['a', 'ACTIVE', 2],
      ['b', 'ACTIVE', 1],
    ],
    'b',
  ],
  [
    'a trial like any other',
    [
      ['a', 'ACTIVE', 2],
      ['b', 'TRIAL', 1],
    ],
    'b',
  ],
  [
    'one that is past due like any other',
    [
      ['a', 'ACTIVE', 2],
      ['b', 'PAST_DUE', 1],
    ],
    'b',
  ],
  [
    'one that gives its plan before one that is unpaid',
    [
      ['a', 'UNPAID', 1],
      ['b', 'ACTIVE', 2],
    ],
    'b',
  ],
  [
    'one that is unpaid before one that has ended',
    [
      ['a', 'CANCELED', 3],
      ['b', 'UNPAID', 1],
    ],
    'b',
  ],
  [
    'of two that have ended, the latest',
    [
      ['a', 'CANCELED', 1],
      ['b', 'CANCELED', 2],
    ],
    'b',
  ],
  [
    'of two of one moment, always the same',
    [
      ['b', 'ACTIVE', 1],
      ['a', 'ACTIVE', 1],
    ],
    'a',
  ],
] as const) {
  test(`which subscription counts: ${what}, in either order`, () => {
    const all = known.map(([id, status, day]) => subscription(id, status, day));
    assert.equal(chooseSubscription(all, undefined)?.subscriptionId, chosen);
    assert.equal(chooseSubscription(all.toReversed(), undefined)?.subscriptionId, chosen);
  });
}

test('which subscription counts: of two of one moment, the one that did before, and of others the oldest', () => {
  const [a, b, c] = [
    subscription('a', 'ACTIVE', 2),
    subscription('b', 'ACTIVE', 2),
    subscription('c', 'ACTIVE', 1),
  ];
  assert.equal(chooseSubscription([a, b], 'b'), b);
  assert.equal(chooseSubscription([a, b, c], 'b'), c);
});
