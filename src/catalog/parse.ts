import { AMOUNT_MAX, MICROS_PER_UNIT, multiplyUp } from '../lib/amounts.ts';
import { ConfigError } from '../lib/config.ts';
import { readAI } from './ai/parse.ts';
import { Prices } from './money.ts';
import { Part } from './part.ts';
import {
  CODE_MESSAGE,
  CODE_PATTERN,
  CUSTOM_CREDITS,
  DEBT,
  EXPIRE_AFTER_DAYS,
  FEATURE,
  GRACE_DAYS,
  METER,
  OVERAGE_IN_CREDITS,
  PACK,
  PLAN_CREDITS,
  TEXT,
  TRIAL_DAYS,
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
  const mistakes: string[] = [];
  const root = new Part(config, [], mistakes);
  if (!root.hasKeys(['currency', 'features', 'plans', 'subscriptions', 'credits', 'ai']))
    throw refusal(mistakes);

  const prices = new Prices(root.at('currency'));
  const features = readFeatures(root.at('features'));
  const plans = readPlans(root.at('plans'), features, prices);
  const graceDays = readGraceDays(root.at('subscriptions'));
  const credits = readCredits(root.at('credits'), prices);
  const ai = readAI(root.at('ai'));
  prices.checkCurrencies();
  if (mistakes.length > 0) throw refusal(mistakes);

  const content = { features: features as Map<string, Feature>, plans, graceDays, ...credits };
  const version = versionOf({
    currency: root.at('currency').value,
    ...content,
    ...(ai === null ? {} : { ai: { ...ai, list: ai.list?.version ?? null } }),
  });
  return { version, ...content, ai };
}

/** One line for one mistake; several are listed below each other. */
function refusal(mistakes: string[]): ConfigError {
  if (mistakes.length === 1) return new ConfigError(mistakes[0]);
  return new ConfigError([`${mistakes.length} mistakes`, ...mistakes].join('\n  '));
}

/** Features by code. Null stands for a mistake that is noted already: plans are not blamed for it. */
type Features = Map<string, Feature | null> | null;

function readFeatures(part: Part): Features {
  const features = new Map<string, Feature | null>();
  const entries = part.entries();
  if (entries === undefined) return null;
  for (const [code, entry] of entries) {
    if (!CODE_PATTERN.test(code)) entry.refuse(CODE_MESSAGE);
    features.set(code, readFeature(code, entry));
  }
  const points = features.get(AI_POINTS);
  if (points === undefined || points?.whole === false) {
    part.at(AI_POINTS).refuse("must be { type: 'metered', whole: true }: AI work is counted in it");
  }
  return features;
}

function readFeature(code: string, part: Part): Feature | null {
  const config = part.read(FEATURE);
  if (config === undefined) return null;
  const { name, type } = config;
  return { code, name, type, whole: config.type === 'metered' && config.whole === true };
}

function readPlans(part: Part, features: Features, prices: Prices): Map<Plan, PlanTerms> {
  const plans = new Map<Plan, PlanTerms>();
  if (!part.hasKeys(PLANS)) return plans;
  for (const plan of PLANS) {
    const config = part.at(plan);
    // FREE has to be there, since it is the plan of those who have none.
    if (config.value !== undefined || plan === 'FREE')
      plans.set(plan, readPlan(plan, config, features, prices));
  }
  return plans;
}

/** What a plan has besides its name and features. */
const SALE: Record<Plan, string[]> = {
  FREE: [],
  BASIC: ['price', 'trialDays', 'credits'],
  PRO: ['price', 'trialDays', 'credits'],
  ENTERPRISE: ['contact'],
};

function readPlan(plan: Plan, part: Part, features: Features, prices: Prices): PlanTerms {
  const sale = SALE[plan];
  const terms: PlanTerms = {
    plan,
    name: '',
    prices: { month: new Map(), year: new Map() },
    contact: null,
    trialDays: null,
    credits: 0n,
    switches: new Set(),
    meters: new Map(),
  };
  if (!part.hasKeys(['name', ...sale, 'features'])) return terms;

  terms.name = part.at('name').read(TEXT) ?? '';
  if (sale.includes('contact')) terms.contact = part.at('contact').read(TEXT) ?? null;
  const price = part.at('price');
  if (sale.includes('price') && price.hasKeys(['month', 'year'])) {
    terms.prices.month = prices.read(price.at('month'));
    if (price.at('year').value !== undefined) terms.prices.year = prices.read(price.at('year'));
  }
  terms.trialDays = part.at('trialDays').read(TRIAL_DAYS) ?? null;
  terms.credits = part.at('credits').read(PLAN_CREDITS) ?? 0n;
  for (const [code, setting] of part.at('features').entries() ?? []) {
    const feature = features === null ? null : features.get(code);
    if (feature === undefined) setting.refuse('is not among the features of this catalog');
    else if (feature !== null) readSetting(setting, feature, terms);
  }
  return terms;
}

/** What a plan says about one feature. */
function readSetting(part: Part, feature: Feature, terms: PlanTerms): void {
  if (feature.type === 'switch') {
    if (part.value !== true) part.refuse('must be true, or be left out: it is a switch');
    terms.switches.add(feature.code);
  } else if (typeof part.value !== 'object') {
    part.refuse("must be an object such as { allowance: 100, per: 'month' }: it is metered");
  } else {
    const meter = readMeter(part, feature);
    if (meter !== undefined) terms.meters.set(feature.code, meter);
  }
}

function readMeter(part: Part, feature: Feature): Meter | undefined {
  const config = part.read(METER);
  if (config === undefined) return undefined;
  const { allowance, per } = config;
  if (feature.whole && allowance !== null && allowance % MICROS_PER_UNIT !== 0n) {
    part.at('allowance').refuse('must be a whole number: the feature is counted in whole units');
  }
  if (allowance !== null && allowance > 0n && per === undefined) {
    part.at('per').refuse('must say when the allowance starts anew: day, week, month or forever');
  }
  const overage = part.at('overage');
  if (allowance === null && overage.value !== undefined) {
    overage.refuse('must be left out: nothing is past an unlimited allowance');
  }
  // Without an allowance there is nothing to renew, but uses are still counted per period.
  return { allowance, window: per ?? 'month', overage: readOverage(overage) };
}

function readOverage(part: Part): Meter['overage'] {
  if (typeof part.value === 'object' && part.value !== null) {
    const credits = part.read(OVERAGE_IN_CREDITS);
    if (credits !== undefined) return { type: 'credits', creditsPerUnit: credits.creditsPerUnit };
  } else if (part.value !== undefined && part.value !== 'block') {
    part.refuse("must be 'block' or a price such as { creditsPerUnit: 1 }");
  }
  return { type: 'block' };
}

const GRACE_DAYS_DEFAULT = 7; // a bank needs a few, and a weekend must not end a plan

function readGraceDays(part: Part): number {
  if (part.value === undefined || !part.hasKeys(['graceDays'])) return GRACE_DAYS_DEFAULT;
  return part.at('graceDays').read(GRACE_DAYS) ?? GRACE_DAYS_DEFAULT;
}

function readCredits(
  part: Part,
  prices: Prices,
): Pick<Catalog, 'packs' | 'customCredits' | 'creditsExpireAfterDays' | 'creditsDebt'> {
  if (!part.hasKeys(['expireAfterDays', 'debt', 'packs', 'custom'])) {
    return {
      packs: new Map(),
      customCredits: new Map(),
      creditsExpireAfterDays: null,
      creditsDebt: 'next_purchase',
    };
  }
  return {
    packs: readPacks(part.at('packs'), prices),
    customCredits: readCustomCredits(part.at('custom'), prices),
    creditsExpireAfterDays: part.at('expireAfterDays').read(EXPIRE_AFTER_DAYS) ?? null,
    creditsDebt: part.at('debt').read(DEBT) ?? 'next_purchase',
  };
}

function readPacks(part: Part, prices: Prices): Map<string, Pack> {
  const packs = new Map<string, Pack>();
  for (const [id, entry] of part.entries() ?? []) {
    if (!CODE_PATTERN.test(id)) entry.refuse(CODE_MESSAGE);
    const pack = entry.read(PACK);
    if (pack === undefined) continue;
    packs.set(id, { id, name: pack.name, credits: pack.credits, prices: prices.read(entry.at('price')) });
  }
  return packs;
}

function readCustomCredits(part: Part, prices: Prices): Map<string, CustomCredits> {
  const custom = new Map<string, CustomCredits>();
  const entries = part.value === undefined ? undefined : part.entries();
  if (entries === undefined) return custom;
  for (const [currency, entry] of prices.arrange(part, entries)) {
    const limits = entry.read(CUSTOM_CREDITS);
    if (limits === undefined) continue;
    const { min: amountMin, max: amountMax, creditsPerUnit } = limits;
    prices.checkAmount(entry.at('min'), currency, amountMin);
    prices.checkAmount(entry.at('max'), currency, amountMax);
    if (amountMin > amountMax) entry.at('max').refuse('must not be below min');
    if (multiplyUp(amountMax, creditsPerUnit) > AMOUNT_MAX) {
      entry.at('max').refuse('must not buy more than 1,000,000,000 credits at once');
    }
    custom.set(currency, { amountMin, amountMax, creditsPerUnit });
  }
  return custom;
}
