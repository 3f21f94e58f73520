import { z } from 'zod';
import type { Db } from '../db/pool.ts';
import { type Endpoint, endpoint } from '../lib/endpoint.ts';
import { Refusal } from '../lib/errors.ts';
import { textSchema } from '../lib/schemas.ts';
import { modelPriceShape } from './ai/schemas.ts';
import { describeCatalog } from './describe.ts';
import { readVersion } from './store.ts';
import { type Catalog, DEBT_POLICIES, PLANS, WINDOWS } from './types.ts';

const money = z.record(z.string(), z.number()).meta({ description: 'In major units, per currency.' });

const planFeatureSchema = z.discriminatedUnion('type', [
  z.object({ featureCode: z.string(), type: z.literal('switch'), enabled: z.literal(true) }),
  z.object({
    featureCode: z.string(),
    type: z.literal('metered'),
    limit: z.number().nullable().meta({ description: 'The allowance; null: unlimited.' }),
    per: z.enum(WINDOWS),
    overage: z.enum(['block', 'credits']),
    creditsPerUnit: z.number().optional(),
  }),
]);

const OLD = 'Versions of old do not say.';

const catalogSchema = z
  .object({
    version: z.string(),
    currencies: z.array(z.string()).meta({ description: 'The default currency first.' }),
    features: z.array(
      z.object({
        featureCode: z.string(),
        name: z.string(),
        type: z.enum(['switch', 'metered']),
        whole: z.boolean().optional().meta({ description: 'Of a metered feature: counted in whole units.' }),
      }),
    ),
    plans: z.array(
      z.object({
        plan: z.enum(PLANS),
        name: z.string(),
        contact: z.string().nullable(),
        price: z.object({ month: money.nullable(), year: money.nullable() }),
        trialDays: z.int().nullable().optional().meta({ description: OLD }),
        credits: z
          .number()
          .optional()
          .meta({ description: `That come with each month that is paid for. ${OLD}` }),
        features: z.array(planFeatureSchema),
      }),
    ),
    subscriptions: z
      .object({ graceDays: z.int() })
      .optional()
      .meta({ description: `How long a plan is kept while its payment is past due. ${OLD}` }),
    credits: z.object({
      expireAfterDays: z.int().nullable(),
      debt: z
        .enum(DEBT_POLICIES)
        .optional()
        .meta({ description: `Who pays what is owed of reversed purchases. ${OLD}` }),
      packs: z.array(z.object({ id: z.string(), name: z.string(), credits: z.number(), price: money })),
      custom: z.record(
        z.string(),
        z.object({ min: z.number(), max: z.number(), creditsPerUnit: z.number() }),
      ),
    }),
    ai: z
      .object({
        pointUsd: z.number().meta({ description: 'Dollars that one point pays for.' }),
        markup: z.number(),
        list: z.object({ name: z.literal('genai-prices'), version: z.string() }).nullable(),
        models: z
          .record(z.string(), z.array(z.object({ from: z.iso.date().nullable(), ...modelPriceShape })))
          .meta({ description: 'The latest price first.' }),
        fallback: z.object(modelPriceShape).nullable(),
      })
      .nullable()
      .optional()
      .meta({ description: `How AI work is priced by its model; null: it is not. ${OLD}` }),
  })
  .meta({ id: 'Catalog' });

export function catalogRoutes({ db, catalog }: { db: Db; catalog: Catalog }): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/v1/catalog',
      tag: 'Reading',
      summary: 'What is sold: features, plans, packs and prices; or what was sold in a version of before',
      query: z.strictObject({
        version: textSchema(100)
          .optional()
          .meta({ description: 'A version that a decision names; without it, the one that serves.' }),
      }),
      answers: { 200: catalogSchema },
      refusals: ['not_found'],
      handle: async ({ query }) => ({ body: await findCatalog({ db, catalog }, query.version) }),
    }),
  ];
}

async function findCatalog({ db, catalog }: { db: Db; catalog: Catalog }, version = catalog.version) {
  if (version === catalog.version) return describeCatalog(catalog);
  const kept = await readVersion(db, version);
  if (kept !== undefined) return kept.content;
  throw new Refusal('not_found', `No catalog of version ${JSON.stringify(version)} has served.`, {
    param: 'version',
  });
}
