import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { parseCatalog } from '../catalog/parse.ts';
import { AMOUNT_MAX, SUM_MAX } from '../lib/amounts.ts';
import { decide } from './decide.ts';
import { stateAt } from './expire.ts';
import type { Decision, GrantOperation, Operation, RefundedUse, UseOperation } from './operations.ts';
import { bySpendingOrder, type Grant, type State, type Usage } from './state.ts';

const NOW = Date.UTC(2026, 0, 31, 12);
const DAY_MS = 86_400_000;
const MONTH_END = Date.UTC(2026, 1, 21, 12); // of the workspace, which was created ten days ago

const catalog = parseCatalog({
  currency: 'usd',
  features: {
    'ai.points': { name: 'AI points', type: 'metered', whole: true },
    calls: { name: 'Calls', type: 'metered' },
    exports: { name: 'Exports', type: 'metered' },
    video: { name: 'Video', type: 'metered' },
    disk: { name: 'Disk', type: 'metered' },
    sso: { name: 'Single sign-on', type: 'switch' },
  },
  plans: {
    FREE: {
      name: 'Free',
      features: {
        'ai.points': { allowance: 200, per: 'month', overage: { creditsPerUnit: 0.75 } },
        calls: { allowance: 3, per: 'month', overage: { creditsPerUnit: 2 } },
        exports: { allowance: 3, per: 'day', overage: 'block' },
        video: { allowance: 0, overage: { creditsPerUnit: 0.333333 } },
        disk: { allowance: 1, per: 'forever', overage: 'block' },
      },
    },
    PRO: {
      name: 'Pro',
      price: { month: { usd: 20 } },
      features: { sso: true, calls: { allowance: 'unlimited' } },
    },
  },
  credits: {
    expireAfterDays: null,
    packs: { small: { name: 'Small', credits: 1000, price: { usd: 10 } } },
    custom: { usd: { min: 5, max: 500, creditsPerUnit: 100 } },
  },
});

/** Units as micro-units; the tables read in units. */
const units = (amount: number) => BigInt(Math.round(amount * 1e6));

function grantOf(id: string, remaining: number, more: Partial<Grant> = {}): Grant {
  return { id, remaining: units(remaining), priority: 50, expiresAt: null, createdAt: NOW - DAY_MS, ...more };
}

const usage = (periodStart: number, used: number, periodEnd: number | null = null): Usage => ({
  ...{ periodStart, periodEnd, used: units(used) },
});

function stateWith({
  grants = [],
  used = {},
  ...more
}: { grants?: Grant[]; used?: Record<string, number> } & Partial<Pick<State, 'subscription'>>): State {
  const balance = grants.reduce((sum, grant) => sum + grant.remaining, 0n);
  return {
    workspaceId: 'acme',
    version: 7,
    createdAt: NOW - 10 * DAY_MS,
    subscription: null,
    wallet: { balance, total: balance, totalUsage: 0n, expired: 0n, clawedBack: 0n, debt: 0n, held: 0n },
    grants,
    holds: [],
    debts: [],
    topUpBelow: null,
    usages: new Map(
      Object.entries(used).map(([code, amount]) => [
        code,
        {
          before: 0n,
          rows: [code === 'exports' ? usage(NOW, amount) : usage(NOW - 10 * DAY_MS, amount, MONTH_END)],
        },
      ]),
    ),
    ...more,
  };
}

function useOf(featureCode: string, amount: bigint): UseOperation {
  return {
    type: 'USE',
    id: 'op_1',
    workspaceId: 'acme',
    featureCode,
    amount,
    description: null,
    ai: null,
    idempotency: null,
  };
}

function decided(
  state: State,
  operation: Operation,
  refundedUse?: RefundedUse,
): { after: State; decision: Decision; decisions: Decision[] } {
  const { state: after, decisions } = decide(state, operation, catalog, NOW, refundedUse);
  const { balance, total, totalUsage, expired, clawedBack } = after.wallet;
  assert.equal(balance, total - totalUsage - expired - clawedBack);
  assert.equal(
    balance,
    after.grants.reduce((sum, grant) => sum + grant.remaining, 0n),
  );
  assert.equal(after.version, state.version + decisions.length);
  return { after, decision: decisions.at(-1)!, decisions };
}

suite('a use takes the allowance first, then credits', () => {
  for (const [feature, amount, used, credits, fromAllowance, fromCredits, creditCost] of [
    ['calls', 2, 0, 0, 2, 0, 0],
    ['calls', 3, 0, 0, 3, 0, 0],
    ['calls', 5, 0, 4, 3, 2, 4],
    ['calls', 5, 2, 8, 1, 4, 8],
    ['calls', 0.000001, 3, 1, 0, 0.000001, 0.000002],
    ['exports', 1, 2, 0, 1, 0, 0],
    ['video', 3, 0, 1, 0, 3, 0.999999],
    ['video', 0.000001, 0, 1, 0, 0.000001, 0.000001],
    ['ai.points', 201, 0, 1, 200, 1, 0.75],
  ] as const) {
    test(`${amount} of ${feature}, ${used} used, ${credits} credits: ${fromAllowance} + ${fromCredits} for ${creditCost}`, () => {
      const state = stateWith({
        grants: credits === 0 ? [] : [grantOf('g', credits)],
        used: { [feature]: used },
      });
      const { decision, after } = decided(state, useOf(feature, units(amount)));
      assert.deepEqual(
        [decision.code, decision.fromAllowance, decision.fromCredits, decision.creditCost],
        [null, units(fromAllowance), units(fromCredits), units(creditCost)],
      );
      assert.equal(after.wallet.totalUsage, units(creditCost));
      assert.equal(decision.reasons.allowance!.used, Number(units(used) + units(fromAllowance)) / 1e6);
    });
  }
});

suite('a use that cannot be paid whole takes nothing', () => {
  for (const [feature, amount, used, credits, code, details] of [
    [
      'exports',
      1,
      3,
      100,
      'limit_reached',
      { limit: 3, used: 3, remaining: 0, resetsAt: '2026-02-01T12:00:00.000Z', affordable: 0 },
    ],
    [
      'exports',
      2,
      2,
      0,
      'limit_reached',
      { limit: 3, used: 2, remaining: 1, resetsAt: '2026-02-01T12:00:00.000Z', affordable: 1 },
    ],
    ['disk', 2, 0, 0, 'limit_reached', { limit: 1, used: 0, remaining: 1, resetsAt: null, affordable: 1 }],
    [
      'calls',
      5,
      0,
      3.999999,
      'insufficient_credits',
      { required: 4, available: 3.999999, affordable: 4.999999 },
    ],
    [
      'video',
      3,
      0,
      0.999998,
      'insufficient_credits',
      { required: 0.999999, available: 0.999998, affordable: 2.999996 },
    ],
    ['ai.points', 203, 0, 2, 'insufficient_credits', { required: 2.25, available: 2, affordable: 202 }],
    ['sso', 1, 0, 0, 'feature_not_in_plan', { plan: 'FREE', plansWithFeature: ['PRO'] }],
  ] as const) {
    test(`${amount} of ${feature}, ${used} used, ${credits} credits: ${code}`, () => {
      const state = stateWith({
        grants: credits === 0 ? [] : [grantOf('g', credits)],
        used: { [feature]: used },
      });
      const { decision, after } = decided(state, useOf(feature, units(amount)));
      assert.equal(decision.code, code);
      assert.deepEqual(decision.reasons.refusal, details);
      assert.deepEqual([decision.fromAllowance, decision.fromCredits, decision.creditCost], [0n, 0n, 0n]);
      assert.deepEqual({ ...after, version: 0 }, { ...state, version: 0 });
    });
  }

  test('what is affordable passes, and one micro-unit more does not', () => {
    for (const [feature, credits] of [
      ['calls', 7.000001],
      ['video', 12.345678],
      ['exports', 0],
    ] as const) {
      const state = stateWith({ grants: credits === 0 ? [] : [grantOf('g', credits)] });
      const { decision } = decided(state, useOf(feature, units(1e6)));
      const affordable = units(decision.reasons.refusal!.affordable as number);
      assert.equal(decided(state, useOf(feature, affordable)).decision.code, null);
      assert.notEqual(decided(state, useOf(feature, affordable + 1n)).decision.code, null);
    }
  });
});

suite('grants pay in spending order', () => {
  const soon = NOW + DAY_MS;
  const late = NOW + 2 * DAY_MS;
  for (const [name, grants, cost, sources, left] of [
    [
      'lower priority number first',
      [grantOf('a', 5), grantOf('b', 5, { priority: 10 })],
      6,
      { b: 5, a: 1 },
      ['a'],
    ],
    [
      'sooner expiry first',
      [grantOf('a', 5), grantOf('b', 5, { expiresAt: late }), grantOf('c', 5, { expiresAt: soon })],
      6,
      { c: 5, b: 1 },
      ['b', 'a'],
    ],
    ['older first', [grantOf('a', 5), grantOf('b', 5, { createdAt: 0 })], 4, { b: 4 }, ['b', 'a']],
    ['exactly used up, a grant is gone', [grantOf('a', 5), grantOf('b', 5)], 5, { a: 5 }, ['b']],
  ] as const) {
    test(name, () => {
      const state = stateWith({ grants: [...grants].sort(bySpendingOrder) });
      const { decision, after } = decided(state, useOf('calls', units(3 + cost / 2)));
      const paid = decision.reasons.sources!.map(({ grantId, amount }) => [grantId, amount]);
      assert.deepEqual(Object.fromEntries(paid), sources);
      assert.deepEqual(
        after.grants.map(({ id }) => id),
        left,
      );
    });
  }
});

suite('what has expired is taken out before anything is decided', () => {
  for (const [name, expiresAt, isExpired] of [
    ['a millisecond before', NOW + 1, false],
    ['at its instant', NOW, true],
    ['long after', NOW - DAY_MS, true],
  ] as const) {
    test(`${name}: ${isExpired ? 'gone' : 'there'}`, () => {
      const state = stateWith({ grants: [grantOf('a', 2, { expiresAt }), grantOf('b', 1)] });
      const { decisions, after } = decided(state, useOf('calls', units(3.5)));
      assert.deepEqual(
        decisions.map(({ operation, code }) => [operation, code]),
        isExpired
          ? [
              ['EXPIRE', null],
              ['USE', null],
            ]
          : [['USE', null]],
      );
      assert.equal(after.wallet.expired, isExpired ? units(2) : 0n);
      assert.equal(stateAt(state, catalog, NOW).wallet.balance, isExpired ? units(1) : units(3));
    });
  }

  test('asked to expire what has not, nothing is decided', () => {
    const asked = { type: 'EXPIRE', id: 'op_1', workspaceId: 'acme', idempotency: null } as const;
    const state = stateWith({ grants: [grantOf('a', 2, { expiresAt: NOW + 1 })] });
    assert.deepEqual(decide(state, asked, catalog, NOW), { state, decisions: [] });
  });
});

suite('periods', () => {
  const calls = (state: State) => decided(state, useOf('calls', 1n)).decision;

  test('a use of an earlier period counts no more', () => {
    const state = stateWith({ used: { calls: 3 } });
    const monthLater = {
      ...state,
      createdAt: NOW - 40 * DAY_MS,
      usages: new Map([['calls', { before: 0n, rows: [usage(NOW - 40 * DAY_MS, 3, NOW - 9 * DAY_MS)] }]]),
    };
    assert.equal(calls(monthLater).fromAllowance, 1n);
    assert.equal(calls(state).code, 'insufficient_credits');
  });

  const PLAIN = { allowanceAnchor: null, graceUntil: null, cancelAt: null };

  const subscription = (startedAgo: number, status: 'ACTIVE' | 'UNPAID' = 'ACTIVE') =>
    ({ plan: 'PRO', status, startDate: NOW - startedAgo, endDate: NOW + DAY_MS, ...PLAIN }) as const;

  test('what is allowed for ever counts what was used in all periods', () => {
    const usages = new Map([['disk', { before: units(0.5), rows: [usage(NOW - DAY_MS, 0.25)] }]]);
    const state = { ...stateWith({}), usages };
    assert.equal(decided(state, useOf('disk', units(0.25))).decision.code, null);
    assert.equal(decided(state, useOf('disk', units(0.25) + 1n)).decision.code, 'limit_reached');
  });

  for (const [status, endsIn, plan] of [
    ['ACTIVE', 1, 'PRO'],
    ['ACTIVE', -1, 'PRO'], // its renewal is on the way
    ['TRIAL', 1, 'PRO'],
    ['PAST_DUE', 1, 'PRO'],
    ['CANCELED', 1, 'PRO'], // paid until then
    ['CANCELED', 0, 'FREE'],
    ['UNPAID', 1, 'FREE'],
  ] as const) {
    test(`${status}, ending in ${endsIn} days: ${plan}`, () => {
      const subscription = {
        plan: 'PRO',
        status,
        startDate: NOW - 9 * DAY_MS,
        endDate: NOW + endsIn * DAY_MS,
        ...PLAIN,
      } as const;
      assert.equal(calls(stateWith({ subscription })).plan, plan);
    });
  }

  for (const [what, change, plan] of [
    ['past due, within its grace', { status: 'PAST_DUE', graceUntil: NOW + 1 }, 'PRO'],
    ['past due, at the end of its grace', { status: 'PAST_DUE', graceUntil: NOW }, 'FREE'],
    ['paid, whatever its grace was', { graceUntil: NOW - 1 }, 'PRO'],
    ['to end in a moment', { cancelAt: NOW + 1 }, 'PRO'],
    ['at its end, whether or not anybody was told', { cancelAt: NOW }, 'FREE'],
    ['not begun', { startDate: NOW + 1 }, 'FREE'],
  ] as const) {
    test(`a subscription that is ${what}: ${plan}`, () => {
      const changed = { ...subscription(DAY_MS), ...change };
      assert.equal(calls(stateWith({ subscription: changed })).plan, plan);
    });
  }

  test('periods are counted from the anchor that a subscription names', () => {
    const anchored = { ...subscription(3 * DAY_MS), allowanceAnchor: NOW + 2 * DAY_MS };
    const { periodStart } = calls(stateWith({ subscription: anchored }));
    assert.equal(periodStart, Date.UTC(2026, 0, 2, 12));
  });
});

suite('a refund gives back to where it came from', () => {
  const asked = {
    type: 'REFUND',
    id: 'op_2',
    workspaceId: 'acme',
    useId: 'op_1',
    reason: null,
    idempotency: null,
  } as const;
  const grants = [grantOf('a', 2, { priority: 1 }), grantOf('b', 9)];
  const before = stateWith({ grants, used: { calls: 1 } });
  const { decision: used, after } = decided(before, useOf('calls', units(5)));
  const payers = [grantOf('a', 0, { priority: 1 }), grantOf('b', 5)];

  test('allowance to its period, credits to the grants that paid, in their old order', () => {
    const { after: restored, decision } = decided(after, asked, {
      decision: used,
      refunded: false,
      grants: payers,
    });
    assert.deepEqual(restored.wallet, before.wallet);
    assert.deepEqual(restored.grants, before.grants);
    assert.deepEqual(restored.usages, before.usages);
    assert.deepEqual([decision.refundOf, decision.creditCost], ['op_1', units(6)]);
  });

  test('a grant that has expired meanwhile takes its part with it', () => {
    const expired = payers.map((grant) => (grant.id === 'a' ? { ...grant, expiresAt: NOW } : grant));
    const { after: restored } = decided(after, asked, { decision: used, refunded: false, grants: expired });
    assert.equal(restored.wallet.expired, units(2));
    assert.equal(restored.wallet.balance, units(9));
    assert.equal(restored.wallet.totalUsage, 0n);
  });

  test('a period that is over is not the present one', () => {
    const later = { ...after, createdAt: NOW - 40 * DAY_MS, usages: new Map() };
    const { after: restored, decision } = decided(later, asked, {
      decision: used,
      refunded: false,
      grants: payers,
    });
    assert.deepEqual([decision.periodStart, decision.reasons.allowance!.used], [used.periodStart, 0]);
    assert.equal(decided(restored, useOf('calls', units(3))).decision.fromAllowance, units(3));
  });

  for (const [name, refundedUse, code] of [
    ['twice', { decision: used, refunded: true, grants: payers }, 'already_refunded'],
    [
      'of what was refused',
      { decision: { ...used, code: 'limit_reached' }, refunded: false, grants: [] },
      'not_refundable',
    ],
    [
      'of a grant',
      { decision: { ...used, operation: 'GRANT' }, refunded: false, grants: [] },
      'not_refundable',
    ],
  ] as const) {
    test(`${name}: ${code}`, () => {
      assert.throws(() => decide(after, asked, catalog, NOW, refundedUse as RefundedUse), { code });
    });
  }
});

suite('a grant', () => {
  const asked: GrantOperation = {
    type: 'GRANT',
    id: 'op_3',
    workspaceId: 'acme',
    amount: units(5),
    grantType: 'PROMOTION',
    priority: 10,
    expiresAt: null,
    description: 'Welcome',
    creditRecordId: null,
    idempotency: null,
  };

  test('takes its place in the spending order', () => {
    const { after } = decided(stateWith({ grants: [grantOf('a', 1)] }), asked);
    assert.deepEqual(
      after.grants.map(({ id }) => id),
      ['op_3', 'a'],
    );
    assert.equal(after.wallet.balance, units(6));
  });

  test('that has expired before it is given is refused', () => {
    assert.throws(() => decide(stateWith({}), { ...asked, expiresAt: NOW }, catalog, NOW), {
      code: 'invalid_request',
      param: 'expiresAt',
    });
  });

  test('that no JSON number could say any more is refused', () => {
    const full = stateWith({ grants: [{ ...grantOf('a', 0), remaining: SUM_MAX }] });
    assert.throws(() => decide(full, { ...asked, amount: 1n }, catalog, NOW), {
      code: 'invalid_request',
      param: 'amount',
    });
    const almost = stateWith({ grants: [{ ...grantOf('a', 0), remaining: SUM_MAX - AMOUNT_MAX }] });
    assert.equal(decided(almost, { ...asked, amount: AMOUNT_MAX }).after.wallet.balance, SUM_MAX);
  });
});
