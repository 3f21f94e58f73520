import Stripe from 'stripe';
import { isSupportedCurrency } from '../lib/currencies.ts';
import { invalid, noSuch } from './api/errors.ts';
import { listing, paginate } from './api/lists.ts';
import { changeMetadata, metadata } from './api/metadata.ts';
import {
  boolean,
  clearable,
  created,
  definedOf,
  type Field,
  group,
  integer,
  listOf,
  oneOf,
  type Params,
  required,
  text,
} from './api/params.ts';
import { emit, previousOf } from './events.ts';
import { makeId } from './ids.ts';
import { createProduct, findProduct } from './products.ts';
import { nowSeconds, type World } from './world.ts';

const UNIT_AMOUNT_MAX = 999_999_999_999; // Stripe's

const productData = group({
  description: text(),
  metadata: metadata(),
  name: required(text()),
  unit_label: text(12),
});

/** What a price and a session's inline `price_data` have in common. */
const money = {
  currency: required(currency()),
  product: text(),
  product_data: productData,
  tax_behavior: oneOf('exclusive', 'inclusive', 'unspecified'),
  unit_amount: required(integer({ max: UNIT_AMOUNT_MAX })),
};
const recurrence = {
  interval: required(oneOf('day', 'week', 'month', 'year')),
  interval_count: integer({ min: 1 }),
};
/** The `price_data` of an order; of what is paid again and again, if it says how often. */
export const inlinePrice = { ...money, recurring: group(recurrence) };
export const inlineRecurringPrice = { ...money, recurring: required(group(recurrence)) };

export const priceFields = {
  ...money,
  active: boolean(),
  lookup_key: text(200),
  metadata: metadata(),
  nickname: text(),
  recurring: group({ ...recurrence, usage_type: oneOf('licensed') }),
  transfer_lookup_key: boolean(),
};

export function createPrice(world: World, params: Params<typeof priceFields>): Stripe.Price {
  const price = makePrice(world, params, {
    active: params.active ?? true,
    lookup_key: params.lookup_key ?? null,
    metadata: changeMetadata({}, params.metadata),
    nickname: params.nickname ?? null,
    recurring: params.recurring ?? null,
  });
  takeLookupKey(world, price, params.transfer_lookup_key ?? false);
  return keepPrice(world, price);
}

/** The price of an inline `price_data`: good for one order, so it cannot be chosen again. */
export function createInlinePrice(world: World, params: Params<typeof inlinePrice>): Stripe.Price {
  return keepPrice(
    world,
    makePrice(world, params, {
      active: false,
      lookup_key: null,
      metadata: {},
      nickname: null,
      recurring: params.recurring ?? null,
    }),
  );
}

function keepPrice(world: World, price: Stripe.Price): Stripe.Price {
  world.store.put('price', price);
  emit(world, { type: 'price.created', data: { object: price } });
  return price;
}

type Naming = Pick<Stripe.Price, 'active' | 'lookup_key' | 'metadata' | 'nickname'> & {
  recurring: Params<typeof priceFields>['recurring'] | null;
};

function makePrice(
  world: World,
  params: Params<typeof money>,
  { recurring, ...naming }: Naming,
): Stripe.Price {
  return {
    id: makeId('price'),
    object: 'price',
    billing_scheme: 'per_unit',
    created: nowSeconds(world),
    currency: params.currency,
    custom_unit_amount: null,
    livemode: false,
    product: productOf(world, params),
    recurring:
      recurring === null || recurring === undefined
        ? null
        : {
            interval: recurring.interval,
            interval_count: recurring.interval_count ?? 1,
            meter: null,
            trial_period_days: null,
            usage_type: 'licensed',
          },
    tax_behavior: params.tax_behavior ?? 'unspecified',
    tiers_mode: null,
    transform_quantity: null,
    type: recurring === null || recurring === undefined ? 'one_time' : 'recurring',
    unit_amount: params.unit_amount,
    unit_amount_decimal: Stripe.Decimal.from(params.unit_amount),
    ...naming,
  };
}

function productOf(world: World, { product, product_data: data }: Params<typeof money>): string {
  if ((product === undefined) === (data === undefined)) {
    throw invalid('You must specify either `product` or `product_data` when creating a price.', {
      ...(product === undefined ? { code: 'parameter_missing' } : {}),
      param: 'product',
    });
  }
  if (product !== undefined) return findProduct(world, product, 'product').id;
  return createProduct(world, data!).id;
}

/** A lookup key names one active price at most; it moves only when that is asked for. */
function takeLookupKey(world: World, price: Stripe.Price, transfer: boolean): void {
  if (price.lookup_key === null) return;
  for (const other of world.store.all('price')) {
    if (other.id === price.id || other.lookup_key !== price.lookup_key) continue;
    if (!transfer) {
      throw invalid(`A price (\`${other.id}\`) already uses that lookup key.`, { param: 'lookup_key' });
    }
    changePrice(world, other, { ...other, lookup_key: null });
  }
}

export const priceChanges = {
  active: boolean(),
  lookup_key: clearable(text(200)),
  metadata: metadata(),
  nickname: clearable(text()),
  transfer_lookup_key: boolean(),
};

export function updatePrice(world: World, params: Params<typeof priceChanges>, id: string): Stripe.Price {
  const before = findPrice(world, id);
  const { metadata: sent, transfer_lookup_key: transfer = false, ...rest } = params;
  const after: Stripe.Price = {
    ...before,
    ...definedOf(rest),
    metadata: changeMetadata(before.metadata, sent),
  };
  if (before.active && !after.active) refuseDefault(world, after);
  takeLookupKey(world, after, transfer);
  return changePrice(world, before, after);
}

function refuseDefault(world: World, { id, product }: Stripe.Price): void {
  if (world.store.get('product', String(product))?.default_price !== id) return;
  throw invalid('This price cannot be archived because it is the default price of its product.');
}

function changePrice(world: World, before: Stripe.Price, after: Stripe.Price): Stripe.Price {
  world.store.put('price', after);
  emit(world, {
    type: 'price.updated',
    data: { object: after, previous_attributes: previousOf(before, after) },
  });
  return after;
}

export function retrievePrice(world: World, _params: unknown, id: string): Stripe.Price {
  return findPrice(world, id);
}

export const priceListing = {
  ...listing,
  active: boolean(),
  created: created(),
  currency: currency(),
  lookup_keys: listOf(text(200), 10),
  product: text(),
  recurring: group({
    interval: oneOf('day', 'week', 'month', 'year'),
    meter: text(),
    usage_type: oneOf('licensed', 'metered'),
  }),
  type: oneOf('one_time', 'recurring'),
};

export function listPrices(world: World, params: Params<typeof priceListing>): Stripe.ApiList<Stripe.Price> {
  const { active, created: within, currency: wanted, lookup_keys: keys, product, recurring, type } = params;
  return paginate(world.store.all('price'), '/v1/prices', params, 'price', (price) => {
    if (active !== undefined && price.active !== active) return false;
    if (within !== undefined && !within(price.created)) return false;
    if (wanted !== undefined && price.currency !== wanted) return false;
    if (keys !== undefined && (price.lookup_key === null || !keys.includes(price.lookup_key))) return false;
    if (recurring !== undefined && !recursAs(price, recurring)) return false;
    return (
      (product === undefined || price.product === product) && (type === undefined || price.type === type)
    );
  });
}

function recursAs(
  { recurring }: Stripe.Price,
  { interval, meter, usage_type: usage }: NonNullable<Params<typeof priceListing>['recurring']>,
): boolean {
  return (
    recurring !== null &&
    (interval === undefined || recurring.interval === interval) &&
    (meter === undefined || recurring.meter === meter) &&
    (usage === undefined || recurring.usage_type === usage)
  );
}

export function findPrice(world: World, id: string, param = 'id'): Stripe.Price {
  const price = world.store.get('price', id);
  if (price === undefined) throw noSuch('price', id, param);
  return price;
}

/** A currency code, in either case; answers carry it in lower case. */
export function currency(): Field<string | undefined> {
  const read = text();
  return (value, param) => {
    const code = read(value, param)?.toLowerCase();
    if (code !== undefined && !isSupportedCurrency(code)) {
      throw invalid(
        `Invalid currency: ${code}. Stripe currently supports these currencies: see https://docs.stripe.com/currencies`,
        { param },
      );
    }
    return code;
  };
}
