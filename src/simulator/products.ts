import type Stripe from 'stripe';
import { invalid, noSuch } from './api/errors.ts';
import { listing, paginate } from './api/lists.ts';
import { changeMetadata, metadata } from './api/metadata.ts';
import {
  boolean,
  clearable,
  created,
  definedOf,
  listOf,
  type Params,
  required,
  text,
  webAddress,
} from './api/params.ts';
import { emit, previousOf } from './events.ts';
import { makeId } from './ids.ts';
import { nowSeconds, type World } from './world.ts';

const fields = {
  active: boolean(),
  description: clearable(text()),
  metadata: metadata(),
  unit_label: clearable(text(12)),
  url: clearable(webAddress()),
};
export const productFields = { ...fields, id: text(), name: required(text()) };
export const productChanges = { ...fields, default_price: clearable(text()), name: text() };

export function createProduct(world: World, params: Params<typeof productFields>): Stripe.Product {
  const { id = makeId('product'), active = true, name } = params;
  if (world.store.get('product', id) !== undefined) {
    throw invalid('Product already exists.', { code: 'resource_already_exists', param: 'id' });
  }
  const now = nowSeconds(world);
  const product: Stripe.Product = {
    id,
    object: 'product',
    active,
    created: now,
    default_price: null,
    description: params.description ?? null,
    images: [],
    livemode: false,
    marketing_features: [],
    metadata: changeMetadata({}, params.metadata),
    name,
    package_dimensions: null,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    tax_details: null,
    type: 'service',
    unit_label: params.unit_label ?? null,
    updated: now,
    url: params.url ?? null,
  };
  world.store.put('product', product);
  emit(world, { type: 'product.created', data: { object: product } });
  return product;
}

export function updateProduct(
  world: World,
  params: Params<typeof productChanges>,
  id: string,
): Stripe.Product {
  const before = findProduct(world, id);
  const { default_price: price, metadata: sent, ...rest } = params;
  if (typeof price === 'string' && world.store.get('price', price)?.product !== id) {
    throw noSuch('price', price, 'default_price');
  }
  const after: Stripe.Product = {
    ...before,
    ...definedOf({ ...rest, default_price: price }),
    metadata: changeMetadata(before.metadata, sent),
    updated: nowSeconds(world),
  };
  world.store.put('product', after);
  emit(world, {
    type: 'product.updated',
    data: { object: after, previous_attributes: previousOf(before, after) },
  });
  return after;
}

export function retrieveProduct(world: World, _params: unknown, id: string): Stripe.Product {
  return findProduct(world, id);
}

export function deleteProduct(world: World, _params: unknown, id: string): Stripe.DeletedProduct {
  const product = findProduct(world, id);
  for (const price of world.store.all('price')) {
    if (price.product === id) {
      throw invalid('This product cannot be deleted because it has one or more user-created prices.');
    }
  }
  world.store.drop('product', id);
  emit(world, { type: 'product.deleted', data: { object: product } });
  return { id, object: 'product', deleted: true };
}

export const productListing = {
  ...listing,
  active: boolean(),
  created: created(),
  ids: listOf(text()),
};

export function listProducts(
  world: World,
  params: Params<typeof productListing>,
): Stripe.ApiList<Stripe.Product> {
  if (params.ids !== undefined && (params.starting_after ?? params.ending_before) !== undefined) {
    throw invalid('You cannot use `ids` together with `starting_after` or `ending_before`.', {
      param: 'ids',
    });
  }
  return paginate(world.store.all('product'), '/v1/products', params, 'product', (product) => {
    if (params.active !== undefined && product.active !== params.active) return false;
    if (params.created !== undefined && !params.created(product.created)) return false;
    return params.ids === undefined || params.ids.includes(product.id);
  });
}

export function findProduct(world: World, id: string, param = 'id'): Stripe.Product {
  const product = world.store.get('product', id);
  if (product === undefined) throw noSuch('product', id, param);
  return product;
}
