import type Stripe from 'stripe';
import type { Change, Found, FoundPrice } from './types.ts';
import type { Wanted, WantedPrice, WantedProduct } from './wanted.ts';
import { describePrice, quote } from './words.ts';

/**
 * The calls that make Stripe say what the catalog says, in their order; none where nothing differs. Stripe's prices
 * keep their amount for ever: another amount is another price, which takes the lookup key, and the old one is archived.
 * What must wait for an id that Stripe has yet to give is in the next difference.
 */
export function difference(wanted: Wanted, found: Found): Change[] {
  return [
    ...wanted.products.flatMap((product) => productChanges(product, found)),
    ...wanted.prices.flatMap((price) => priceChanges(price, found)),
    ...goneChanges(wanted, found),
  ];
}

function productChanges({ id, name }: WantedProduct, found: Found): Change[] {
  const there = found.products.find((product) => product.id === id);
  if (there === undefined) {
    return [{ name: id, drift: 'is missing', call: { verb: 'create product', params: { id, name } } }];
  }
  const update = (drift: string, params: Stripe.ProductUpdateParams): Change => ({
    name: id,
    drift,
    call: { verb: 'change product', id, params },
  });
  return [
    ...(there.name === name
      ? []
      : [update(`is named ${quote(there.name)} in Stripe, ${quote(name)} in the catalog`, { name })]),
    ...(there.active ? [] : [update('is archived', { active: true })]),
  ];
}

function priceChanges(price: WantedPrice, found: Found): Change[] {
  const made = found.prices.filter(({ key }) => key === price.key);
  const current = made.find(({ lookupKey }) => lookupKey === price.key) ?? made.find(({ active }) => active);
  const same = made.filter((there) => isSame(there, price));
  const right = same.find((there) => there === current) ?? same.find(({ active }) => active) ?? same[0];
  const others = made.filter((there) => there.active && there !== right);
  const drift = driftOf(price, current);
  return [
    ...(right === undefined ? [creation(price, made, found, drift)] : naming(price, right, found, drift)),
    ...others.flatMap((other) =>
      // The one that was current is archived because of the one that takes its place.
      archiving(other, found, right, other === current ? null : `has an older price ${other.id} beside it`),
    ),
  ];
}

function driftOf(price: WantedPrice, current: FoundPrice | undefined): string | null {
  if (current === undefined) return 'is missing';
  if (!isSame(current, price)) {
    return `is ${describePrice(current)} in Stripe, ${describePrice(price)} in the catalog`;
  }
  if (!current.active) return 'is archived';
  return current.lookupKey === price.key ? null : `is not the lookup key of ${current.id} any more`;
}

function creation(price: WantedPrice, made: FoundPrice[], found: Found, drift: string | null): Change {
  const { key, product, currency, amount, every } = price;
  return {
    name: key,
    drift,
    call: {
      verb: 'create price',
      params: {
        product,
        currency,
        unit_amount: amount,
        ...(every === 'once' ? {} : { recurring: { interval: every } }),
        ...keyParams(key, found),
        metadata: { tollgate: key },
      },
      beside: made.map(({ id }) => id).sort(),
    },
  };
}

/** The right price is there: it gets the key, and is on sale again, where it is not so. */
function naming({ key }: WantedPrice, right: FoundPrice, found: Found, drift: string | null): Change[] {
  const params: Stripe.PriceUpdateParams = {
    ...(right.active ? {} : { active: true }),
    ...(right.lookupKey === key ? {} : keyParams(key, found)),
  };
  if (Object.keys(params).length === 0) return [];
  return [{ name: key, drift, call: { verb: 'change price', id: right.id, params } }];
}

/** A key that one of ours has is taken from it. From a price that others made nothing is taken: Stripe refuses. */
function keyParams(key: string, found: Found): { lookup_key: string; transfer_lookup_key?: true } {
  const isHeld = found.prices.some(({ lookupKey }) => lookupKey === key);
  return { lookup_key: key, ...(isHeld ? { transfer_lookup_key: true } : {}) };
}

/** Stripe archives no default price, so its successor is made the default first, or none is where nothing follows. */
function archiving(
  price: FoundPrice,
  found: Found,
  successor: FoundPrice | null | undefined,
  drift: string | null,
): Change[] {
  const { id, key, product } = price;
  const archive: Change = { name: key, drift, call: { verb: 'change price', id, params: { active: false } } };
  const isDefault = found.products.some(({ defaultPrice }) => defaultPrice === id);
  if (!isDefault) return [archive];
  if (successor === undefined) return []; // it is yet to be made
  const params = { default_price: successor === null ? '' : successor.id };
  return [{ name: product, drift: null, call: { verb: 'change product', id: product, params } }, archive];
}

/** Products first: while one of its prices is still on sale, a product is found again after a push was cut off. */
function goneChanges(wanted: Wanted, found: Found): Change[] {
  const ids = new Set(wanted.products.map(({ id }) => id));
  const keys = new Set(wanted.prices.map(({ key }) => key));
  const drift = 'is not in the catalog';
  return [
    ...found.products
      .filter(({ id, active }) => active && !ids.has(id))
      .map(({ id }): Change => {
        return { name: id, drift, call: { verb: 'change product', id, params: { active: false } } };
      }),
    ...found.prices
      .filter(({ key, active }) => active && !keys.has(key))
      .flatMap((price) => archiving(price, found, null, drift)),
  ];
}

function isSame(there: FoundPrice, { product, currency, amount, every }: WantedPrice): boolean {
  return (
    there.product === product &&
    there.currency === currency &&
    there.amount === amount &&
    there.every === every
  );
}
