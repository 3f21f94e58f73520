import type Stripe from 'stripe';
import { cardError, invalid } from '../api/errors.ts';
import { listing, page, paginate } from '../api/lists.ts';
import { changeMetadata, metadata } from '../api/metadata.ts';
import { boolean, clearable, created, definedOf, oneOf, type Params, required, text } from '../api/params.ts';
import { emit } from '../events.ts';
import { liveCustomer } from '../livingCustomers.ts';
import { takeMethod } from '../payments/wallet.ts';
import { currency } from '../prices.ts';
import { nowSeconds, type World } from '../world.ts';
import { waitingItems } from './invoiceItems.ts';
import {
  changeInvoice,
  composeInvoice,
  finalizeInvoice,
  findInvoice,
  giveUpInvoice,
  keepDraft,
  requireStatus,
  subscriptionIdOf,
  voidInvoice,
} from './invoices.ts';
import { lineOfItem } from './lines.ts';
import { markPaid, methodFor, NO_METHOD, payInvoice } from './paying.ts';
import { HOUR_SECONDS } from './periods.ts';
import { afterDropped } from './standing.ts';
import { findSubscription } from './state.ts';

export const invoiceFields = {
  auto_advance: boolean(),
  collection_method: oneOf('charge_automatically'),
  currency: currency(),
  customer: required(text()),
  default_payment_method: text(),
  description: text(1500),
  metadata: metadata(),
  pending_invoice_items_behavior: oneOf('exclude', 'include'),
  subscription: text(),
};

/** An invoice by hand, of what waits for one where that is asked for. */
export function createInvoice(world: World, params: Params<typeof invoiceFields>): Stripe.Invoice {
  const customer = liveCustomer(world, params.customer, 'customer');
  const subscription =
    params.subscription === undefined ? null : findSubscription(world, params.subscription, 'subscription');
  const takesWaiting = params.pending_invoice_items_behavior === 'include' || subscription !== null;
  const waiting = takesWaiting ? waitingItems(world, customer.id, subscription?.id ?? null) : [];
  const now = nowSeconds(world);
  const draft = composeInvoice(world, {
    customer: customer.id,
    currency: params.currency ?? waiting[0]?.currency ?? subscription?.currency ?? 'usd',
    reason: 'manual',
    subscription,
    lines: waiting.map(lineOfItem),
    period: { start: now, end: now },
    finalizesAt: params.auto_advance === true ? now + HOUR_SECONDS : null,
    description: params.description ?? null,
    defaultPaymentMethod: params.default_payment_method ?? null,
    metadata: changeMetadata({}, params.metadata),
  });
  return keepDraft(world, draft, waiting);
}

export const invoiceChanges = {
  auto_advance: boolean(),
  default_payment_method: text(),
  description: clearable(text(1500)),
  metadata: metadata(),
};

export function updateInvoice(
  world: World,
  params: Params<typeof invoiceChanges>,
  id: string,
): Stripe.Invoice {
  const before = findInvoice(world, id);
  const { auto_advance: advances, metadata: sent, ...rest } = params;
  if (Object.keys(definedOf(rest)).length > 0) requireStatus(before, ['draft'], 'edit');
  const finalizesAt = advances === false ? null : nowSeconds(world) + HOUR_SECONDS;
  return changeInvoice(world, before, {
    ...definedOf({ ...rest, auto_advance: advances }),
    ...(advances === undefined || before.status !== 'draft'
      ? {}
      : { automatically_finalizes_at: finalizesAt, next_payment_attempt: finalizesAt }),
    metadata: changeMetadata(before.metadata ?? {}, sent),
  });
}

export const finalizeFields = { auto_advance: boolean() };

export function finalizeByHand(
  world: World,
  params: Params<typeof finalizeFields>,
  id: string,
): Stripe.Invoice {
  const draft = findInvoice(world, id);
  requireStatus(draft, ['draft'], 'finalize');
  const open = finalizeInvoice(world, draft);
  if (open.amount_due === 0) return payInvoice(world, open).invoice;
  const advances = params.auto_advance ?? open.auto_advance ?? false;
  return changeInvoice(world, open, {
    auto_advance: advances,
    next_payment_attempt: advances ? nowSeconds(world) + HOUR_SECONDS : null,
  });
}

export const payFields = { off_session: boolean(), paid_out_of_band: boolean(), payment_method: text() };

/** Collects an invoice now, with the method that is named; or notes that it was paid elsewhere. */
export function payByHand(world: World, params: Params<typeof payFields>, id: string): Stripe.Invoice {
  const found = findInvoice(world, id);
  requireStatus(found, ['draft', 'open', 'uncollectible'], 'pay');
  const open = found.status === 'draft' ? finalizeInvoice(world, found) : found;
  if (params.paid_out_of_band === true) {
    return markPaid(world, open, { amount_paid_off_stripe: open.amount_due });
  }
  const named = params.payment_method;
  const method = named === undefined ? null : takeMethod(world, named, 'payment_method').id;
  if (open.amount_remaining > 0 && methodFor(world, open, method) === null) throw invalid(NO_METHOD.message);
  const presence = params.off_session === false ? 'on_session' : 'off_session';
  const { decline, intent } = payInvoice(world, open, { method, presence });
  if (decline !== null) throw cardError(decline, intent === null ? {} : { payment_intent: intent });
  return findInvoice(world, id);
}

export function voidByHand(world: World, _params: unknown, id: string): Stripe.Invoice {
  const voided = voidInvoice(world, findInvoice(world, id));
  afterDropped(world, voided);
  return findInvoice(world, id);
}

export function giveUpByHand(world: World, _params: unknown, id: string): Stripe.Invoice {
  const given = giveUpInvoice(world, findInvoice(world, id));
  afterDropped(world, given);
  return findInvoice(world, id);
}

/** Only a draft that was made by hand was never anything. */
export function deleteInvoice(world: World, _params: unknown, id: string): Stripe.DeletedInvoice {
  const draft = findInvoice(world, id);
  requireStatus(draft, ['draft'], 'delete');
  if (subscriptionIdOf(draft) !== null) {
    throw invalid('You can only delete draft invoices that were not made by a subscription.');
  }
  world.store.drop('invoice', id);
  for (const item of [...world.store.all('invoiceItem')]) {
    if (item.invoice === id) world.store.drop('invoiceItem', item.id);
  }
  emit(world, { type: 'invoice.deleted', data: { object: draft } });
  return { id, object: 'invoice', deleted: true };
}

export function retrieveInvoice(world: World, _params: unknown, id: string): Stripe.Invoice {
  return findInvoice(world, id);
}

export function listInvoiceLines(
  world: World,
  params: Params<typeof listing>,
  id: string,
): Stripe.ApiList<Stripe.InvoiceLineItem> {
  return page(findInvoice(world, id).lines.data, `/v1/invoices/${id}/lines`, params, 'line item');
}

export const invoiceListing = {
  ...listing,
  collection_method: oneOf('charge_automatically', 'send_invoice'),
  created: created(),
  customer: text(),
  status: oneOf('draft', 'open', 'paid', 'uncollectible', 'void'),
  subscription: text(),
};

export function listInvoices(
  world: World,
  params: Params<typeof invoiceListing>,
): Stripe.ApiList<Stripe.Invoice> {
  const { created: within, customer, status, subscription } = params;
  return paginate(world.store.all('invoice'), '/v1/invoices', params, 'invoice', (invoice) => {
    if (within !== undefined && !within(invoice.created)) return false;
    if (params.collection_method === 'send_invoice') return false;
    if (customer !== undefined && invoice.customer !== customer) return false;
    if (status !== undefined && invoice.status !== status) return false;
    return subscription === undefined || subscriptionIdOf(invoice) === subscription;
  });
}
