import { z } from 'zod';
import { listEndpoint, oneOf } from '../db/list.ts';
import type { Db } from '../db/pool.ts';
import { OperationType, PlanType } from '../db/types.ts';
import type { Engine } from '../engine/engine.ts';
import { type Endpoint, endpoint } from '../lib/endpoint.ts';
import { CODES } from '../lib/errors.ts';
import { featureCodeSchema, textSchema } from '../lib/schemas.ts';
import { answerDecision, decisionSchema, explainDecision, explainedDecisionSchema } from './decisions.ts';
import { listDecisions } from './store.ts';

export function decisionRoutes({ db, engine }: { db: Db; engine: Engine }): Endpoint[] {
  return [
    listEndpoint({
      path: '/v1/decisions',
      summary: "The engine's answers, refusals included",
      row: decisionSchema,
      filters: {
        operation: oneOf(OperationType),
        featureCode: featureCodeSchema,
        plan: oneOf(PlanType),
        code: z.enum(Object.keys(CODES), 'must be a code that a refusal can have, and given once'),
        allowed: oneOf({ yes: 'true', no: 'false' }),
      },
      async read(page, filters) {
        await engine.bookExpired(filters.workspaceId);
        return listDecisions(db, page, filters);
      },
      answer: answerDecision,
    }),
    endpoint({
      method: 'GET',
      path: '/v1/decisions/:id',
      tag: 'Reading',
      summary: 'Why: the allowance, credits, price and catalog that a decision was made of',
      params: z.strictObject({ id: textSchema(200) }),
      answers: { 200: explainedDecisionSchema },
      refusals: ['not_found'],
      handle: async ({ params }) => ({ body: await explainDecision(db, params.id) }),
    }),
  ];
}
