import { z } from 'zod';
import { type Endpoint, endpoint } from '../lib/endpoint.ts';
import { amountSchema, textSchema, workspaceIdSchema } from '../lib/schemas.ts';
import { paymentSchema } from '../payments/lists.ts';
import { createCheckout } from './checkout.ts';
import { refundPayment } from './refunds.ts';
import { urlSchema, userSchema } from './schemas.ts';
import type { StripeServices } from './services.ts';

export const purchaseSchema = z
  .strictObject({
    workspaceId: workspaceIdSchema,
    user: userSchema,
    pack: textSchema(128).optional(),
    amount: amountSchema.optional().meta({ description: 'In major units of the currency.' }),
    currency: textSchema(16)
      .optional()
      .meta({ description: "Of the amount; of a pack, the catalog's default where it is left out." }),
    saveCard: z
      .boolean('must be true or false')
      .optional()
      .meta({ description: 'Save the card, so that it can pay for auto top-ups.' }),
    successUrl: urlSchema,
    cancelUrl: urlSchema,
  })
  .superRefine(({ pack, amount, currency }, context) => {
    const wrong = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message, input: undefined });
    if (pack === undefined && amount === undefined) wrong('pack', 'send a pack, or an amount and a currency');
    if (pack !== undefined && amount !== undefined) wrong('amount', 'send either a pack or an amount');
    if (pack === undefined && amount !== undefined && currency === undefined) {
      wrong('currency', 'is needed with an amount');
    }
  });

const createdSchema = z
  .object({
    id: z.string(),
    url: z.url().meta({ description: 'The page to pay on: send the payer there.' }),
    status: z.literal('OPEN'),
    workspaceId: z.string(),
    paymentUserId: z.string(),
    sessionId: z.string(),
    pack: z.string().nullable(),
    amount: z.number().meta({ description: 'In major units of the currency.' }),
    currency: z.string(),
    credits: z.number().meta({ description: 'What is granted once it is paid.' }),
    expiresAt: z.iso.datetime(),
  })
  .meta({ id: 'CreatedCheckout' });

export const paymentIdSchema = z.strictObject({ id: textSchema(200) });

export const paymentRefundSchema = z.strictObject({
  amount: amountSchema
    .optional()
    .meta({ description: 'In major units of the currency; all that is left where it is left out.' }),
});

export function checkoutRoutes(services: StripeServices): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/v1/checkout/credits',
      tag: 'Credits and money',
      summary: 'Buy credits: a page to pay on; they are granted once Stripe says that it is paid',
      body: purchaseSchema,
      answers: { 201: createdSchema },
      refusals: ['workspace_not_found', 'idempotency_conflict', 'provider_error', 'provider_unavailable'],
      repeats: 'request',
      handle: async ({ body }) => ({ status: 201, body: await createCheckout(services, body) }),
    }),
    endpoint({
      method: 'POST',
      path: '/v1/payments/:id/refund',
      tag: 'Credits and money',
      summary: 'Refund a payment or a part of it; the credits that it bought are taken back in proportion',
      params: paymentIdSchema,
      body: paymentRefundSchema,
      answers: { 200: paymentSchema },
      refusals: [
        'not_found',
        'already_refunded',
        'not_refundable',
        'idempotency_conflict',
        'provider_error',
        'provider_unavailable',
      ],
      repeats: 'request',
      handle: async ({ body, params, idempotencyKey }) => ({
        body: await refundPayment(services, { ...params, ...body, idempotencyKey }),
      }),
    }),
  ];
}
