// Random histories. A command says what it wants in relation to what is there ("exactly what is left, and one more"),
// and becomes an operation when its turn comes: so boundaries are met often, and a shortened history still means
// the same.
import fc from 'fast-check';
import type { CatalogConfig } from '../../src/catalog/config.ts';
import { PLANS, type Plan } from '../../src/catalog/types.ts';
import type { Subscription } from '../../src/engine/state.ts';
import { configs, FEATURES } from './catalogs.ts';

export type History = { config: CatalogConfig; createdAt: number; steps: Step[] };

export type Step =
  | { type: 'ask'; commands: Command[] }
  | { type: 'wait'; wait: Wait }
  | { type: 'subscribe'; workspace: number; subscription: SubscriptionCommand | null };

export type Command = { workspace: number; route: Route; key: Key } & (
  | { type: 'use'; feature: string; size: Size; ai: boolean }
  | { type: 'hold'; feature: string; size: Size; ai: boolean; ttlMs: number; onExpire: 'release' | 'settle' }
  | { type: 'progress'; which: number; part: Part; ttlMs: number | null }
  | { type: 'settle'; which: number; part: Part }
  | { type: 'release'; which: number }
  | { type: 'grant'; size: Size; priority: number; expiry: Expiry; bought: boolean }
  | { type: 'clawBack'; which: number; sixths: number; plus: number }
  | { type: 'refund'; of: 'paid' | 'used' | 'any'; which: number }
  | { type: 'expire' }
);

/** Through which door: one of two engines, or a transaction of the caller's, which may yet be rolled back. */
export type Route = 'first' | 'second' | 'transaction' | 'rollback';

/** `repeat` is an earlier request with its key; `changed` is another request with an earlier key. */
export type Key = { type: 'none' | 'new' } | { type: 'repeat' | 'changed'; which: number };

/** An amount: fixed, or so many micro-units from what is left of something. */
export type Size =
  | { of: 'fixed'; micros: number }
  | { of: 'allowance' | 'affordable' | 'balance'; plus: number };

/** Of a hold: so many sixths, or all that could be paid; and so many units more. */
export type Part = { sixths: number | 'affordable'; plus: number };

export type Expiry = { in: number | null } | { like: number };

export type Wait =
  | { for: number }
  | { until: 'reset' | 'expiry' | 'end' | 'hold'; workspace: number; feature: string; plus: number };

export type SubscriptionCommand = {
  plan: Plan;
  status: Subscription['status'];
  /** How long before now it started; null: when the one before it did. */
  startedBefore: number | null;
  endsAfter: number;
};

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Histories of one request after the other: what `decide` is made for. */
export function sequences(): fc.Arbitrary<History> {
  return histories({ workspaces: 1, at: 1, steps: 60, routes: ['first'], keys: false });
}

/** Histories of several requests at once, on several workspaces, through every door. */
export function bursts(): fc.Arbitrary<History> {
  return histories({
    ...{ workspaces: 3, at: 8, steps: 40, keys: true },
    routes: ['first', 'first', 'first', 'second', 'second', 'transaction', 'rollback'],
  });
}

function histories(options: {
  workspaces: number;
  /** Commands asked at once, at most. */
  at: number;
  steps: number;
  routes: Route[];
  keys: boolean;
}): fc.Arbitrary<History> {
  const workspace = fc.nat({ max: options.workspaces - 1 });
  const route = fc.constantFrom(...options.routes);
  const asking = command(workspace, route, options.keys ? keys : noKey);
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      arbitrary: fc.record({
        type: fc.constant('ask' as const),
        commands: fc.array(asking, { minLength: 1, maxLength: 1 }),
      }),
      weight: 8,
    },
    {
      arbitrary: fc.record({
        type: fc.constant('ask' as const),
        // Some of them are asked twice.
        commands: fc
          .tuple(fc.array(asking, { minLength: 1, maxLength: options.at, size: 'max' }), fc.nat(2))
          .map(([commands, doubled]) => [...commands, ...commands.slice(0, doubled)]),
      }),
      weight: 5,
    },
    { arbitrary: fc.record({ type: fc.constant('wait' as const), wait: wait(workspace) }), weight: 3 },
    {
      arbitrary: fc.record({
        type: fc.constant('subscribe' as const),
        workspace,
        subscription: fc.option(subscription, { freq: 6 }),
      }),
      weight: 2,
    },
  );
  const steps = fc.oneof(
    { arbitrary: fc.tuple(step), weight: 38 },
    { arbitrary: upAndDown(workspace, route), weight: 2 },
    { arbitrary: longWork(workspace, route), weight: 1 },
  );
  return fc.record({
    config: configs(),
    createdAt: birthdays,
    steps: fc.array(steps, { minLength: 1, maxLength: options.steps, size: 'max' }).map((all) => all.flat()),
  });
}

/** Plans that come and go at once: all that one allows is used, or most of it, then what the next one still does. */
function upAndDown(workspace: fc.Arbitrary<number>, route: fc.Arbitrary<Route>): fc.Arbitrary<Step[]> {
  const turn = fc.record({
    plan: fc.option(fc.constantFrom(...PLANS), { freq: 3 }),
    startedBefore: fc.constantFrom(null, 0, 0, DAY, 20 * DAY),
    plus: fc.constantFrom(0, 0, 0, -1, 1),
    wait: fc.constantFrom(0, 1, DAY, 3 * DAY, 8 * DAY),
  });
  const turns = fc.array(turn, { minLength: 2, maxLength: 5, size: 'max' });
  return fc
    .record({ workspace, route, feature: fc.constantFrom(...FEATURES), turns })
    .map(({ workspace, route, feature, turns }) =>
      turns.flatMap(({ plan, startedBefore, plus, wait }): Step[] => {
        const common = { workspace, route, key: { type: 'none' }, type: 'use', feature, ai: false } as const;
        const subscription = { status: 'ACTIVE', startedBefore, endsAfter: 30 * DAY } as const;
        return [
          { type: 'subscribe', workspace, subscription: plan === null ? null : { plan, ...subscription } },
          { type: 'ask', commands: [{ ...common, size: { of: 'allowance', plus } }] },
          { type: 'wait', wait: { for: wait } },
        ];
      }),
    );
}

/**
 * Work that is held for while credits expire, plans change and purchases are reversed, of which more is used than was
 * held, and which is settled, or ends by itself and is found so by something else.
 */
function longWork(workspace: fc.Arbitrary<number>, route: fc.Arbitrary<Route>): fc.Arbitrary<Step[]> {
  const plan = fc.option(fc.constantFrom(...PLANS), { freq: 2 });
  return fc
    .record({
      ...{ workspace, route, feature: fc.constantFrom('ai.points', 'gpu.hours', ...FEATURES), size },
      plans: fc.tuple(plan, plan),
      expiresIn: fc.constantFrom(null, HOUR, HOUR, HOUR + MINUTE, DAY),
      onExpire: fc.constantFrom('release' as const, 'settle' as const, 'settle' as const),
      ...{ part, plus: fc.constantFrom(-1, 0, 0, 0, 1, MINUTE, DAY), bought: fc.boolean() },
      end: fc.constantFrom('use', 'clawBack', 'settle', 'expire', 'hold'),
    })
    .map(({ workspace, route, feature, size, plans, part, plus, ...more }): Step[] => {
      const common = { workspace, route, key: { type: 'none' } } as const;
      const subscribe = (plan: Plan | null): Step => ({
        ...{ type: 'subscribe', workspace },
        subscription: plan && { plan, status: 'ACTIVE', startedBefore: 0, endsAfter: 30 * DAY },
      });
      const ask = (command: Command): Step => ({ type: 'ask', commands: [command] });
      const taken = { feature, size, ai: false };
      const credits = { of: 'fixed', micros: 20_000_000 } as const;
      const ends: Record<string, Command> = {
        use: { ...common, type: 'use', ...taken },
        clawBack: { ...common, type: 'clawBack', which: 0, sixths: 6, plus: 0 },
        settle: { ...common, type: 'settle', which: 0, part },
        expire: { ...common, type: 'expire' },
        hold: { ...common, type: 'hold', ...taken, ttlMs: HOUR, onExpire: 'settle' },
      };
      const grant = { ...common, type: 'grant', size: credits, priority: 50, bought: more.bought } as const;
      return [
        subscribe(plans[0]),
        ask({ ...grant, expiry: { in: more.expiresIn } }),
        ask({ ...grant, expiry: { in: null }, priority: 100 }),
        ask({ ...common, type: 'hold', ...taken, ttlMs: HOUR, onExpire: more.onExpire }),
        ask({ ...common, type: 'progress', which: 0, part, ttlMs: 1000 }),
        subscribe(plans[1]),
        { type: 'wait', wait: { until: 'hold', workspace, feature, plus } },
        ask(ends[more.end]!),
      ];
    });
}

/** Days that some months do not have, the leap day, the turn of the year, and any moment. */
const birthdays = fc.oneof(
  fc.constantFrom(
    Date.UTC(2024, 0, 31, 10, 30, 15, 123),
    Date.UTC(2024, 1, 29, 23, 59, 59, 999),
    Date.UTC(2025, 11, 31),
    Date.UTC(2025, 9, 30, 0, 0, 0, 1),
  ),
  fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2027, 0, 1) }),
);

function command(
  workspace: fc.Arbitrary<number>,
  route: fc.Arbitrary<Route>,
  key: fc.Arbitrary<Key>,
): fc.Arbitrary<Command> {
  const common = { workspace, route, key };
  const feature = fc.constantFrom('ai.points', 'ai.points', ...FEATURES, 'gpu.hours', 'gpu.hours');
  return fc.oneof(
    {
      arbitrary: fc.record({
        ...{ ...common, type: fc.constant('use' as const) },
        ...{ feature, size, ai: fc.boolean() },
      }),
      weight: 10,
    },
    {
      arbitrary: fc.record({
        ...{ ...common, type: fc.constant('grant' as const) },
        ...{
          size,
          priority: fc.constantFrom(0, 10, 50, 50, 50, 100),
          expiry,
          bought: fc.constantFrom(true, true, false),
        },
      }),
      weight: 5,
    },
    {
      arbitrary: fc.record({
        ...{ ...common, type: fc.constant('clawBack' as const) },
        which: fc.oneof({ arbitrary: fc.nat(1), weight: 3 }, { arbitrary: fc.nat(6), weight: 1 }),
        // All of it, nothing of it, or a part.
        sixths: fc.constantFrom(0, 0, 1, 2, 3, 4, 5, 6, 6, 6),
        plus: fc.constantFrom(0, 0, 1, -1),
      }),
      weight: 6,
    },
    {
      arbitrary: fc.record({
        ...{ ...common, type: fc.constant('refund' as const) },
        of: fc.constantFrom('paid' as const, 'paid' as const, 'used' as const, 'any' as const),
        // Mostly one of the latest.
        which: fc.oneof({ arbitrary: fc.nat(2), weight: 3 }, { arbitrary: fc.nat(30), weight: 1 }),
      }),
      weight: 4,
    },
    {
      arbitrary: fc.record({
        ...{ ...common, type: fc.constant('hold' as const), feature, size, ai: fc.boolean() },
        ttlMs: fc.constantFrom(1000, MINUTE, MINUTE, HOUR, DAY),
        onExpire: fc.constantFrom('release' as const, 'settle' as const),
      }),
      weight: 6,
    },
    {
      arbitrary: fc.record({
        ...{ ...common, type: fc.constant('progress' as const), which, part },
        ttlMs: fc.constantFrom(null, null, 1000, HOUR, DAY),
      }),
      weight: 4,
    },
    {
      arbitrary: fc.record({ ...common, type: fc.constant('settle' as const), which, part }),
      weight: 4,
    },
    { arbitrary: fc.record({ ...common, type: fc.constant('release' as const), which }), weight: 1 },
    { arbitrary: fc.record({ ...common, type: fc.constant('expire' as const) }), weight: 1 },
  );
}

const noKey: fc.Arbitrary<Key> = fc.constant({ type: 'none' });

const keys: fc.Arbitrary<Key> = fc.oneof(
  { arbitrary: fc.record({ type: fc.constantFrom('none' as const, 'new' as const) }), weight: 5 },
  {
    arbitrary: fc.record({ type: fc.constantFrom('repeat' as const, 'changed' as const), which: fc.nat(6) }),
    weight: 2,
  },
);

const size: fc.Arbitrary<Size> = fc.oneof(
  {
    arbitrary: fc.record({
      of: fc.constant('fixed' as const),
      micros: fc.oneof(
        fc.integer({ min: 1, max: 8 }).map((units) => units * 1_000_000),
        fc.integer({ min: 1, max: 12_000_000 }),
        fc.constantFrom(1, 2, 333_333, 100_000, 200_000, 1_000_000_000, 1_000_000_000_000_000),
      ),
    }),
    weight: 3,
  },
  {
    arbitrary: fc.record({
      of: fc.constantFrom('allowance' as const, 'affordable' as const, 'balance' as const),
      plus: fc.constantFrom(0, 0, 0, 1, 1, -1),
    }),
    weight: 2,
  },
);

/** Mostly one of the latest holds that are open. */
const which = fc.oneof({ arbitrary: fc.nat(2), weight: 3 }, { arbitrary: fc.nat(9), weight: 1 });

const part: fc.Arbitrary<Part> = fc.record({
  sixths: fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 6, 6, 7, 9, 'affordable' as const, 'affordable' as const),
  plus: fc.constantFrom(0, 0, 0, 1, -1, 5),
});

const expiry: fc.Arbitrary<Expiry> = fc.oneof(
  fc.record({ in: fc.constantFrom(null, null, 1, 2, MINUTE, DAY, 30 * DAY, 0, -5) }),
  fc.record({ in: fc.integer({ min: 1, max: 40 * DAY }) }),
  fc.record({ like: fc.nat(5) }),
);

function wait(workspace: fc.Arbitrary<number>): fc.Arbitrary<Wait> {
  return fc.oneof(
    fc.record({
      for: fc.constantFrom(1, 2, 1000, MINUTE, HOUR, DAY, 7 * DAY, 28 * DAY, 31 * DAY, 400 * DAY),
    }),
    fc.record({ for: fc.integer({ min: 1, max: 40 * DAY }) }),
    fc.record({
      until: fc.constantFrom(
        'reset' as const,
        'expiry' as const,
        'expiry' as const,
        'end' as const,
        'hold' as const,
      ),
      ...{ workspace, feature: fc.constantFrom(...FEATURES) },
      plus: fc.constantFrom(-1, 0, 0, 0, 1),
    }),
  );
}

const subscription: fc.Arbitrary<SubscriptionCommand> = fc.record({
  plan: fc.constantFrom(...PLANS),
  status: fc.constantFrom(
    'ACTIVE',
    'ACTIVE',
    'ACTIVE',
    'TRIAL',
    'PAST_DUE',
    'UNPAID',
    'CANCELED',
    'CANCELED',
  ),
  startedBefore: fc.oneof(
    fc.constantFrom(null, null, 0, 0, 1, -1, -DAY, 3 * DAY),
    fc.integer({ min: 0, max: 70 * DAY }),
  ),
  endsAfter: fc.oneof(fc.constantFrom(0, 1, -1, DAY, 30 * DAY), fc.integer({ min: 1, max: 60 * DAY })),
});
