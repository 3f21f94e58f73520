import type Stripe from 'stripe';
import { definedOf, type Params, required, text } from '../api/params.ts';
import type { World } from '../world.ts';
import { changeFields } from './changes.ts';
import { paymentBehavior } from './fields.ts';
import { findItem, itemChange } from './items.ts';
import { findSubscription } from './state.ts';
import { updateSubscription } from './updates.ts';

const { deleted: _, id: __, ...itemParams } = itemChange;
const settling = {
  payment_behavior: paymentBehavior,
  proration_behavior: changeFields.proration_behavior,
  proration_date: changeFields.proration_date,
};

export const itemChanges = { ...itemParams, ...settling };
export const newItemFields = { ...itemChanges, subscription: required(text()) };
export const itemRemoval = settling;

/** Each is the same as a change of the subscription that names one item. */
export function updateItem(
  world: World,
  params: Params<typeof itemChanges>,
  id: string,
): Stripe.SubscriptionItem {
  change(world, findItem(world, id).subscription.id, { id }, params);
  return findItem(world, id).item;
}

export function createItem(world: World, params: Params<typeof newItemFields>): Stripe.SubscriptionItem {
  const { subscription, ...rest } = params;
  const before = findSubscription(world, subscription, 'subscription').items.data.map(({ id }) => id);
  change(world, subscription, {}, rest);
  const { items } = findSubscription(world, subscription);
  return items.data.find(({ id }) => !before.includes(id))!;
}

export function deleteItem(
  world: World,
  params: Params<typeof itemRemoval>,
  id: string,
): Stripe.DeletedSubscriptionItem {
  change(world, findItem(world, id).subscription.id, { deleted: true, id }, params);
  return { id, object: 'subscription_item', deleted: true };
}

function change(
  world: World,
  subscription: string,
  which: { id?: string; deleted?: boolean },
  params: Params<typeof itemChanges>,
): void {
  const { payment_behavior, proration_behavior, proration_date, ...item } = params;
  const how = definedOf({ payment_behavior, proration_behavior, proration_date });
  updateSubscription(world, { ...how, items: [{ ...definedOf(item), ...which }] }, subscription);
}
