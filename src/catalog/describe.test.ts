import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleConfig } from '../../test/fixtures/catalog.ts';
import { describeCatalog } from './describe.ts';
import { parseCatalog } from './parse.ts';

test('a catalog is described as plain JSON, amounts as numbers and the default currency first', () => {
  const catalog = parseCatalog(sampleConfig());
  const description = describeCatalog(catalog);
  assert.deepEqual(description, {
    version: catalog.version,
    currencies: ['usd', 'jpy'],
    features: [
      { featureCode: 'ai.points', name: 'AI points', type: 'metered', whole: true },
      { featureCode: 'api.calls', name: 'API calls', type: 'metered', whole: false },
      { featureCode: 'sso', name: 'Single sign-on', type: 'switch' },
    ],
    plans: [
      {
        plan: 'FREE',
        name: 'Free',
        contact: null,
        price: { month: null, year: null },
        trialDays: null,
        credits: 0,
        features: [
          {
            featureCode: 'ai.points',
            type: 'metered',
            limit: 200,
            per: 'month',
            overage: 'credits',
            creditsPerUnit: 1,
          },
          {
            featureCode: 'api.calls',
            type: 'metered',
            limit: 0,
            per: 'month',
            overage: 'credits',
            creditsPerUnit: 0.5,
          },
        ],
      },
      {
        plan: 'BASIC',
        name: 'Basic',
        contact: null,
        price: { month: { usd: 10, jpy: 1500 }, year: null },
        trialDays: null,
        credits: 0,
        features: [{ featureCode: 'api.calls', type: 'metered', limit: 2.5, per: 'day', overage: 'block' }],
      },
      {
        plan: 'PRO',
        name: 'Pro',
        contact: null,
        price: { month: { usd: 20, jpy: 3000 }, year: { usd: 199.99, jpy: 30000 } },
        trialDays: null,
        credits: 0,
        features: [
          { featureCode: 'api.calls', type: 'metered', limit: 10, per: 'forever', overage: 'block' },
          { featureCode: 'sso', type: 'switch', enabled: true },
        ],
      },
      {
        plan: 'ENTERPRISE',
        name: 'Enterprise',
        contact: 'sales@example.com',
        price: { month: null, year: null },
        trialDays: null,
        credits: 0,
        features: [
          { featureCode: 'api.calls', type: 'metered', limit: null, per: 'month', overage: 'block' },
          { featureCode: 'sso', type: 'switch', enabled: true },
        ],
      },
    ],
    subscriptions: { graceDays: 7 },
    credits: {
      expireAfterDays: 365,
      debt: 'next_purchase',
      packs: [{ id: 'small', name: '1,000 credits', credits: 1000, price: { usd: 10, jpy: 1500 } }],
      custom: {
        usd: { min: 5, max: 500, creditsPerUnit: 100 },
        jpy: { min: 750, max: 75000, creditsPerUnit: 0.65 },
      },
    },
    ai: null,
  });
  assert.deepEqual(JSON.parse(JSON.stringify(description)), description);
});

test('the default currency comes first however prices were written', () => {
  const catalog = parseCatalog({ ...sampleConfig(), currency: 'jpy' });
  assert.deepEqual(describeCatalog(catalog).currencies, ['jpy', 'usd']);
});

test('how AI work is priced is described too, with the version of the price list', () => {
  const catalog = parseCatalog({
    ...sampleConfig(),
    ai: {
      pointUsd: 0.001,
      markup: 1.25,
      list: 'genai-prices',
      models: {
        writer: [
          { input: 2, output: 8 },
          { from: '2026-07-01', input: 1, output: { base: 4, tiers: [{ above: 100_000, price: 6 }] } },
        ],
        painter: { images: [{ size: 'big', price: 0.1 }] },
      },
      fallback: { input: 15, output: 75 },
    },
  });
  const { ai } = describeCatalog(catalog);
  assert.deepEqual(ai, {
    pointUsd: 0.001,
    markup: 1.25,
    list: { name: 'genai-prices', version: '0.1.8' },
    models: {
      writer: [
        {
          from: '2026-07-01',
          tokens: { input: 1, output: { base: 4, tiers: [{ above: 100_000, price: 6 }] } },
        },
        { from: null, tokens: { input: 2, output: 8 } },
      ],
      painter: [{ from: null, images: [{ size: 'big', price: 0.1 }] }],
    },
    fallback: { tokens: { input: 15, output: 75 } },
  });
  assert.deepEqual(JSON.parse(JSON.stringify(ai)), ai);
});
