import type { CatalogConfig } from './src/catalog/config.ts';

/*
 * What you sell: features, plans, credits and AI work. Edit it and start Tollgate again.
 *
 * - A feature is a switch (a plan has it or not) or metered (counted). A plan includes an `allowance` of a metered
 *   feature per day, week, month or for ever. Past it, the plan blocks or takes credits at a price per unit.
 * - A plan that is sold may have `trialDays`, once for each workspace, and `credits` that come with each month that is
 *   paid for. `subscriptions: { graceDays: 7 }` says how long a plan is kept while its payment is past due.
 * - Prices are in major units: usd: 10 is ten dollars. Every price must name the same currencies.
 * - AI work that names its model costs points: the provider's cost × `markup` ÷ `pointUsd`, rounded up. docs/ai.md has the
 *   whole of it.
 * - Everything is checked at start, and every mistake is named with its path: unknown keys and features, prices that
 *   Stripe cannot charge, limits that contradict each other. A catalog with a mistake is not served.
 * - Each content has a version. Decisions keep the version that they were made with, so editing never rewrites history.
 */
export default {
  currency: 'usd',

  features: {
    'ai.points': { name: 'AI points', type: 'metered', whole: true },
    'api.calls': { name: 'API calls', type: 'metered' },
    'search.queries': { name: 'Searches', type: 'metered' },
    exports: { name: 'Exports', type: 'metered' },
    'storage.gb': { name: 'Storage in GB', type: 'metered' },
    'video.minutes': { name: 'Minutes of video', type: 'metered' },
    'export.pdf': { name: 'PDF export', type: 'switch' },
    sso: { name: 'Single sign-on', type: 'switch' },
  },

  plans: {
    FREE: {
      name: 'Free',
      features: {
        'ai.points': { allowance: 200, per: 'month', overage: { creditsPerUnit: 1 } },
        'api.calls': { allowance: 100, per: 'month', overage: { creditsPerUnit: 1 } },
        'search.queries': { allowance: 50, per: 'week', overage: 'block' },
        exports: { allowance: 3, per: 'day', overage: 'block' },
        'storage.gb': { allowance: 1, per: 'forever', overage: 'block' },
        // Nothing is included: every minute costs half a credit.
        'video.minutes': { allowance: 0, overage: { creditsPerUnit: 0.5 } },
      },
    },
    BASIC: {
      name: 'Basic',
      price: {
        month: { usd: 10, eur: 9, cny: 70, jpy: 1500 },
        year: { usd: 100, eur: 90, cny: 700, jpy: 15000 },
      },
      features: {
        'ai.points': { allowance: 2000, per: 'month', overage: { creditsPerUnit: 0.8 } },
        'api.calls': { allowance: 10000, per: 'month', overage: { creditsPerUnit: 0.05 } },
        'search.queries': { allowance: 500, per: 'week', overage: 'block' },
        exports: { allowance: 30, per: 'day', overage: 'block' },
        'storage.gb': { allowance: 10, per: 'forever', overage: 'block' },
        'video.minutes': { allowance: 10, per: 'month', overage: { creditsPerUnit: 0.5 } },
        'export.pdf': true,
      },
    },
    PRO: {
      name: 'Pro',
      price: {
        month: { usd: 20, eur: 18, cny: 140, jpy: 3000 },
        year: { usd: 200, eur: 180, cny: 1400, jpy: 30000 },
      },
      features: {
        'ai.points': { allowance: 5000, per: 'month', overage: { creditsPerUnit: 0.6 } },
        'api.calls': { allowance: 50000, per: 'month', overage: { creditsPerUnit: 0.02 } },
        'search.queries': { allowance: 'unlimited', per: 'week' },
        exports: { allowance: 300, per: 'day', overage: 'block' },
        'storage.gb': { allowance: 100, per: 'forever', overage: 'block' },
        'video.minutes': { allowance: 60, per: 'month', overage: { creditsPerUnit: 0.4 } },
        'export.pdf': true,
      },
    },
    ENTERPRISE: {
      name: 'Enterprise',
      contact: 'sales@example.com',
      features: {
        'ai.points': { allowance: 'unlimited' },
        'api.calls': { allowance: 'unlimited' },
        'search.queries': { allowance: 'unlimited' },
        exports: { allowance: 'unlimited' },
        'storage.gb': { allowance: 'unlimited', per: 'forever' },
        'video.minutes': { allowance: 'unlimited' },
        'export.pdf': true,
        sso: true,
      },
    },
  },

  credits: {
    expireAfterDays: null,
    packs: {
      credits_10: { name: '1,000 credits', credits: 1000, price: { usd: 10, eur: 9, cny: 70, jpy: 1500 } },
      credits_20: { name: '2,200 credits', credits: 2200, price: { usd: 20, eur: 18, cny: 140, jpy: 3000 } },
      credits_30: { name: '3,500 credits', credits: 3500, price: { usd: 30, eur: 27, cny: 210, jpy: 4500 } },
    },
    custom: {
      usd: { min: 5, max: 500, creditsPerUnit: 100 },
      eur: { min: 5, max: 500, creditsPerUnit: 110 },
      cny: { min: 35, max: 3500, creditsPerUnit: 14 },
      jpy: { min: 750, max: 75000, creditsPerUnit: 0.65 },
    },
  },

  ai: {
    // A point pays for a tenth of a cent; what providers take is charged with a quarter more.
    pointUsd: 0.001,
    markup: 1.25,
    // Providers' published prices for tokens. Prices of your own go before them, in dollars for a million tokens.
    list: 'genai-prices',
    models: {
      // Per image: the list has prices for tokens only.
      'gpt-image-1': {
        images: [
          { size: '1024x1024', quality: 'low', price: 0.011 },
          { size: '1024x1024', quality: 'medium', price: 0.042 },
          { size: '1024x1024', quality: 'high', price: 0.167 },
        ],
      },
    },
    // Without a fallback such as { input: 15, output: 75 }, a model that is not known is refused.
  },
} satisfies CatalogConfig;
