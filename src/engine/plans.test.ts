// What counts against an allowance when plans come and go. Days are counted from the workspace's creation.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { testDatabase } from '../../test/database.ts';
import { parseCatalog } from '../catalog/parse.ts';
import type { Plan } from '../catalog/types.ts';
import { openPool } from '../db/pool.ts';
import { decide } from './decide.ts';
import { type Asked, createEngine, ENGINE_SETTINGS } from './engine.ts';
import { allowanceOf } from './quote.ts';
import { planAt, type State, type Usage } from './state.ts';

const CREATED = Date.UTC(2026, 3, 1); // April has 30 days
const DAY_MS = 86_400_000;
const day = (days: number) => CREATED + days * DAY_MS;
const dayOf = (time: number) => (time - CREATED) / DAY_MS;

const calls = (allowance: number, per: 'day' | 'week' | 'month' | 'forever') => ({
  'ai.points': { allowance: 0 },
  calls: { allowance, per, overage: 'block' },
});
const catalog = parseCatalog({
  currency: 'usd',
  features: {
    'ai.points': { name: 'AI points', type: 'metered', whole: true },
    calls: { name: 'Calls', type: 'metered', whole: true },
  },
  plans: {
    FREE: { name: 'Free', features: calls(100, 'month') },
    BASIC: { name: 'Basic', price: { month: { usd: 10 } }, features: calls(50, 'week') },
    PRO: { name: 'Pro', price: { month: { usd: 10 } }, features: calls(1000, 'month') },
    ENTERPRISE: { name: 'Enterprise', contact: 'us@example.com', features: calls(500, 'forever') },
  },
  credits: {
    expireAfterDays: null,
    packs: { small: { name: 'Small', credits: 1000, price: { usd: 10 } } },
    custom: { usd: { min: 5, max: 500, creditsPerUnit: 100 } },
  },
});
const nothing = { balance: 0n, total: 0n, totalUsage: 0n, expired: 0n, clawedBack: 0n, debt: 0n, held: 0n };
const fresh: State = {
  ...{ workspaceId: 'acme', version: 0, createdAt: CREATED, subscription: null, wallet: nothing },
  ...{ grants: [], holds: [], debts: [], usages: new Map(), topUpBelow: null },
};

function onPlan(state: State, plan: Plan, startDay: number): State {
  if (plan === 'FREE') return { ...state, subscription: null };
  const dates = { startDate: day(startDay), endDate: day(startDay + 365) };
  const plain = { allowanceAnchor: null, graceUntil: null, cancelAt: null };
  return { ...state, subscription: { plan, status: 'ACTIVE', ...dates, ...plain } };
}

function allowanceAt(state: State, now: number) {
  const plan = planAt(state, now);
  const meter = catalog.plans.get(plan)!.meters.get('calls')!;
  const { used, remaining, resetsAt } = allowanceOf(state, 'calls', meter, { catalog, now, plan });
  return {
    ...{ used: Number(used) / 1e6, remaining: Number(remaining) / 1e6 },
    resetsOn: resetsAt === null ? null : dayOf(resetsAt),
  };
}

suite('plans that come and go', () => {
  type Turn = [
    day: number,
    plan: Plan,
    startDay: number,
    left: number,
    uses: number,
    resetsOn: number | null,
  ];
  const stories: Record<string, Turn[]> = {
    'up: what the smaller plan gave counts until its own period ends': [
      [0, 'FREE', 0, 100, 80, 30],
      [10, 'PRO', 10, 920, 900, 40],
      [29.999, 'PRO', 10, 20, 0, 40],
      [30, 'PRO', 10, 100, 100, 40],
      [40, 'PRO', 10, 1000, 1, 71],
    ],
    'down: what the larger plan gave counts until its period ends': [
      [10, 'PRO', 10, 1000, 600, 40],
      // PRO began in the period before that of day 31, and counts until it ends.
      [20, 'FREE', 0, 0, 0, 40],
      [31, 'FREE', 0, 0, 0, 40],
      [40, 'FREE', 0, 100, 100, 61],
    ],
    'up and down and up again, at once: no more than the better plan gives': [
      [0, 'FREE', 0, 100, 100, 30],
      [0, 'PRO', 0, 900, 900, 30],
      [1, 'FREE', 0, 0, 0, 30],
      [1, 'PRO', 1, 0, 0, 30],
      [2, 'BASIC', 2, 0, 0, 30],
      [2, 'PRO', 2, 0, 0, 30],
      [30, 'PRO', 2, 1000, 1000, 32],
      [32, 'PRO', 2, 1000, 0, 63],
    ],
    'a month and a week of it: the month counts in all its weeks': [
      [0, 'PRO', 0, 1000, 40, 30],
      [1, 'BASIC', 1, 10, 10, 8],
      [8, 'BASIC', 1, 10, 10, 15],
      [29, 'BASIC', 29, 10, 10, 36],
      // Nothing is left of this week, but something is once the month is over.
      [29.5, 'BASIC', 29, 0, 0, 30],
      [30, 'BASIC', 29, 40, 0, 36],
    ],
    'a week that began inside the month counts in all of it': [
      [0, 'BASIC', 0, 50, 50, 7],
      [7, 'BASIC', 0, 50, 50, 14],
      [20, 'FREE', 0, 0, 0, 30],
    ],
    'nothing is left of a week, nor of the next one, while a month still counts': [
      [0, 'PRO', 0, 1000, 50, 30],
      [1, 'BASIC', 1, 0, 0, 30],
    ],
    'two periods that began at once end with the later one': [
      [0, 'BASIC', 0, 50, 30, 7],
      [0, 'PRO', 0, 970, 10, 30],
      [8, 'BASIC', 8, 10, 0, 15],
      [30, 'BASIC', 8, 50, 0, 36],
    ],
    'what was used of an allowance for good counts in a month that it began in': [
      [0, 'ENTERPRISE', 0, 500, 60, null],
      [1, 'FREE', 0, 40, 0, 30],
      [30, 'FREE', 0, 100, 10, 61],
      [31, 'ENTERPRISE', 31, 430, 0, null],
    ],
  };
  for (const [name, turns] of Object.entries(stories)) {
    test(name, () => {
      let state = fresh;
      for (const [at, plan, startDay, left, uses, resetsOn] of turns) {
        state = onPlan(state, plan, startDay);
        const now = day(at);
        const { remaining, resetsOn: resets } = allowanceAt(state, now);
        const asked = {
          ...({ type: 'USE', id: 'op', workspaceId: 'acme', featureCode: 'calls' } as const),
          ...{ description: null, ai: null, idempotency: null },
        };
        const { code } = decide(state, { ...asked, amount: BigInt((left + 1) * 1e6) }, catalog, now)
          .decisions[0]!;
        assert.deepEqual(
          { at, remaining, resetsOn: resets, code },
          { at, remaining: left, resetsOn, code: 'limit_reached' },
        );
        if (uses === 0) continue;
        const decided = decide(state, { ...asked, amount: BigInt(uses * 1e6) }, catalog, now);
        assert.deepEqual([decided.decisions[0]!.code, decided.decisions[0]!.plan], [null, plan]);
        assert.deepEqual(
          decided.decisions[0]!.reasons.allowance!.remaining,
          allowanceAt(decided.state, now).remaining,
        );
        state = decided.state;
      }
    });
  }
});

suite('rows', () => {
  const rowOf = (startDay: number, endDay: number | null, used = 10): Usage => ({
    ...{ periodStart: day(startDay), periodEnd: endDay === null ? null : day(endDay) },
    used: BigInt(used * 1e6),
  });
  for (const [name, row, used] of [
    ['began inside', rowOf(11, 12), 10],
    ['began with it', rowOf(10, 40), 10],
    ['began before, and has not ended', rowOf(9, 20.5), 10],
    ['began before, and ends now', rowOf(9, 20), 0],
    ['began before, and is over', rowOf(9, 19), 0],
    ['began before, end not known', rowOf(9, null), 0],
    ['began inside, end not known', rowOf(11, null), 10],
  ] as const) {
    test(`${name}: ${used} of ${Number(row.used) / 1e6} count`, () => {
      const usages = new Map([['calls', { before: 0n, rows: [row] }]]);
      assert.equal(allowanceAt(onPlan({ ...fresh, usages }, 'PRO', 10), day(20)).used, used);
    });
  }
});

test('a row ends with the latest period that was counted in it, whatever is given back', async (t) => {
  const database = await testDatabase();
  const pool = openPool(database.url, { max: 3, name: 'engine', settings: ENGINE_SETTINGS });
  t.after(async () => {
    await pool.end();
    await database.drop();
  });
  const now = day(1);
  const clock = { now: () => new Date(now) };
  const newEngine = () => createEngine({ pool, catalog, clock, report: assert.fail });
  const engine = newEngine();
  await database.pool.query('insert into "Workspace" (id, name, "createdAt") values ($1, $1, $2)', [
    ...['acme', new Date(CREATED)],
  ]);
  const subscribe = (plan: Plan) =>
    database.pool.query(
      `insert into "Subscription" (id, "paymentPlatform", "subscriptionId", status, "workspaceId", plan, "startDate", "endDate")
       values ('s', 'STRIPE', 'sub', 'ACTIVE', 'acme', $1, $2, $3)
       on conflict (id) do update set plan = excluded.plan`,
      [plan, new Date(CREATED), new Date(day(365))],
    );
  const call = (calls: number): Asked => ({
    ...{ type: 'USE', workspaceId: 'acme', featureCode: 'calls', amount: BigInt(calls * 1e6) },
    ...{ description: null, ai: null, idempotency: null },
  });
  const refund = (useId: string): Asked => ({
    ...{ type: 'REFUND', workspaceId: 'acme', useId, reason: null, idempotency: null },
  });
  const row = async () => {
    const { rows } = await database.pool.query('select "periodEnd", used::int from "FeatureUsage"');
    assert.equal(rows.length, 1);
    // What this engine keeps, and what one that has just been started reads.
    for (const { state } of [engine, newEngine()])
      assert.deepEqual((await state('acme')).usages.get('calls')?.rows, [
        {
          periodStart: CREATED,
          periodEnd: rows[0].periodEnd?.getTime() ?? null,
          used: BigInt(rows[0].used * 1e6),
        },
      ]);
    return [rows[0].periodEnd === null ? null : dayOf(rows[0].periodEnd), rows[0].used];
  };

  await subscribe('ENTERPRISE');
  await engine.submit(call(1));
  assert.deepEqual(await row(), [null, 1]);
  await subscribe('BASIC');
  const { decision: used } = await engine.submit(call(2));
  assert.deepEqual(await row(), [7, 3]);
  await subscribe('FREE');
  // In one batch as much is given back as is used: the row ends later all the same.
  await engine.state('acme');
  await Promise.all([engine.submit(call(2)), engine.submit(refund(used.id))]);
  assert.deepEqual(await row(), [30, 3]);
  for (const plan of ['BASIC', 'ENTERPRISE'] as const) {
    await subscribe(plan);
    await engine.submit(call(1));
  }
  assert.deepEqual(await row(), [30, 5]);
});
