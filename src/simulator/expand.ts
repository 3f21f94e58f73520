import { invalid } from './api/errors.ts';
import { BILLING_EXPANDABLE } from './billing/expandable.ts';
import { confirmationSecret, embeddedPayments } from './billing/invoicePayments.ts';
import { listLineItems } from './checkout/checkout.ts';
import type { Name } from './store.ts';
import type { World } from './world.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

/** Which ids an answer can carry as whole objects, by `object`. Null: Stripe's field, but always null here. */
const EXPANDABLE: Record<string, Record<string, Name | null>> = {
  'checkout.session': {
    customer: 'customer',
    invoice: 'invoice',
    payment_intent: 'intent',
    setup_intent: 'setup',
    subscription: 'subscription',
  },
  ...BILLING_EXPANDABLE,
  'billing_portal.configuration.features.subscription_update': { products: null },
  'billing_portal.session': { configuration: 'portalConfiguration' },
  customer: { default_source: 'paymentMethod' },
  'customer.invoice_settings': { default_payment_method: 'paymentMethod' },
  payment_intent: {
    customer: 'customer',
    latest_charge: 'charge',
    payment_method: 'paymentMethod',
    review: null,
  },
  charge: { balance_transaction: null, customer: 'customer', payment_intent: 'intent', review: null },
  refund: {
    balance_transaction: null,
    charge: 'charge',
    customer: 'customer',
    payment_intent: 'intent',
    payment_method: 'paymentMethod',
  },
  dispute: { charge: 'charge', payment_intent: 'intent' },
  payment_method: { customer: 'customer' },
  setup_intent: { customer: 'customer', payment_method: 'paymentMethod' },
  price: { product: 'product' },
  product: { default_price: 'price' },
};

/** What an answer has only if it is asked for, by `object` and name. */
const INCLUDABLE: Record<string, (world: World, id: string) => unknown> = {
  'checkout.session.line_items': (world, id) => listLineItems(world, {}, id),
  'invoice.confirmation_secret': confirmationSecret,
  'invoice.payments': embeddedPayments,
};

const DEPTH_MAX = 4; // Stripe's

/** The answer as JSON, with what `expand[]` asked for in place of its id. */
export function toJson(world: World, answer: object, paths: string[]): string {
  if (paths.length === 0) return JSON.stringify(answer, null, 2);
  const json: Json = JSON.parse(JSON.stringify(answer));
  for (const path of paths) {
    const names = path.split('.');
    if (names.length > DEPTH_MAX + 1)
      throw invalid(`Expansions can be at most ${DEPTH_MAX} levels deep.`, { param: 'expand' });
    expand(world, json, names, path);
  }
  return JSON.stringify(json, null, 2);
}

/** `within` is what `node` is, where it does not say so itself: a part of an object, such as `customer.invoice_settings`. */
function expand(world: World, node: Json, [name, ...rest]: string[], path: string, within = ''): void {
  if (name === undefined || node === null) return;
  if (Array.isArray(node)) {
    for (const item of node) expand(world, item, [name, ...rest], path, within);
    return;
  }
  if (typeof node !== 'object') throw cannotExpand(path);
  if (node.object === 'list') {
    if (name !== 'data' || !Array.isArray(node.data)) throw cannotExpand(path);
    for (const item of node.data) expand(world, item, rest, path);
    return;
  }
  const kind = typeof node.object === 'string' ? node.object : within;
  expandField(world, node, kind, name, path, rest.length === 0);
  expand(world, node[name] ?? null, rest, path, `${kind}.${name}`);
}

function expandField(
  world: World,
  node: JsonObject,
  kind: string,
  name: string,
  path: string,
  isLast: boolean,
): void {
  const included = Object.hasOwn(INCLUDABLE, `${kind}.${name}`) ? INCLUDABLE[`${kind}.${name}`] : undefined;
  if (included !== undefined) {
    node[name] ??= JSON.parse(JSON.stringify(included(world, String(node.id))));
    return;
  }
  const value = node[name];
  const fields = Object.hasOwn(EXPANDABLE, kind) ? EXPANDABLE[kind] : undefined;
  const table = fields !== undefined && Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (table === undefined) {
    // What is whole already, such as a line item's price, can be passed through but not asked for.
    if (isLast || typeof value !== 'object') throw cannotExpand(path);
    return;
  }
  if (table === null) return;
  const whole = (id: Json): Json => {
    const row = typeof id === 'string' ? world.store.get(table, id) : undefined;
    return row === undefined ? id : JSON.parse(JSON.stringify(row));
  };
  if (Array.isArray(value)) node[name] = value.map(whole);
  else if (value !== undefined) node[name] = whole(value);
}

function cannotExpand(path: string) {
  return invalid(
    `This property cannot be expanded (${path}). You may want to try expanding something else.`,
    { param: 'expand' },
  );
}
