import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { sampleConfig } from '../../test/fixtures/catalog.ts';
import type { CatalogConfig } from '../catalog/config.ts';
import { parseCatalog } from '../catalog/parse.ts';
import type { Catalog } from '../catalog/types.ts';
import { toMicros, toUnits } from '../lib/amounts.ts';
import { decide, type Subject } from './decide.ts';
import { stateAt } from './expire.ts';
import type { Decision, Operation } from './operations.ts';
import type { Grant, State } from './state.ts';

const NOW = Date.UTC(2026, 0, 31, 12);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const units = (amount: number) => toMicros(amount)!;

/** FREE has three calls a day, and more for two credits each. */
function catalogWith(spoil: (config: CatalogConfig) => void = () => {}): Catalog {
  const config = sampleConfig();
  config.plans.FREE.features['api.calls'] = { allowance: 3, per: 'day', overage: { creditsPerUnit: 2 } };
  config.plans.BASIC!.features['api.calls'] = { allowance: 5, per: 'day', overage: { creditsPerUnit: 1 } };
  config.plans.PRO!.features['api.calls'] = { allowance: 1, per: 'day', overage: 'block' };
  spoil(config);
  return parseCatalog(config);
}

function grantOf(id: string, remaining: number, expiresAt: number | null = null): Grant {
  return { id, remaining: units(remaining), priority: 50, expiresAt, createdAt: NOW - DAY_MS };
}

/** A workspace to which operations are put one after the other. */
class Table {
  catalog = catalogWith();
  now = NOW;
  state: State;
  #count = 0;

  constructor(grants: Grant[]) {
    const balance = grants.reduce((sum, { remaining }) => sum + remaining, 0n);
    this.state = {
      ...{ workspaceId: 'acme', version: 1, createdAt: NOW, subscription: null },
      wallet: { balance, total: balance, totalUsage: 0n, expired: 0n, clawedBack: 0n, debt: 0n, held: 0n },
      ...{ grants, holds: [], debts: [], usages: new Map(), topUpBelow: null },
    };
  }

  ask(asked: Partial<Operation>, subject?: Subject): Decision[] {
    const operation = {
      workspaceId: 'acme',
      idempotency: null,
      id: `op_${++this.#count}`,
      ...asked,
    } as Operation;
    const { state, decisions, refusal } = decide(this.state, operation, this.catalog, this.now, subject);
    this.state = state;
    if (refusal !== undefined) throw refusal;
    return decisions;
  }

  hold(amount: number, onExpire: 'release' | 'settle' = 'release'): string {
    const asked = { featureCode: 'api.calls', amount: units(amount), ttlMs: MINUTE_MS, onExpire, ai: null };
    const [decision] = this.ask({ type: 'HOLD', ...asked }).slice(-1);
    assert.equal(decision!.code, null);
    return decision!.id;
  }

  use(amount: number): Decision {
    const asked = { featureCode: 'api.calls', amount: units(amount), description: null, ai: null };
    return this.ask({ type: 'USE', ...asked }).at(-1)!;
  }

  settle(holdId: string, amount: number): Decision {
    return this.ask({ type: 'SETTLE', holdId, amount: units(amount) }).at(-1)!;
  }

  /** Balance, and what is held of it. */
  credits(): [number, number] {
    const { balance, held } = stateAt(this.state, this.catalog, this.now).wallet;
    return [toUnits(balance), toUnits(held)];
  }

  subscribe(plan: 'BASIC' | 'PRO' | 'ENTERPRISE'): void {
    this.state = {
      ...this.state,
      subscription: {
        ...{ plan, status: 'ACTIVE', startDate: NOW, endDate: NOW + 30 * DAY_MS },
        ...{ allowanceAnchor: null, graceUntil: null, cancelAt: null },
      },
    };
  }
}

const taken = ({ amount, fromAllowance, fromCredits, creditCost, reasons }: Decision) => [
  ...[amount, fromAllowance, fromCredits, creditCost].map(toUnits),
  reasons.shortfall ?? 0,
];

suite('a hold of 3 from the allowance and 7 from credits, at 2 each, of 20', () => {
  for (const [settled, expected, left] of [
    // amount, from the allowance, from credits, credits, shortfall
    [0, [0, 0, 0, 0, 0], 20],
    [2.5, [2.5, 2.5, 0, 0, 0], 20],
    [4, [4, 3, 1, 2, 0], 18],
    [10, [10, 3, 7, 14, 0], 6],
    [12, [12, 3, 9, 18, 0], 2],
    [13, [13, 3, 10, 20, 0], 0],
    [15.5, [13, 3, 10, 20, 2.5], 0],
  ] as const) {
    test(`is settled with ${settled}: ${expected.join(', ')}`, () => {
      const table = new Table([grantOf('a', 8), grantOf('b', 12)]);
      const id = table.hold(10);
      assert.deepEqual(table.credits(), [20, 14]);
      const decision = table.settle(id, settled);
      assert.deepEqual(taken(decision), expected);
      assert.deepEqual(table.credits(), [left, 0]);
      const sources = decision.reasons.sources ?? [];
      assert.equal(
        sources.reduce((sum, { amount }) => sum + amount, 0),
        expected[3],
      );
      assert.ok(new Set(sources.map(({ grantId }) => grantId)).size === sources.length, 'each grant once');
    });
  }

  test('pays with the grants that it holds, not with those that come before them later', () => {
    const table = new Table([grantOf('a', 20)]);
    const id = table.hold(10);
    const better = { amount: units(5), grantType: 'PROMOTION', priority: 1, expiresAt: null } as const;
    table.ask({ type: 'GRANT', ...better, description: '', creditRecordId: null });
    assert.deepEqual(table.settle(id, 10).reasons.sources, [{ grantId: 'a', amount: 14 }]);
  });

  test('leaves no more to others than is not held', () => {
    const table = new Table([grantOf('a', 20)]);
    table.hold(10);
    const refused = table.use(3.5);
    assert.deepEqual([refused.code, refused.reasons.refusal!.available], ['insufficient_credits', 6]);
    assert.deepEqual(taken(table.use(3)), [3, 0, 3, 6, 0]);
  });
});

suite('terms that change while something is held', () => {
  test('its period is over: it is counted in that one, and of the new one nothing is taken', () => {
    const table = new Table([grantOf('a', 20)]);
    const id = table.hold(2);
    table.ask({ type: 'PROGRESS', holdId: id, amount: 0n, ttlMs: DAY_MS });
    table.now += DAY_MS - 1;
    table.ask({ type: 'PROGRESS', holdId: id, amount: 0n, ttlMs: DAY_MS });
    table.now += 2;
    const decision = table.settle(id, 4);
    assert.deepEqual(taken(decision), [4, 2, 2, 4, 0]);
    assert.equal(decision.periodStart, NOW);
    assert.equal(table.use(3).fromAllowance, units(3), 'the new period is untouched');
  });

  test('another plan: what was held keeps its price, and so does what is beyond it', () => {
    const table = new Table([grantOf('a', 20)]);
    const id = table.hold(4);
    table.subscribe('BASIC'); // a period of its own, that begins at the same time, with two more
    assert.deepEqual(taken(table.settle(id, 8)), [8, 5, 3, 6, 0]);
  });

  test('a plan that sells nothing: what is beyond the hold has the price of the plan that does', () => {
    const table = new Table([grantOf('a', 20)]);
    table.subscribe('PRO');
    const id = table.hold(1);
    table.subscribe('BASIC');
    assert.deepEqual(taken(table.settle(id, 8)), [8, 5, 3, 3, 0]);
  });

  test('a plan that lacks the feature: what was held is paid, and nothing of it is left', () => {
    const table = new Table([grantOf('a', 20)]);
    const [id, other] = [table.hold(4), table.hold(1)];
    table.catalog = catalogWith((config) => delete config.plans.ENTERPRISE!.features['api.calls']);
    table.subscribe('ENTERPRISE');
    const settled = table.settle(id, 4);
    assert.deepEqual(taken(settled), [4, 3, 1, 2, 0]);
    const released = table.ask({ type: 'RELEASE', holdId: other }).at(-1)!;
    for (const { reasons } of [settled, released])
      assert.deepEqual(reasons.allowance, { limit: 0, used: 0, remaining: 0, resetsAt: null });
  });

  test('the feature is gone from the catalog: what was held is paid, and no more', () => {
    const table = new Table([grantOf('a', 20)]);
    const [id, other] = [table.hold(4), table.hold(1)];
    table.catalog = catalogWith((config) => {
      delete config.features['api.calls'];
      for (const plan of Object.values(config.plans)) delete plan.features['api.calls'];
    });
    assert.deepEqual(taken(table.settle(id, 4)), [4, 3, 1, 2, 0]);
    table.ask({ type: 'RELEASE', holdId: other });
    assert.deepEqual(table.credits(), [18, 0]);
  });
});

suite('an expired hold', () => {
  test('ends before anything is decided, each at its own time', () => {
    const table = new Table([grantOf('a', 20)]);
    const first = table.hold(4, 'settle');
    table.ask({ type: 'PROGRESS', holdId: first, amount: units(3.5), ttlMs: 90_000 });
    table.now += 1;
    table.hold(2);
    table.now = NOW + 2 * MINUTE_MS;
    assert.deepEqual(table.credits(), [19, 0]);
    const asked = { featureCode: 'api.calls', amount: units(1), description: null, ai: null };
    const decisions = table.ask({ type: 'USE', ...asked });
    assert.deepEqual(
      decisions.map(({ operation, createdAt }) => [operation, createdAt - NOW]),
      [
        ['RELEASE', MINUTE_MS + 1],
        ['SETTLE', 90_000],
        ['USE', 2 * MINUTE_MS],
      ],
    );
  });

  test('is charged beyond what it holds with what could be spent when it expired', () => {
    const table = new Table([grantOf('a', 6, NOW + MINUTE_MS), grantOf('b', 8, NOW + 2 * MINUTE_MS)]);
    const id = table.hold(4, 'settle'); // 2 credits of a
    table.ask({ type: 'PROGRESS', holdId: id, amount: units(12), ttlMs: null });
    table.now = NOW + DAY_MS;
    const [settled, expired] = table.ask({ type: 'EXPIRE' });
    // a was over at that instant, but for what was held of it; b was not, though it is by now.
    assert.deepEqual(settled!.reasons.sources, [
      { grantId: 'a', amount: 2 },
      { grantId: 'b', amount: 8 },
    ]);
    assert.equal(settled!.reasons.shortfall, 4);
    assert.deepEqual(expired!.reasons.sources, [{ grantId: 'a', amount: 4 }]);
  });

  test('gives back nothing to a grant that is over', () => {
    const table = new Table([grantOf('a', 20, NOW + 1000)]);
    const id = table.hold(10);
    table.now += 2000;
    assert.deepEqual(table.credits(), [14, 14], 'what is held does not expire');
    const decision = table.settle(id, 4);
    assert.deepEqual(decision.reasons.lapsed, [{ grantId: 'a', amount: 12 }]);
    assert.deepEqual(table.credits(), [0, 0]);
    assert.equal(table.state.wallet.expired, units(18));
  });
});

suite('a reversed purchase of which a part is held', () => {
  const lot = { id: 'a', priority: 50, expiresAt: null, createdAt: NOW - DAY_MS };
  const reverse = (table: Table, amount: number) =>
    table.ask(
      { type: 'CLAW_BACK', purchaseId: 'a', amount: units(amount) },
      { lot, amount: units(20), reversed: 0n, spent: 0n },
    );
  const figures = ({ state: { wallet } }: Table) =>
    [wallet.balance, wallet.held, wallet.clawedBack, wallet.debt].map(toUnits);

  test('gives what is not held; the rest is owed until it is known what was used', () => {
    const table = new Table([grantOf('a', 20)]);
    const id = table.hold(10);
    reverse(table, 20);
    assert.deepEqual(figures(table), [14, 14, 6, 14]);
    table.settle(id, 5);
    assert.deepEqual(figures(table), [0, 0, 16, 4], 'what came back was taken');
  });

  test('is owed what a hold has spent that ends in the same decision', () => {
    const table = new Table([grantOf('a', 20)]);
    const id = table.hold(10, 'settle');
    table.ask({ type: 'PROGRESS', holdId: id, amount: units(5), ttlMs: null });
    table.now += DAY_MS;
    reverse(table, 20);
    assert.deepEqual(figures(table), [0, 0, 16, 4]);
  });
});

test('a reversed purchase is owed no more of what it paid for another, once a hold gives that back', () => {
  const table = new Table([]);
  const buy = (id: string, amount: number) => {
    const terms = { grantType: 'PURCHASE', priority: 50, expiresAt: null, creditRecordId: id } as const;
    table.ask({ type: 'GRANT', id, amount: units(amount), ...terms, description: '' });
  };
  const reverse = (id: string, amount: number, spent: number) => {
    const lot = { id, priority: 50, expiresAt: null, createdAt: NOW };
    const purchase = { lot, amount: units(amount), reversed: 0n, spent: units(spent) };
    table.ask({ type: 'CLAW_BACK', purchaseId: id, amount: units(amount) }, purchase);
  };
  buy('a', 14);
  table.hold(10);
  reverse('a', 14, 0); // 14 are owed
  buy('b', 5); // pays 5
  table.now += DAY_MS; // the hold gives back 14, so nothing is owed, and b has its 5
  reverse('b', 5, 5);
  const { balance, clawedBack, debt } = table.state.wallet;
  assert.deepEqual([balance, clawedBack, debt].map(toUnits), [0, 19, 0]);
});

test('a hold asks for a top-up by what is available, once', () => {
  const table = new Table([grantOf('a', 20)]);
  table.state = { ...table.state, topUpBelow: units(10) };
  table.hold(6);
  assert.equal(table.state.topUpBelow, units(10), '14 are available');
  table.hold(3);
  assert.equal(table.state.topUpBelow, null);
});

test('a hold that was never taken cannot be decided about', () => {
  const table = new Table([]);
  assert.throws(() => table.settle('op_none', 1), /not open is asked about with how it ended/);
});
