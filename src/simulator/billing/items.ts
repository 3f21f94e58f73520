import type Stripe from 'stripe';
import { invalid, noSuch } from '../api/errors.ts';
import { listing, page } from '../api/lists.ts';
import { changeMetadata, metadata } from '../api/metadata.ts';
import { boolean, group, integer, type Params, required, text } from '../api/params.ts';
import { makeId } from '../ids.ts';
import { createInlinePrice, findPrice, inlineRecurringPrice } from '../prices.ts';
import { nowSeconds, type World } from '../world.ts';
import { nextRenewal, type Period, type Recurrence } from './periods.ts';

const ITEMS_MAX = 20; // Stripe's, of one subscription

const priced = {
  metadata: metadata(),
  price: text(),
  price_data: group(inlineRecurringPrice),
  quantity: integer({ max: 999_999 }),
};
export const newItem = priced;
/** One with an id changes that item, one without is added. */
export const itemChange = { ...priced, deleted: boolean(), id: text() };

/** What a subscription is to have, once its price is known. */
export type Wanted = { price: Stripe.Price; quantity: number; metadata: Record<string, string> };

/** What a request asks for, priced. */
export function wantedItems(world: World, sent: Params<typeof newItem>[]): Wanted[] {
  return sent.map((item, index) => wantedItem(world, item, `items[${index}]`));
}

/** The items of a new subscription; their first period is told later. */
export function makeItems(world: World, subscription: string, wanted: Wanted[]): Stripe.SubscriptionItem[] {
  return requireItems(wanted.map((item) => makeItem(world, subscription, item)));
}

/** The items of a subscription, with what was sent about them. */
export function changeItems(
  world: World,
  subscription: Stripe.Subscription,
  sent: Params<typeof itemChange>[],
): Stripe.SubscriptionItem[] {
  let items = subscription.items.data;
  for (const [index, change] of sent.entries()) {
    const param = `items[${index}]`;
    if (change.id === undefined) {
      const added = makeItem(world, subscription.id, wantedItem(world, change, param));
      items = [...items, withPeriod(added, ownPeriod(items[0], added, subscription, nowSeconds(world)))];
      continue;
    }
    const before = items.find(({ id }) => id === change.id);
    if (before === undefined) throw noSuch('subscription item', change.id, `${param}[id]`);
    items = items.flatMap((item) => {
      if (item !== before) return [item];
      return change.deleted === true ? [] : [changeItem(world, before, change, param)];
    });
  }
  return requireItems(items);
}

/** An item that comes later shares the period of the others, if it is due as often. */
function ownPeriod(
  other: Stripe.SubscriptionItem | undefined,
  item: Stripe.SubscriptionItem,
  subscription: Stripe.Subscription,
  now: number,
): Period {
  if (other !== undefined && isDueAsOften(other, item)) {
    return { start: other.current_period_start, end: other.current_period_end };
  }
  return { start: now, end: nextRenewal(subscription.billing_cycle_anchor, recurrenceOf(item), now) };
}

function changeItem(
  world: World,
  before: Stripe.SubscriptionItem,
  change: Params<typeof itemChange>,
  param: string,
): Stripe.SubscriptionItem {
  const isPriced = change.price !== undefined || change.price_data !== undefined;
  const price = isPriced ? priceOf(world, change, param) : before.price;
  return {
    ...before,
    metadata: changeMetadata(before.metadata, change.metadata),
    plan: planOf(price),
    price,
    quantity: change.quantity ?? before.quantity ?? 1,
  };
}

function wantedItem(world: World, sent: Params<typeof newItem>, param: string): Wanted {
  return {
    price: priceOf(world, sent, param),
    quantity: sent.quantity ?? 1,
    metadata: changeMetadata({}, sent.metadata),
  };
}

function makeItem(
  world: World,
  subscription: string,
  { price, quantity, metadata }: Wanted,
): Stripe.SubscriptionItem {
  return {
    id: makeId('subscriptionItem'),
    object: 'subscription_item',
    billing_thresholds: null,
    created: nowSeconds(world),
    current_period_end: 0,
    current_period_start: 0,
    current_trial: null,
    discounts: [],
    metadata,
    plan: planOf(price),
    price,
    quantity,
    subscription,
    tax_rates: [],
  };
}

function priceOf(world: World, { price: id, price_data: data }: Params<typeof newItem>, param: string) {
  if ((id === undefined) === (data === undefined)) {
    throw invalid('You must specify either `price` or `price_data` for each item.', {
      code: 'parameter_missing',
      param,
    });
  }
  const price = id === undefined ? createInlinePrice(world, data!) : findPrice(world, id, `${param}[price]`);
  if (price.recurring === null) {
    throw invalid(
      `The price specified is set to \`type=one_time\` but this field only accepts prices with \`type=recurring\`.`,
      { param: `${param}[price]` },
    );
  }
  if (id !== undefined && !price.active) {
    throw invalid('The price specified is inactive. This field only accepts active prices.', {
      param: `${param}[price]`,
    });
  }
  return price;
}

function requireItems(items: Stripe.SubscriptionItem[]): Stripe.SubscriptionItem[] {
  if (items.length === 0) throw invalid('A subscription must have at least one item.', { param: 'items' });
  if (items.length > ITEMS_MAX) {
    throw invalid(`A subscription can have at most ${ITEMS_MAX} items.`, { param: 'items' });
  }
  if (new Set(items.map(({ price }) => price.currency)).size > 1) {
    throw invalid('All prices on a subscription must have the same currency.', { param: 'items' });
  }
  if (new Set(items.map(({ price }) => price.id)).size < items.length) {
    throw invalid('A subscription cannot have two items with the same price.', { param: 'items' });
  }
  return items;
}

export function withPeriod(item: Stripe.SubscriptionItem, { start, end }: Period): Stripe.SubscriptionItem {
  return { ...item, current_period_start: start, current_period_end: end };
}

export function recurrenceOf({ price }: Pick<Stripe.SubscriptionItem, 'price'>): Recurrence {
  if (price.recurring === null) throw new Error(`${price.id} is not recurring`);
  return price.recurring;
}

export function isDueAsOften(one: Stripe.SubscriptionItem, other: Stripe.SubscriptionItem): boolean {
  const [a, b] = [recurrenceOf(one), recurrenceOf(other)];
  return a.interval === b.interval && a.interval_count === b.interval_count;
}

/** What prices were called before they were prices; items still carry it. */
export function planOf(price: Stripe.Price): Stripe.Plan {
  const { interval, interval_count } = recurrenceOf({ price });
  return {
    id: price.id,
    object: 'plan',
    active: price.active,
    amount: price.unit_amount,
    amount_decimal: price.unit_amount_decimal,
    billing_scheme: 'per_unit',
    created: price.created,
    currency: price.currency,
    interval,
    interval_count,
    livemode: false,
    metadata: price.metadata,
    meter: null,
    nickname: price.nickname,
    product: price.product,
    tiers_mode: null,
    transform_usage: null,
    trial_period_days: null,
    usage_type: 'licensed',
  };
}

export const itemListing = { ...listing, subscription: required(text()) };

export function listItems(
  world: World,
  params: Params<typeof itemListing>,
): Stripe.ApiList<Stripe.SubscriptionItem> {
  const subscription = world.store.get('subscription', params.subscription);
  if (subscription === undefined) throw noSuch('subscription', params.subscription, 'subscription');
  return page(subscription.items.data, '/v1/subscription_items', params, 'subscription item');
}

export function retrieveItem(world: World, _params: unknown, id: string): Stripe.SubscriptionItem {
  return findItem(world, id).item;
}

/** An item and the subscription that it is in. */
export function findItem(
  world: World,
  id: string,
): { item: Stripe.SubscriptionItem; subscription: Stripe.Subscription } {
  for (const subscription of world.store.all('subscription')) {
    const item = subscription.items.data.find((candidate) => candidate.id === id);
    if (item !== undefined) return { item, subscription };
  }
  throw noSuch('subscription item', id);
}
