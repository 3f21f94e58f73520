import { z } from 'zod';
import { aiWorkSchema, modelWorkShape, reportShape } from '../ai/routes.ts';
import { mistakeIn, mistakeInReport, refuseMistake } from '../catalog/ai/schemas.ts';
import { listEndpoint, oneOf } from '../db/list.ts';
import { HoldStatus } from '../db/types.ts';
import { USE_REFUSALS } from '../entitlements/routes.ts';
import { type Endpoint, endpoint, replyOf } from '../lib/endpoint.ts';
import {
  amountOrNoneSchema,
  amountSchema,
  featureCodeSchema,
  textSchema,
  workspaceIdSchema,
} from '../lib/schemas.ts';
import {
  answerHold,
  getHold,
  type HoldServices,
  hold,
  holdRowSchema,
  holdSchema,
  progress,
  release,
  settle,
  settledHoldSchema,
} from './holds.ts';
import { listHolds } from './store.ts';

/** Longer than any answer streams, and short enough that what a dead worker held is back within a day. */
const TTL_SECONDS_MAX = 86_400;
const TTL_SECONDS = 300; // unless another is asked for
const TTL_MESSAGE = `must be a whole number of seconds from 1 to ${TTL_SECONDS_MAX}`;

const ttlSchema = z.int(TTL_MESSAGE).min(1, TTL_MESSAGE).max(TTL_SECONDS_MAX, TTL_MESSAGE);

export const holdInputSchema = z
  .strictObject({
    workspaceId: workspaceIdSchema,
    featureCode: featureCodeSchema,
    amount: amountSchema
      .optional()
      .meta({ description: 'Left out where a model is named: what its work comes to is held.' }),
    ttlSeconds: ttlSchema.default(TTL_SECONDS),
    onExpire: z.enum(['release', 'settle'], 'must be release or settle').default('release'),
    ai: aiWorkSchema
      .extend(modelWorkShape)
      .optional()
      .meta({ description: 'What AI work it is for; with a model, what that is to do at most.' }),
  })
  .check((payload) => {
    const { amount, ai } = payload.value;
    const mistake = mistakeIn({ ...ai, amount }, { isNeeded: true });
    refuseMistake(payload, mistake, (field) => (field === 'amount' ? [field] : ['ai', field]));
  });

export const holdIdSchema = z.strictObject({ id: textSchema(200) });

/** What was used in all: an amount, or, of a hold that names a model, what that has done. */
const used = {
  amount: amountOrNoneSchema.optional().meta({ description: 'Left out where tokens or images are said.' }),
  ...reportShape,
};
type Used = z.output<z.ZodObject<typeof used>>;

const checkUsed = (payload: z.core.ParsePayload<Used>) =>
  refuseMistake(payload, mistakeInReport(payload.value));

export const progressSchema = z
  .strictObject({
    ...used,
    ttlSeconds: ttlSchema.optional().meta({
      description: 'It lives at least so long from now; unless said, as long as when it was taken.',
    }),
  })
  .check(checkUsed);

export const settleSchema = z.strictObject(used).check(checkUsed);

const REFUSALS = ['not_found', 'hold_not_open', 'idempotency_conflict'] as const;

export function holdRoutes(services: HoldServices): Endpoint[] {
  const common = { method: 'POST', tag: 'Holds', params: holdIdSchema, refusals: REFUSALS } as const;
  return [
    endpoint({
      method: 'POST',
      path: '/v1/holds',
      tag: 'Holds',
      summary: 'Reserve an amount before the work: allowance first, then credits; all of it or nothing of it',
      body: holdInputSchema,
      answers: { 201: holdSchema },
      refusals: ['feature_unknown', 'model_unknown', ...USE_REFUSALS],
      repeats: 'decision',
      handle: async (call) => replyOf(await hold(services, call.body, call), 201),
    }),
    endpoint({
      ...common,
      path: '/v1/holds/:id/progress',
      summary: 'Say how much is used by now; the hold lives longer',
      body: progressSchema,
      answers: { 200: holdSchema },
      repeats: 'decision',
      handle: async (call) => replyOf(await progress(services, { ...call.body, ...call.params }, call)),
    }),
    endpoint({
      ...common,
      path: '/v1/holds/:id/settle',
      summary: 'Charge what the work came to, less or more than was held; the rest goes back',
      body: settleSchema,
      answers: { 200: settledHoldSchema },
      repeats: 'decision',
      handle: async (call) => replyOf(await settle(services, { ...call.body, ...call.params }, call)),
    }),
    endpoint({
      ...common,
      path: '/v1/holds/:id/release',
      summary: 'Give all of a hold back: nothing was used',
      body: z.strictObject({}),
      answers: { 200: holdSchema },
      repeats: 'decision',
      handle: async (call) => replyOf(await release(services, call.params, call)),
    }),
    endpoint({
      method: 'GET',
      path: '/v1/holds/:id',
      tag: 'Holds',
      summary: 'A hold as it is now',
      params: holdIdSchema,
      answers: { 200: holdRowSchema },
      refusals: ['not_found'],
      handle: async ({ params }) => ({ body: await getHold(services, params.id) }),
    }),
    listEndpoint({
      path: '/v1/holds',
      summary: 'What was reserved before the work, and what became of it',
      row: holdRowSchema,
      filters: { status: oneOf(HoldStatus), featureCode: featureCodeSchema },
      async read(page, filters) {
        // None is shown as HELD that has expired.
        await services.engine.bookExpired(filters.workspaceId);
        return listHolds(services.db, page, filters);
      },
      answer: answerHold,
    }),
  ];
}
