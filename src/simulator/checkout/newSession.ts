import { shippingFields } from '../addresses.ts';
import { invalid } from '../api/errors.ts';
import { metadata } from '../api/metadata.ts';
import {
  email,
  group,
  integer,
  listOf,
  oneOf,
  type Params,
  required,
  text,
  webAddress,
} from '../api/params.ts';
import { subscriptionData } from '../billing/checkout.ts';
import { discountFields } from '../billing/discounts.ts';
import { currency } from '../prices.ts';
import { lineItem } from './orders.ts';

const LIFETIME_SECONDS_MIN = 30 * 60; // Stripe's
const LIFETIME_SECONDS_MAX = 24 * 60 * 60; // Stripe's, and the default

export const sessionFields = {
  allowed_payment_method_types: listOf(oneOf('card', 'us_bank_account', 'sepa_debit')),
  cancel_url: webAddress(),
  client_reference_id: text(200),
  currency: currency(),
  customer: text(),
  customer_creation: oneOf('always', 'if_required'),
  customer_email: email(),
  discounts: discountFields,
  expires_at: integer(),
  line_items: listOf(group(lineItem)),
  locale: text(10),
  metadata: metadata(),
  mode: required(oneOf('payment', 'setup', 'subscription')),
  payment_intent_data: group({
    description: text(1000),
    metadata: metadata(),
    receipt_email: email(),
    setup_future_usage: oneOf('off_session', 'on_session'),
    shipping: group(shippingFields),
    statement_descriptor: text(22),
    statement_descriptor_suffix: text(22),
  }),
  payment_method_collection: oneOf('always', 'if_required'),
  saved_payment_method_options: group({
    allow_redisplay_filters: listOf(oneOf('always', 'limited', 'unspecified')),
    payment_method_remove: oneOf('disabled', 'enabled'),
    payment_method_save: oneOf('disabled', 'enabled'),
  }),
  setup_intent_data: group({ description: text(1000), metadata: metadata() }),
  submit_type: oneOf('auto', 'book', 'donate', 'pay'),
  subscription_data: subscriptionData,
  success_url: required(webAddress()),
  ui_mode: oneOf('hosted_page'),
};
export type NewSession = Params<typeof sessionFields>;

/** What belongs to other modes, by mode. */
const FOREIGN = {
  payment: ['currency', 'payment_method_collection', 'setup_intent_data', 'subscription_data'],
  setup: [
    'discounts',
    'line_items',
    'payment_intent_data',
    'payment_method_collection',
    'saved_payment_method_options',
    'submit_type',
    'subscription_data',
  ],
  subscription: ['currency', 'customer_creation', 'payment_intent_data', 'setup_intent_data', 'submit_type'],
} as const;

/** The parameters fit the mode, and each other. */
export function requireFitting(params: NewSession): void {
  const { customer, customer_email: email, line_items: lines = [], mode } = params;
  if (customer !== undefined && email !== undefined) {
    throw invalid('You may only specify one of these parameters: customer, customer_email.', {
      param: 'customer',
    });
  }
  for (const param of FOREIGN[mode]) {
    if (params[param] === undefined) continue;
    throw invalid(`You can not pass \`${param}\` in \`${mode}\` mode.`, { param });
  }
  if (mode !== 'setup' && lines.length === 0) {
    throw invalid('Missing required param: line_items.', { code: 'parameter_missing', param: 'line_items' });
  }
}

/** A subscription always has a customer, and asks for a card even when there is nothing to pay yet. */
export function creationOf({ customer_creation: asked, mode }: NewSession) {
  return asked ?? (mode === 'subscription' ? 'always' : 'if_required');
}

export function collectionOf({ payment_method_collection: asked, mode }: NewSession) {
  return asked ?? (mode === 'subscription' ? 'always' : 'if_required');
}

export function expiryOf(asked: number | undefined, now: number): number {
  if (asked === undefined) return now + LIFETIME_SECONDS_MAX;
  if (asked < now + LIFETIME_SECONDS_MIN) {
    throw invalid('The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.', {
      param: 'expires_at',
    });
  }
  if (asked > now + LIFETIME_SECONDS_MAX) {
    throw invalid('The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.', {
      param: 'expires_at',
    });
  }
  return asked;
}
