// Random catalogs: every kind of feature, window, allowance and price, through the operator's own door.
import fc from 'fast-check';
import type { CatalogConfig, MeterConfig, PlanConfig } from '../../src/catalog/config.ts';
import { parseCatalog } from '../../src/catalog/parse.ts';
import { type Catalog, WINDOWS } from '../../src/catalog/types.ts';

/** Kept as the configuration, which is what one wants to read when a history fails. */
export function configs(): fc.Arbitrary<CatalogConfig> {
  return fc
    .record({
      ...{ free: plan(), basic: maybe(plan()), pro: maybe(plan()), enterprise: maybe(plan()) },
      debt: fc.constantFrom('next_purchase' as const, 'next_purchase' as const, 'keep' as const),
    })
    .map(({ free, basic, pro, enterprise, debt }) => ({
      currency: 'usd',
      features: {
        'ai.points': { name: 'AI points', type: 'metered', whole: true },
        'api.calls': { name: 'API calls', type: 'metered', whole: true },
        'gpu.hours': { name: 'GPU hours', type: 'metered' },
        'file.gigabytes': { name: 'Gigabytes', type: 'metered' },
        sso: { name: 'Single sign-on', type: 'switch' },
      },
      plans: {
        FREE: named('Free', free),
        ...(basic === null ? {} : { BASIC: { ...named('Basic', basic), price: { month: { usd: 10 } } } }),
        ...(pro === null ? {} : { PRO: { ...named('Pro', pro), price: { month: { usd: 20 } } } }),
        ...(enterprise === null
          ? {}
          : { ENTERPRISE: { ...named('Enterprise', enterprise), contact: 'sales@example.com' } }),
      },
      credits: { expireAfterDays: null, debt, packs: {} },
    }));
}

/** A feature that no catalog leaves out, for a history to name. */
export const FEATURES = ['ai.points', 'api.calls', 'gpu.hours', 'file.gigabytes', 'sso'] as const;

export function catalogOf(config: CatalogConfig): Catalog {
  return parseCatalog(config);
}

function plan(): fc.Arbitrary<PlanConfig['features']> {
  return fc
    .record({
      'ai.points': usually(meter(true)),
      'api.calls': usually(meter(true)),
      'gpu.hours': usually(meter(false)),
      'file.gigabytes': usually(meter(false)),
      sso: maybe(fc.constant(true as const)),
    })
    .map((features) => {
      const included = Object.entries(features).filter(([, terms]) => terms !== null);
      return Object.fromEntries(included) as PlanConfig['features'];
    });
}

function meter(whole: boolean): fc.Arbitrary<MeterConfig> {
  const numbers = whole ? fc.integer({ min: 1, max: 12 }) : fc.constantFrom(0.000001, 0.333333, 2.5, 7, 10.1);
  const limited: fc.Arbitrary<MeterConfig> = fc.record({
    allowance: fc.oneof({ arbitrary: numbers, weight: 5 }, { arbitrary: fc.constant(0), weight: 1 }),
    per: fc.constantFrom(...WINDOWS),
    overage: fc.oneof(
      { arbitrary: fc.record({ creditsPerUnit: price }), weight: 3 },
      { arbitrary: fc.constant('block' as const), weight: 1 },
    ),
  });
  const unlimited = fc.record({
    allowance: fc.constant('unlimited' as const),
    per: fc.constantFrom(...WINDOWS),
  });
  return fc.oneof({ arbitrary: limited, weight: 6 }, { arbitrary: unlimited, weight: 1 });
}

const price = fc.oneof(
  fc.constantFrom(0.000001, 0.333333, 0.5, 1, 1, 2.5, 3.000001, 1234.567891, 10_000),
  fc.integer({ min: 1, max: 5_000_000 }).map((micros) => micros / 1e6),
);

const named = (name: string, features: PlanConfig['features']): PlanConfig => ({ name, features });

function maybe<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.option(arbitrary, { freq: 2 });
}

function usually<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.option(arbitrary, { freq: 8 });
}
