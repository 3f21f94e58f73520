import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { sampleConfig } from '../../test/fixtures/catalog.ts';
import { parseCatalog } from '../catalog/parse.ts';
import type { DebtPolicy } from '../catalog/types.ts';
import { type Micros, toMicros, toUnits } from '../lib/amounts.ts';
import { standing } from './clawback.ts';
import { decide, type Subject } from './decide.ts';
import type { Decision, Operation } from './operations.ts';
import type { Lot, State } from './state.ts';

const NOW = Date.UTC(2026, 0, 31, 12);
const micros = (units: number) => toMicros(units)!;

for (const [amount, spent, reversed, taken, owed] of [
  [100, 0, 0, 0, 0],
  [100, 0, 33.3, 33.3, 0],
  [100, 60, 40, 40, 0],
  [100, 60, 40.000001, 40, 0.000001],
  [100, 60, 100, 40, 60],
  [100, 100, 100, 0, 100],
  [0, 0, 0, 0, 0],
] as const) {
  test(`${reversed} of ${amount} reversed, ${spent} spent: ${taken} taken, ${owed} owed`, () => {
    const stands = standing({ amount: micros(amount), spent: micros(spent) }, micros(reversed));
    assert.deepEqual(stands, { taken: micros(taken), owed: micros(owed) });
  });
}

test('no more is reversed than a purchase gave, and no less than nothing', () => {
  for (const reversed of [-1n, 100_000_001n]) {
    assert.throws(() => standing({ amount: micros(100), spent: 0n }, reversed));
  }
});

type Step =
  /** A purchase of this name; it expires in two days where it says so. */
  | readonly ['buy', string, number, 'expiring'?]
  | readonly ['gift', string, number]
  | readonly ['use', number]
  /** Gives the n-th use back. */
  | readonly ['refund', number]
  | readonly ['reverse', string, number]
  | readonly ['pass']; // three days

/** Credits that came of it, in units. */
type Figures = {
  balance: number;
  debt: number;
  clawedBack: number;
  expired?: number;
  left: Record<string, number>;
};

/** What happened to one workspace, told to `decide` as the engine would. */
function play(steps: readonly Step[], debt: DebtPolicy = 'next_purchase') {
  const config = sampleConfig();
  config.plans.FREE.features['api.calls'] = { allowance: 0, overage: { creditsPerUnit: 1 } };
  const catalog = parseCatalog({ ...config, credits: { ...config.credits, debt } });
  const common = { workspaceId: 'acme', idempotency: null };
  let state: State = {
    ...{ workspaceId: 'acme', version: 0, createdAt: NOW, subscription: null },
    wallet: { balance: 0n, total: 0n, totalUsage: 0n, expired: 0n, clawedBack: 0n, debt: 0n, held: 0n },
    ...{ grants: [], holds: [], debts: [], usages: new Map(), topUpBelow: null },
  };
  const lots = new Map<string, Lot & { amount: Micros; reversed: Micros }>();
  const decisions: Decision[] = [];
  const uses: Decision[] = [];
  let now = NOW;

  function ask(operation: Operation, subject?: Subject): Decision | undefined {
    const decided = decide(state, operation, catalog, now, subject);
    state = decided.state;
    decisions.push(...decided.decisions);
    const { balance, total, totalUsage, expired, clawedBack, debt: owed } = state.wallet;
    assert.equal(balance, total - totalUsage - expired - clawedBack);
    assert.equal(
      balance,
      state.grants.reduce((sum, { remaining }) => sum + remaining, 0n),
    );
    assert.equal(
      owed,
      state.debts.reduce((sum, { open }) => sum + open, 0n),
    );
    return decided.decisions.find(({ id }) => id === operation.id);
  }

  function give(id: string, amount: number, grantType: 'PURCHASE' | 'PROMOTION', isExpiring: boolean) {
    const expiresAt = isExpiring ? now + 2 * DAY_MS : null;
    lots.set(id, { id, priority: 50, expiresAt, createdAt: now, amount: micros(amount), reversed: 0n });
    const asked = { type: 'GRANT', id, amount: micros(amount), grantType, priority: 50, expiresAt } as const;
    ask({ ...common, ...asked, description: id, creditRecordId: grantType === 'PURCHASE' ? id : null });
  }

  /** By uses that were not given back, and for the debts of others. */
  function spentOf(id: string): Micros {
    let spent = 0n;
    for (const { operation, reasons } of decisions) {
      const sign = operation === 'USE' ? 1n : operation === 'REFUND' ? -1n : 0n;
      for (const { grantId, amount } of reasons.sources ?? [])
        if (grantId === id) spent += sign * micros(amount);
      for (const entry of reasons.clawedBack ?? [])
        if (entry.grantId === id && entry.for !== undefined) spent += micros(entry.amount);
    }
    return spent;
  }

  for (const [number, step] of steps.entries()) {
    now += 1000;
    const id = `op_${number}`;
    if (step[0] === 'buy') give(step[1], step[2], 'PURCHASE', step[3] === 'expiring');
    if (step[0] === 'gift') give(step[1], step[2], 'PROMOTION', false);
    if (step[0] === 'pass') now += 3 * DAY_MS;
    if (step[0] === 'use') {
      const asked = { type: 'USE', id, featureCode: 'api.calls', amount: micros(step[1]) } as const;
      uses.push(ask({ ...common, ...asked, description: null, ai: null })!);
    }
    if (step[0] === 'refund') {
      const grants = [...lots.values()].map((lot) => ({ ...lot, remaining: 0n }));
      const use = uses[step[1]]!;
      ask(
        { ...common, type: 'REFUND', id, useId: use.id, reason: null },
        { decision: use, refunded: false, grants },
      );
    }
    if (step[0] === 'reverse') {
      const { amount, reversed, ...lot } = lots.get(step[1])!;
      const asked = { type: 'CLAW_BACK', id, purchaseId: step[1], amount: micros(step[2]) } as const;
      ask({ ...common, ...asked }, { lot, amount, reversed, spent: spentOf(step[1]) });
      lots.set(step[1], { ...lot, amount, reversed: asked.amount });
    }
  }
  const { wallet, grants } = state;
  return {
    state,
    decisions,
    figures: {
      balance: toUnits(wallet.balance),
      debt: toUnits(wallet.debt),
      clawedBack: toUnits(wallet.clawedBack),
      ...(wallet.expired === 0n ? {} : { expired: toUnits(wallet.expired) }),
      left: Object.fromEntries(grants.map((grant) => [grant.id, toUnits(grant.remaining)])),
    } satisfies Figures,
  };
}

const DAY_MS = 86_400_000;

const stories: [name: string, steps: Step[], figures: Figures][] = [
  [
    'what was not spent is taken, from its own grant alone',
    [['buy', 'a', 100], ['gift', 'g', 10], ['reverse', 'a', 100]],
    { balance: 10, debt: 0, clawedBack: 100, left: { g: 10 } },
  ],
  [
    'a part of it is a part',
    [['buy', 'a', 100], ['reverse', 'a', 33.3]],
    { balance: 66.7, debt: 0, clawedBack: 33.3, left: { a: 66.7 } },
  ],
  [
    'what was spent is owed, and no other grant pays',
    [['buy', 'a', 100], ['use', 60], ['gift', 'g', 10], ['reverse', 'a', 100]],
    { balance: 10, debt: 60, clawedBack: 40, left: { g: 10 } },
  ],
  [
    'the next purchase pays what is owed before it can be spent',
    [['buy', 'a', 100], ['use', 60], ['reverse', 'a', 100], ['buy', 'b', 100]],
    { balance: 40, debt: 0, clawedBack: 100, left: { b: 40 } },
  ],
  [
    'a purchase that does not suffice is used up, and the next one pays the rest',
    [['buy', 'a', 100], ['use', 60], ['reverse', 'a', 100], ['buy', 'b', 50], ['buy', 'c', 50]],
    { balance: 40, debt: 0, clawedBack: 100, left: { c: 40 } },
  ],
  [
    'a gift pays for nobody',
    [['buy', 'a', 100], ['use', 60], ['reverse', 'a', 100], ['gift', 'g', 100]],
    { balance: 100, debt: 60, clawedBack: 40, left: { g: 100 } },
  ],
  [
    'of two that owe, the older purchase is paid first',
    [['buy', 'a', 10], ['buy', 'b', 10], ['use', 20], ['reverse', 'b', 10], ['reverse', 'a', 10], ['buy', 'c', 15],
      ['reverse', 'a', 0]],
    { balance: 10, debt: 5, clawedBack: 5, left: { c: 10 } },
  ],
  [
    'a reversal that was undone before anybody paid leaves nothing behind',
    [['buy', 'a', 100], ['use', 60], ['reverse', 'a', 100], ['reverse', 'a', 0]],
    { balance: 40, debt: 0, clawedBack: 0, left: { a: 40 } },
  ],
  [
    'a reversal that was undone gives back to who has paid',
    [['buy', 'a', 100], ['use', 60], ['reverse', 'a', 100], ['buy', 'b', 100], ['reverse', 'a', 0]],
    { balance: 140, debt: 0, clawedBack: 0, left: { a: 40, b: 100 } },
  ],
  [
    'undone in part, what was owed last goes first',
    [['buy', 'a', 100], ['use', 60], ['reverse', 'a', 100], ['buy', 'b', 50], ['reverse', 'a', 70]],
    { balance: 20, debt: 0, clawedBack: 70, left: { b: 20 } },
  ],
  [
    'who paid for another and is reversed owes what it paid',
    [['buy', 'a', 100], ['use', 60], ['reverse', 'a', 100], ['buy', 'b', 100], ['reverse', 'b', 100]],
    { balance: 0, debt: 60, clawedBack: 140, left: {} },
  ],
  [
    'what such a one gets back it owes no more',
    [['buy', 'a', 100], ['use', 60], ['reverse', 'a', 100], ['buy', 'b', 100], ['reverse', 'b', 100],
      ['reverse', 'a', 0]],
    { balance: 40, debt: 0, clawedBack: 100, left: { a: 40 } },
  ],
  [
    'what had expired unspent is taken without effect',
    [['buy', 'a', 100, 'expiring'], ['use', 40], ['pass'], ['reverse', 'a', 60]],
    { balance: 0, debt: 0, clawedBack: 60, left: {} },
  ],
  [
    'what had expired counts before what was spent',
    [['buy', 'a', 100, 'expiring'], ['use', 40], ['pass'], ['reverse', 'a', 70]],
    { balance: 0, debt: 10, clawedBack: 60, left: {} },
  ],
  [
    'what goes back to a grant that is over has expired',
    [['buy', 'a', 100, 'expiring'], ['reverse', 'a', 100], ['pass'], ['reverse', 'a', 0]],
    { balance: 0, debt: 0, clawedBack: 0, expired: 100, left: {} },
  ],
  [
    'a use that is given back lowers what is owed first',
    [['buy', 'a', 100], ['use', 60], ['use', 10], ['reverse', 'a', 50], ['refund', 0]],
    { balance: 40, debt: 0, clawedBack: 50, left: { a: 40 } },
  ],
  [
    'a use that is given back after another purchase paid gives back to that one',
    [['buy', 'a', 100], ['use', 60], ['reverse', 'a', 100], ['buy', 'b', 100], ['refund', 0]],
    { balance: 100, debt: 0, clawedBack: 100, left: { b: 100 } },
  ],
  [
    'a use that is given back to a grant that is over lowers what is owed all the same',
    [['buy', 'a', 100, 'expiring'], ['use', 60], ['reverse', 'a', 90], ['pass'], ['refund', 0]],
    { balance: 0, debt: 0, clawedBack: 90, expired: 10, left: {} },
  ],
]; // biome-ignore format: stories read as lines

suite('what is reversed', () => {
  for (const [name, steps, figures] of stories) {
    test(name, () => assert.deepEqual(play(steps).figures, figures));
  }

  test('asked for again, it is no decision', () => {
    const steps: Step[] = [
      ['buy', 'a', 100],
      ['use', 60],
      ['reverse', 'a', 100],
    ];
    const { state } = play(steps);
    assert.deepEqual(play([...steps, ['reverse', 'a', 100]]).state, state);
  });

  test('by which way it came to that does not matter', () => {
    const bought: Step[] = [
      ['buy', 'a', 100],
      ['use', 60],
    ];
    const direct = play([...bought, ['reverse', 'a', 70]]);
    for (const detour of [[100], [0.000001, 50], [40, 41, 100, 0]]) {
      const steps = detour.map((target): Step => ['reverse', 'a', target]);
      assert.deepEqual(play([...bought, ...steps, ['reverse', 'a', 70]]).figures, direct.figures);
    }
    // Nor whether it was used before or after.
    const after = play([
      ['buy', 'a', 100],
      ['use', 30],
      ['reverse', 'a', 70],
      ['gift', 'g', 30],
      ['use', 30],
    ]);
    assert.equal(after.figures.debt, 0);
    assert.equal(direct.figures.debt, 30);
  });

  test('where the catalog says keep, a debt is only shown', () => {
    const { figures } = play(
      [
        ['buy', 'a', 100],
        ['use', 60],
        ['reverse', 'a', 100],
        ['buy', 'b', 100],
      ],
      'keep',
    );
    assert.deepEqual(figures, { balance: 100, debt: 60, clawedBack: 40, left: { b: 100 } });
  });

  test('a decision says what it took, from whom, and for whom', () => {
    const { decisions } = play([
      ['buy', 'a', 100],
      ['use', 60],
      ['reverse', 'a', 100],
      ['buy', 'b', 100],
    ]);
    const [, , taken, bought] = decisions.map(({ reasons }) => reasons);
    assert.deepEqual(taken, {
      balance: 0,
      clawedBack: [{ grantId: 'a', amount: 40 }],
      debts: [{ grantId: 'a', amount: 60 }],
      reversal: { grantId: 'a', before: 0 },
    });
    assert.deepEqual(bought!.clawedBack, [{ grantId: 'b', amount: 60, for: 'a' }]);
    assert.deepEqual(bought!.debts, [{ grantId: 'a', amount: -60 }]);
  });
});
