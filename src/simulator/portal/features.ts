import type Stripe from 'stripe';
import { invalid } from '../api/errors.ts';
import {
  boolean,
  definedOf,
  type Field,
  group,
  integer,
  listOf,
  oneOf,
  type Params,
  required,
  text,
} from '../api/params.ts';
import { findPrice } from '../prices.ts';
import { findProduct } from '../products.ts';
import type { World } from '../world.ts';

type Features = Stripe.BillingPortal.Configuration.Features;

const PRODUCTS_MAX = 10; // Stripe's

/** A list that an empty value empties. */
function emptyable<T>(field: Field<T | undefined>): Field<T[] | undefined> {
  const read = listOf(field) as Field<T[] | undefined>;
  return (value, param) => (value === '' ? [] : read(value, param));
}

const prorationBehavior = oneOf('always_invoice', 'create_prorations', 'none');
const reason = oneOf(
  'customer_service',
  'low_quality',
  'missing_features',
  'other',
  'switched_service',
  'too_complex',
  'too_expensive',
  'unused',
);
const product = group({
  adjustable_quantity: group({
    enabled: required(boolean()),
    maximum: integer({ min: 1 }),
    minimum: integer(),
  }),
  prices: required(listOf(text())),
  product: required(text()),
});

export const featureFields = {
  customer_update: group({
    allowed_updates: emptyable(oneOf('address', 'email', 'name', 'phone', 'shipping', 'tax_id')),
    enabled: boolean(),
  }),
  invoice_history: group({ enabled: boolean() }),
  payment_method_update: group({ enabled: boolean() }),
  subscription_cancel: group({
    cancellation_reason: group({ enabled: required(boolean()), options: emptyable(reason) }),
    enabled: boolean(),
    mode: oneOf('at_period_end', 'immediately'),
    proration_behavior: prorationBehavior,
  }),
  subscription_pause: group({
    duration: group({ type: required(oneOf('indefinite')) }),
    enabled: boolean(),
  }),
  subscription_update: group({
    billing_cycle_anchor: oneOf('now', 'unchanged'),
    default_allowed_updates: emptyable(oneOf('price', 'promotion_code', 'quantity')),
    enabled: boolean(),
    products: emptyable(product),
    proration_behavior: prorationBehavior,
    schedule_at_period_end: group({
      conditions: emptyable(
        group({ type: required(oneOf('decreasing_item_amount', 'shortening_interval')) }),
      ),
    }),
    trial_update_behavior: oneOf('continue_trial', 'end_trial'),
  }),
};
type Sent = Params<typeof featureFields>;

/** What a configuration lets a customer do if nothing is said. */
export const NOTHING_ALLOWED: Features = {
  customer_update: { allowed_updates: [], enabled: false },
  invoice_history: { enabled: false },
  payment_method_update: { enabled: false, payment_method_configuration: null },
  subscription_cancel: {
    cancellation_reason: {
      enabled: false,
      feedback_options: null,
      options: ['too_expensive', 'missing_features', 'switched_service', 'unused', 'other'],
    },
    enabled: false,
    mode: 'at_period_end',
    proration_behavior: 'none',
  },
  subscription_pause: { duration: { interval_options: [], type: 'indefinite' }, enabled: false },
  subscription_update: {
    billing_cycle_anchor: null,
    default_allowed_updates: [],
    enabled: false,
    products: [],
    proration_behavior: 'none',
    schedule_at_period_end: { conditions: [] },
    trial_update_behavior: 'end_trial',
  },
};

/** The features as they were, changed by what was sent. */
export function changeFeatures(world: World, before: Features, sent: Sent): Features {
  const { cancellation_reason: reasons, ...cancel } = sent.subscription_cancel ?? {};
  const { products, schedule_at_period_end: schedule, ...update } = sent.subscription_update ?? {};
  const after: Features = {
    customer_update: { ...before.customer_update, ...definedOf(sent.customer_update ?? {}) },
    invoice_history: { ...before.invoice_history, ...definedOf(sent.invoice_history ?? {}) },
    payment_method_update: {
      ...before.payment_method_update,
      ...definedOf(sent.payment_method_update ?? {}),
    },
    subscription_cancel: {
      ...before.subscription_cancel,
      ...definedOf(cancel),
      cancellation_reason: {
        ...before.subscription_cancel.cancellation_reason,
        ...definedOf(reasons ?? {}),
      },
    },
    subscription_pause: {
      ...before.subscription_pause,
      ...definedOf({ enabled: sent.subscription_pause?.enabled }),
    },
    subscription_update: {
      ...before.subscription_update,
      ...definedOf(update),
      ...(schedule?.conditions === undefined
        ? {}
        : { schedule_at_period_end: { conditions: schedule.conditions } }),
      ...(products === undefined ? {} : { products: products.map((sold) => productOf(world, sold)) }),
    },
  };
  requireWhole(after);
  return after;
}

type Offered = Stripe.BillingPortal.Configuration.Features.SubscriptionUpdate.Product;

/** A product that can be switched to: each of its prices is paid again and again, in an interval of its own. */
function productOf(world: World, sent: Exclude<ReturnType<typeof product>, undefined>): Offered {
  const param = 'features[subscription_update][products]';
  const intervals = sent.prices.map((id) => {
    const price = findPrice(world, id, param);
    if (price.product !== findProduct(world, sent.product).id) {
      throw invalid(`The price ${id} does not belong to the product ${sent.product}.`, { param });
    }
    if (!price.active || price.recurring === null) {
      throw invalid(`The price ${id} must be active and recurring.`, { param });
    }
    return `${price.recurring.interval_count} ${price.recurring.interval}`;
  });
  if (new Set(intervals).size < intervals.length) {
    throw invalid(`The prices of the product ${sent.product} must have different billing intervals.`, {
      param,
    });
  }
  const { enabled = false, maximum = null, minimum = 1 } = sent.adjustable_quantity ?? {};
  return { adjustable_quantity: { enabled, maximum, minimum }, prices: sent.prices, product: sent.product };
}

function requireWhole({ customer_update: customer, subscription_update: update }: Features): void {
  const missing = (param: string) =>
    invalid(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
  if (customer.enabled && customer.allowed_updates.length === 0) {
    throw missing('features[customer_update][allowed_updates]');
  }
  const products = update.products ?? [];
  if (update.enabled && products.length === 0) throw missing('features[subscription_update][products]');
  if (update.enabled && update.default_allowed_updates.length === 0) {
    throw missing('features[subscription_update][default_allowed_updates]');
  }
  if (products.length > PRODUCTS_MAX) {
    throw invalid(`A configuration can have at most ${PRODUCTS_MAX} products.`, {
      param: 'features[subscription_update][products]',
    });
  }
}
