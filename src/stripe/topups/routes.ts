import { z } from 'zod';
import { type Endpoint, endpoint } from '../../lib/endpoint.ts';
import { amountSchema, textSchema, workspaceIdSchema } from '../../lib/schemas.ts';
import { dropTopUp, getTopUp, putTopUp } from '../../topups/topups.ts';
import { urlSchema, userSchema } from '../schemas.ts';
import type { StripeServices } from '../services.ts';
import { createCardPage } from './card.ts';
import { openTopUpPage } from './page.ts';

export const topUpParamsSchema = z.strictObject({ id: workspaceIdSchema });

export const topUpInputSchema = z.strictObject({
  user: userSchema,
  threshold: amountSchema.meta({ description: 'Credits: a use that leaves fewer asks for a top-up.' }),
  pack: textSchema(128),
  currency: textSchema(16).optional().meta({ description: "The catalog's default where it is left out." }),
  monthlyMax: amountSchema.meta({
    description:
      'In major units of the currency: what all top-ups of a calendar month, in UTC, may cost together.',
  }),
  enabled: z.boolean('must be true or false').default(true),
});

export const topUpPageSchema = z.strictObject({ successUrl: urlSchema, cancelUrl: urlSchema });

const topUpSchema = z
  .object({
    workspaceId: z.string(),
    paymentUserId: z.string(),
    enabled: z.boolean(),
    threshold: z.number(),
    pack: z.string(),
    currency: z.string(),
    monthlyMax: z.number(),
    spentThisMonth: z.number(),
    status: z.enum(['READY', 'PENDING', 'ACTION_REQUIRED', 'BACKING_OFF', 'STOPPED', 'DISABLED']).meta({
      description:
        'PENDING: a payment is under way. BACKING_OFF: it goes on by itself at `nextTryAt`. ACTION_REQUIRED and STOPPED: it waits for another card, other settings, or a payment on its page.',
    }),
    why: z.string().nullable().meta({
      description:
        "Why it does not go on: the bank's reason, `no_card`, `monthly_max_reached`, `disputed`, …",
    }),
    nextTryAt: z.iso.datetime().nullable(),
    link: z
      .object({ url: z.url(), expiresAt: z.iso.datetime() })
      .nullable()
      .meta({ description: 'The page to pay on, where one is open.' }),
  })
  .meta({ id: 'AutoTopUp' });

const droppedSchema = z.object({ workspaceId: z.string(), deleted: z.literal(true) });

export const cardPageSchema = z.strictObject({
  workspaceId: workspaceIdSchema,
  user: userSchema,
  successUrl: urlSchema,
  cancelUrl: urlSchema,
});

const cardPageAnswer = z.object({ url: z.url(), expiresAt: z.iso.datetime() }).meta({ id: 'CardPage' });

const PATH = '/v1/workspaces/:id/auto-topup';

export function topUpRoutes(services: StripeServices): Endpoint[] {
  const common = { path: PATH, tag: 'Credits and money', params: topUpParamsSchema };
  return [
    endpoint({
      ...common,
      method: 'PUT',
      summary: 'Keep a wallet topped up: whenever a use leaves too little, a pack is paid by the saved card',
      body: topUpInputSchema,
      answers: { 200: topUpSchema },
      refusals: ['workspace_not_found'],
      handle: async ({ params, body }) => ({
        body: await putTopUp(services, { workspaceId: params.id, ...body }),
      }),
    }),
    endpoint({
      ...common,
      method: 'GET',
      summary: 'How a wallet is kept topped up, and how the last payment went',
      answers: { 200: topUpSchema },
      refusals: ['not_found'],
      handle: async ({ params }) => ({ body: await getTopUp(services, params.id) }),
    }),
    endpoint({
      ...common,
      method: 'DELETE',
      summary: 'Keep a wallet topped up no longer',
      answers: { 200: droppedSchema },
      refusals: ['not_found'],
      handle: async ({ params }) => {
        await dropTopUp(services, params.id);
        return { body: { workspaceId: params.id, deleted: true } };
      },
    }),
    endpoint({
      ...common,
      method: 'POST',
      path: `${PATH}/page`,
      summary: 'A page on which to pay what could not be paid by the saved card, and to save another one',
      body: topUpPageSchema,
      answers: { 200: topUpSchema },
      refusals: ['not_found', 'nothing_to_pay', 'provider_error', 'provider_unavailable'],
      handle: async ({ params, body }) => ({
        body: await openTopUpPage(services, { workspaceId: params.id, ...body }),
      }),
    }),
    endpoint({
      method: 'POST',
      path: '/v1/checkout/card',
      tag: 'Credits and money',
      summary: 'Save a card without buying anything: a page to enter it on; it can pay for auto top-ups then',
      body: cardPageSchema,
      answers: { 201: cardPageAnswer },
      refusals: ['workspace_not_found', 'idempotency_conflict', 'provider_error', 'provider_unavailable'],
      repeats: 'request',
      handle: async ({ body }) => ({ status: 201, body: await createCardPage(services, body) }),
    }),
  ];
}
