import { AMOUNT_MAX, MICROS_PER_UNIT, multiplyUp } from '../lib/amounts.ts';
import { ConfigError } from '../lib/config.ts';
import { Prices } from './money.ts';
import { type Path, Problems } from './problems.ts';
import {
  CODE_MESSAGE,
  CODE_PATTERN,
  CUSTOM_CREDITS,
  EXPIRE_AFTER_DAYS,
  FEATURE,
  METER,
  OVERAGE_IN_CREDITS,
  PACK,
  TEXT,
} from './shape.ts';
import {
  AI_POINTS,
  type Catalog,
  type CustomCredits,
  type Feature,
  type Meter,
  type Pack,
  PLANS,
  type Plan,
  type PlanTerms,
} from './types.ts';
import { versionOf } from './version.ts';

/** Checks an operator's configuration. Throws ConfigError that names every mistake with its path. */
export function parseCatalog(config: unknown): Catalog {
  const problems = new Problems();
  const root = problems.readObject(config, [], ['currency', 'features', 'plans', 'credits']);
  if (root === undefined) throw new ConfigError(problems.toString());

  const currency = root.get('currency');
  const prices = new Prices(problems, currency);
  const features = readFeatures(problems, root.get('features'));
  const plans = readPlans(problems, prices, root.get('plans'), features);
  const credits = readCredits(problems, prices, root.get('credits'));
  prices.checkCurrencies();
  if (problems.found) throw new ConfigError(problems.toString());

  const content = { features: features as Map<string, Feature>, plans, ...credits };
  return { version: versionOf({ currency, ...content }), ...content };
}

/** Features by code; null stands for one that is there but has mistakes, so that plans may name it. */
type Features = Map<string, Feature | null>;

function readFeatures(problems: Problems, value: unknown): Features | undefined {
  const features: Features = new Map();
  const configs = problems.readObject(value, ['features']);
  if (configs === undefined) return undefined;
  for (const [code, config] of configs) {
    const path = ['features', code];
    if (!CODE_PATTERN.test(code)) problems.add(path, CODE_MESSAGE);
    const feature = problems.read(FEATURE, config, path);
    const whole = feature?.type === 'metered' && feature.whole === true;
    features.set(
      code,
      feature === undefined ? null : { code, name: feature.name, type: feature.type, whole },
    );
  }
  const points = features.get(AI_POINTS);
  if (points === undefined || points?.whole === false) {
    problems.add(
      ['features', AI_POINTS],
      "must be { type: 'metered', whole: true }: AI work is counted in it",
    );
  }
  return features;
}

function readPlans(
  problems: Problems,
  prices: Prices,
  value: unknown,
  features: Features | undefined,
): Map<Plan, PlanTerms> {
  const configs = problems.readObject(value, ['plans'], PLANS);
  const plans = new Map<Plan, PlanTerms>();
  if (configs === undefined) return plans;
  for (const plan of PLANS) {
    const config = configs.get(plan);
    if (config !== undefined || plan === 'FREE') {
      plans.set(plan, readPlan(problems, prices, plan, config, features));
    }
  }
  return plans;
}

/** What a plan has besides its name and features. */
const SALE = { FREE: [], BASIC: ['price'], PRO: ['price'], ENTERPRISE: ['contact'] } as const;

function readPlan(
  problems: Problems,
  prices: Prices,
  plan: Plan,
  value: unknown,
  features: Features | undefined,
): PlanTerms {
  const path = ['plans', plan];
  const terms: PlanTerms = {
    plan,
    name: '',
    prices: { month: new Map(), year: new Map() },
    contact: null,
    switches: new Set(),
    meters: new Map(),
  };
  const keys: readonly string[] = ['name', ...SALE[plan], 'features'];
  const config = problems.readObject(value, path, keys);
  if (config === undefined) return terms;

  terms.name = problems.read(TEXT, config.get('name'), [...path, 'name']) ?? '';
  if (keys.includes('contact')) {
    terms.contact = problems.read(TEXT, config.get('contact'), [...path, 'contact']) ?? null;
  }
  if (keys.includes('price')) {
    terms.prices = readPlanPrices(problems, prices, config.get('price'), [...path, 'price']);
  }
  for (const [code, setting] of problems.readObject(config.get('features'), [...path, 'features']) ?? []) {
    readSetting(problems, terms, features === undefined ? null : features.get(code), setting, [
      ...path,
      'features',
      code,
    ]);
  }
  return terms;
}

function readPlanPrices(problems: Problems, prices: Prices, value: unknown, path: Path): PlanTerms['prices'] {
  const config = problems.readObject(value, path, ['month', 'year']);
  const year = config?.get('year');
  return {
    month: config === undefined ? new Map() : prices.read(config.get('month'), [...path, 'month']),
    year: year === undefined ? new Map() : prices.read(year, [...path, 'year']),
  };
}

/** What a plan says about one feature. */
function readSetting(
  problems: Problems,
  terms: PlanTerms,
  feature: Feature | null | undefined,
  value: unknown,
  path: Path,
): void {
  if (feature === undefined) problems.add(path, 'is not among the features of this catalog');
  else if (feature === null) return;
  else if (feature.type === 'switch') {
    if (value !== true) problems.add(path, 'must be true, or be left out: it is a switch');
    terms.switches.add(feature.code);
  } else if (typeof value !== 'object') {
    problems.add(path, "must be an object such as { allowance: 100, per: 'month' }: it is metered");
  } else {
    const meter = readMeter(problems, feature, value, path);
    if (meter !== undefined) terms.meters.set(feature.code, meter);
  }
}

function readMeter(problems: Problems, feature: Feature, value: unknown, path: Path): Meter | undefined {
  const config = problems.read(METER, value, path);
  if (config === undefined) return undefined;
  const { allowance, per } = config;
  if (feature.whole && allowance !== null && allowance % MICROS_PER_UNIT !== 0n) {
    problems.add([...path, 'allowance'], 'must be a whole number: the feature is counted in whole units');
  }
  if (allowance !== null && allowance > 0n && per === undefined) {
    problems.add([...path, 'per'], 'must say when the allowance starts anew: day, week, month or forever');
  }
  if (allowance === null && config.overage !== undefined) {
    problems.add([...path, 'overage'], 'must be left out: nothing is past an unlimited allowance');
  }
  // Without an allowance there is nothing to renew, but uses are still counted per period.
  return {
    allowance,
    window: per ?? 'month',
    overage: readOverage(problems, config.overage, [...path, 'overage']),
  };
}

function readOverage(problems: Problems, value: unknown, path: Path): Meter['overage'] {
  if (typeof value === 'object' && value !== null) {
    const credits = problems.read(OVERAGE_IN_CREDITS, value, path);
    if (credits !== undefined) return { type: 'credits', creditsPerUnit: credits.creditsPerUnit };
  } else if (value !== undefined && value !== 'block') {
    problems.add(path, "must be 'block' or a price such as { creditsPerUnit: 1 }");
  }
  return { type: 'block' };
}

function readCredits(
  problems: Problems,
  prices: Prices,
  value: unknown,
): Pick<Catalog, 'packs' | 'customCredits' | 'creditsExpireAfterDays'> {
  const path = ['credits'];
  const config = problems.readObject(value, path, ['expireAfterDays', 'packs', 'custom']);
  if (config === undefined)
    return { packs: new Map(), customCredits: new Map(), creditsExpireAfterDays: null };
  const days = problems.read(EXPIRE_AFTER_DAYS, config.get('expireAfterDays'), [...path, 'expireAfterDays']);
  const custom = config.get('custom');
  return {
    packs: readPacks(problems, prices, config.get('packs'), [...path, 'packs']),
    customCredits:
      custom === undefined ? new Map() : readCustomCredits(problems, prices, custom, [...path, 'custom']),
    creditsExpireAfterDays: days ?? null,
  };
}

function readPacks(problems: Problems, prices: Prices, value: unknown, path: Path): Map<string, Pack> {
  const packs = new Map<string, Pack>();
  for (const [id, config] of problems.readObject(value, path) ?? []) {
    const at = [...path, id];
    if (!CODE_PATTERN.test(id)) problems.add(at, CODE_MESSAGE);
    const pack = problems.read(PACK, config, at);
    if (pack === undefined) continue;
    packs.set(id, {
      id,
      name: pack.name,
      credits: pack.credits,
      prices: prices.read(pack.price, [...at, 'price']),
    });
  }
  return packs;
}

function readCustomCredits(
  problems: Problems,
  prices: Prices,
  value: unknown,
  path: Path,
): Map<string, CustomCredits> {
  const custom = new Map<string, CustomCredits>();
  const configs = problems.readObject(value, path);
  if (configs === undefined) return custom;
  for (const [currency, config] of prices.arrange([...configs], path)) {
    const at = [...path, currency];
    const limits = problems.read(CUSTOM_CREDITS, config, at);
    if (limits === undefined) continue;
    const { min: amountMin, max: amountMax, creditsPerUnit } = limits;
    prices.checkAmount(currency, amountMin, [...at, 'min']);
    prices.checkAmount(currency, amountMax, [...at, 'max']);
    if (amountMin > amountMax) problems.add([...at, 'max'], 'must not be below min');
    if (multiplyUp(amountMax, creditsPerUnit) > AMOUNT_MAX) {
      problems.add([...at, 'max'], 'must not buy more than 1,000,000,000 credits at once');
    }
    custom.set(currency, { amountMin, amountMax, creditsPerUnit });
  }
  return custom;
}
