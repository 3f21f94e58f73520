import { z } from 'zod';
import { listEndpoint, oneOf, plain } from '../db/list.ts';
import type { Db } from '../db/pool.ts';
import { StripeEventStatus } from '../db/types.ts';
import { type Endpoint, endpoint } from '../lib/endpoint.ts';
import { textSchema } from '../lib/schemas.ts';
import { replayEvent, showEvent } from './replay.ts';
import { listEvents } from './store.ts';

const time = z.iso.datetime();

const eventSchema = z
  .object({
    id: z.string(),
    type: z.string(),
    objectId: z.string().nullable().meta({ description: 'What it is about; read again to apply it.' }),
    livemode: z.boolean(),
    status: z.enum(StripeEventStatus),
    attempts: z.int().meta({ description: 'How often it was tried to apply it.' }),
    error: z.string().nullable().meta({ description: 'Why it FAILED or was IGNORED.' }),
    receivedAt: time,
    appliedAt: time.nullable(),
  })
  .meta({ id: 'StripeEvent' });

const shownSchema = z
  .object({
    ...eventSchema.shape,
    payload: z.record(z.string(), z.unknown()).meta({ description: 'What Stripe sent.' }),
  })
  .meta({ id: 'ShownStripeEvent' });

/** How the list can be asked for. */
export const eventList = {
  filters: {
    status: oneOf(StripeEventStatus),
    type: textSchema(255),
    objectId: textSchema(255),
  },
  withoutWorkspace: true,
};

const paramsSchema = z.strictObject({ id: textSchema(255) });

export function eventRoutes({ db, livemode }: { db: Db; livemode: boolean }): Endpoint[] {
  return [
    listEndpoint({
      ...eventList,
      path: '/v1/stripe-events',
      tag: 'Operations',
      summary: "Stripe's webhook events, and what became of them",
      row: eventSchema,
      read: (page, filters) => listEvents(db, page, filters),
      answer: (row) => plain(row),
    }),
    endpoint({
      method: 'GET',
      path: '/v1/stripe-events/:id',
      tag: 'Operations',
      summary: 'One webhook event, with what Stripe sent',
      params: paramsSchema,
      answers: { 200: shownSchema },
      refusals: ['not_found'],
      handle: async ({ params }) => ({ body: plain(await showEvent(db, params.id)) }),
    }),
    endpoint({
      method: 'POST',
      path: '/v1/stripe-events/:id/replay',
      tag: 'Operations',
      summary: 'Apply a webhook event again: its object is read anew, and nothing is booked twice',
      params: paramsSchema,
      body: z.strictObject({}),
      answers: { 200: eventSchema },
      refusals: ['not_found', 'not_replayable', 'idempotency_conflict'],
      repeats: 'request',
      handle: async ({ params }) => ({ body: plain(await replayEvent({ db, livemode }, params.id)) }),
    }),
  ];
}
