import { z } from 'zod';
import { TRIAL_DAYS_MAX } from '../../catalog/shape.ts';
import { PLANS } from '../../catalog/types.ts';
import { type Endpoint, endpoint } from '../../lib/endpoint.ts';
import { textSchema, workspaceIdSchema } from '../../lib/schemas.ts';
import { intervalSchema, subscriptionSchema } from '../../subscriptions/subscriptions.ts';
import { urlSchema, userSchema } from '../schemas.ts';
import type { StripeServices } from '../services.ts';
import { cancelSubscription, changeSubscription, resumeSubscription } from './change.ts';
import { createPlanCheckout } from './checkout.ts';
import { createPortal } from './portal.ts';
import { previewChange, previewSchema } from './preview.ts';

const planSchema = z.enum(PLANS, `must be ${PLANS.join(' or ')}`);

const TRIAL_DAYS_MESSAGE = `must be a whole number from 0 to ${TRIAL_DAYS_MAX}`;

export const planCheckoutSchema = z.strictObject({
  workspaceId: workspaceIdSchema,
  user: userSchema,
  plan: planSchema,
  interval: intervalSchema,
  currency: textSchema(16).optional().meta({ description: "The catalog's default where it is left out." }),
  trialDays: z
    .int(TRIAL_DAYS_MESSAGE)
    .min(0, TRIAL_DAYS_MESSAGE)
    .max(TRIAL_DAYS_MAX, TRIAL_DAYS_MESSAGE)
    .optional()
    .meta({ description: "The catalog's where it is left out; a workspace has one trial." }),
  successUrl: urlSchema,
  cancelUrl: urlSchema,
});

const createdSchema = z
  .object({
    id: z.string(),
    url: z.url().meta({ description: 'The page to subscribe on: send the payer there.' }),
    status: z.literal('OPEN'),
    workspaceId: z.string(),
    paymentUserId: z.string(),
    sessionId: z.string(),
    plan: z.enum(PLANS),
    interval: intervalSchema,
    amount: z.number().meta({ description: 'What each interval costs, in major units of the currency.' }),
    currency: z.string(),
    trialDays: z.int().nullable(),
    expiresAt: z.iso.datetime(),
  })
  .meta({ id: 'CreatedPlanCheckout' });

export const subscriptionParams = z.strictObject({ workspaceId: workspaceIdSchema });
export const changeSchema = z.strictObject({ plan: planSchema, interval: intervalSchema });
export const cancelSchema = z.strictObject({
  at: z.enum(['period_end', 'now'], "must be 'period_end' or 'now'"),
});
export const portalSchema = z.strictObject({
  workspaceId: workspaceIdSchema,
  user: userSchema,
  returnUrl: urlSchema,
});

const PROVIDER = ['idempotency_conflict', 'provider_error', 'provider_unavailable'] as const;
const CHANGING = ['workspace_not_found', 'no_subscription', 'payment_required', ...PROVIDER] as const;

export function subscriptionVerbRoutes(services: StripeServices): Endpoint[] {
  const verb = {
    method: 'POST',
    tag: 'Subscriptions',
    params: subscriptionParams,
    refusals: CHANGING,
  } as const;
  return [
    endpoint({
      method: 'POST',
      path: '/v1/checkout/subscription',
      tag: 'Subscriptions',
      summary:
        'Subscribe to a plan: a page to pay on; the workspace is on the plan once its first payment is made',
      body: planCheckoutSchema,
      answers: { 201: createdSchema },
      refusals: ['workspace_not_found', 'subscription_exists', ...PROVIDER],
      repeats: 'request',
      handle: async ({ body }) => ({ status: 201, body: await createPlanCheckout(services, body) }),
    }),
    endpoint({
      ...verb,
      path: '/v1/subscriptions/:workspaceId/preview',
      summary: 'What another plan or interval would cost and allow; changes nothing',
      body: changeSchema,
      answers: { 200: previewSchema },
      refusals: ['workspace_not_found', 'no_subscription', 'provider_error', 'provider_unavailable'],
      handle: async ({ params, body }) => ({ body: await previewChange(services, params.workspaceId, body) }),
    }),
    endpoint({
      ...verb,
      path: '/v1/subscriptions/:workspaceId/change',
      summary:
        'Another plan or interval: more at once, less when the period ends; the present one gives that up',
      body: changeSchema,
      answers: { 200: subscriptionSchema },
      repeats: 'request',
      handle: async ({ params, body, idempotencyKey: key }) => ({
        body: await changeSubscription(services, params.workspaceId, body, key ?? undefined),
      }),
    }),
    endpoint({
      ...verb,
      path: '/v1/subscriptions/:workspaceId/cancel',
      summary: 'End a subscription, when its period ends or now',
      body: cancelSchema,
      answers: { 200: subscriptionSchema },
      repeats: 'request',
      handle: async ({ params, body, idempotencyKey: key }) => ({
        body: await cancelSubscription(services, params.workspaceId, body.at, key ?? undefined),
      }),
    }),
    endpoint({
      ...verb,
      path: '/v1/subscriptions/:workspaceId/resume',
      summary: 'Give up an end that was asked for',
      body: z.strictObject({}),
      answers: { 200: subscriptionSchema },
      repeats: 'request',
      handle: async ({ params, idempotencyKey: key }) => ({
        body: await resumeSubscription(services, params.workspaceId, key ?? undefined),
      }),
    }),
    endpoint({
      method: 'POST',
      path: '/v1/portal',
      tag: 'Subscriptions',
      summary: "Stripe's page on which a payer manages cards, invoices and plans",
      body: portalSchema,
      answers: { 200: z.object({ url: z.url() }).meta({ id: 'Portal' }) },
      refusals: ['workspace_not_found', ...PROVIDER],
      repeats: 'request',
      handle: async ({ body }) => ({ body: await createPortal(services, body) }),
    }),
  ];
}
