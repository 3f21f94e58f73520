import type Stripe from 'stripe';
import type { Reading } from './change.ts';
import { readReversals } from './reversals.ts';
import { readSession } from './sessions.ts';
import { readDeletedCustomer } from './subscriptions/deletion.ts';
import { readInvoice } from './subscriptions/invoices.ts';
import { readSubscriptions } from './subscriptions/reading.ts';
import { readCard } from './topups/cards.ts';
import { MARK, readIntent } from './topups/intents.ts';

/** What follows from an event: which object is read again, and by what. Events of one object are closed together. */
export type Followed = {
  read: Reading;
  objectOf(object: Named): string | null;
  /** Why nothing follows for this object, of those that have such events; null where something does. */
  whyNot?(object: Named): string | null;
};

type Named = {
  id?: unknown;
  object?: unknown;
  payment_intent?: unknown;
  customer?: unknown;
  metadata?: Record<string, unknown> | null;
};

const session: Followed = { read: readSession, objectOf: ownId };

/** Refunds and disputes are read together, as what they are about: one payment. */
const reversals: Followed = {
  read: readReversals,
  objectOf: ({ payment_intent: intent }) => idIn(intent),
};

/** Subscriptions are read together, as what they are about: one customer. */
const subscriptions: Followed = { read: readSubscriptions, objectOf: ({ customer }) => idIn(customer) };

const invoice: Followed = { read: readInvoice, objectOf: ownId };

/** Payments of top-ups are read; those of pages and invoices are told by these. */
const topUp: Followed = {
  read: readIntent,
  objectOf: ownId,
  whyNot: ({ metadata }) =>
    metadata?.[MARK] === undefined ? 'It pays no auto top-up: what it pays says more.' : null,
};

/** Cards are read as what they are about: a customer that top-ups may wait for. */
const cards: Followed = {
  read: readCard,
  objectOf: (object) => (object.object === 'customer' ? ownId(object) : idIn(object.customer)),
};

const deletion: Followed = { read: readDeletedCustomer, objectOf: ownId };

/** The events that we act on. All others are stored and ignored. */
const EVENTS = new Map<string, Followed>([
  ['checkout.session.completed', session],
  ['checkout.session.async_payment_succeeded', session],
  ['checkout.session.async_payment_failed', session],
  ['checkout.session.expired', session],
  ['refund.created', reversals],
  ['refund.updated', reversals],
  ['refund.failed', reversals],
  ['charge.refunded', reversals],
  ['charge.refund.updated', reversals],
  ['charge.dispute.created', reversals],
  ['charge.dispute.updated', reversals],
  ['charge.dispute.closed', reversals],
  ['charge.dispute.funds_withdrawn', reversals],
  ['charge.dispute.funds_reinstated', reversals],
  ['customer.subscription.created', subscriptions],
  ['customer.subscription.updated', subscriptions],
  ['customer.subscription.deleted', subscriptions],
  ['customer.subscription.paused', subscriptions],
  ['customer.subscription.resumed', subscriptions],
  ['customer.subscription.pending_update_applied', subscriptions],
  ['customer.subscription.pending_update_expired', subscriptions],
  ['subscription_schedule.created', subscriptions],
  ['subscription_schedule.updated', subscriptions],
  ['subscription_schedule.released', subscriptions],
  ['subscription_schedule.canceled', subscriptions],
  ['subscription_schedule.aborted', subscriptions],
  ['subscription_schedule.completed', subscriptions],
  ['invoice.finalized', invoice],
  ['invoice.finalization_failed', invoice],
  ['invoice.paid', invoice],
  ['invoice.payment_succeeded', invoice],
  ['invoice.payment_failed', invoice],
  ['invoice.payment_action_required', invoice],
  ['invoice.marked_uncollectible', invoice],
  ['invoice.voided', invoice],
  ['customer.deleted', deletion],
  ['payment_intent.succeeded', topUp],
  ['payment_intent.payment_failed', topUp],
  ['payment_intent.canceled', topUp],
  ['payment_method.attached', cards],
  ['payment_method.updated', cards],
  ['customer.updated', cards],
]);

/** Their types. */
export const FOLLOWED_TYPES: readonly string[] = [...EVENTS.keys()];

export function followedBy(type: string): Followed | undefined {
  return EVENTS.get(type);
}

/** Why nothing can follow from an event, under a key of this mode; null where something can. */
export function whyIgnored(
  event: Pick<Stripe.Event, 'type' | 'data' | 'livemode'>,
  livemode: boolean,
): string | null {
  if (event.livemode !== livemode) {
    return `It is of ${event.livemode ? 'live' : 'test'} mode, and the key is of the other.`;
  }
  const followed = followedBy(event.type);
  if (followed === undefined) return 'Nothing follows from events of this type.';
  if (objectIdOf(event) === null) return 'It names no object.';
  return followed.whyNot?.(objectIn(event)) ?? null;
}

/** The object that is read again, where something follows from the event; else its own. */
export function objectIdOf(event: Pick<Stripe.Event, 'type' | 'data'>): string | null {
  const objectOf = followedBy(event.type)?.objectOf ?? ownId;
  return objectOf(objectIn(event));
}

/** The customer that an event is about, where its object names one. */
export function customerIdOf(event: Pick<Stripe.Event, 'data'>): string | null {
  return idIn(objectIn(event).customer);
}

function objectIn({ data }: Pick<Stripe.Event, 'data'>): Named {
  return (data.object ?? {}) as Named;
}

/** The id of another object that one names, or holds whole. */
function idIn(reference: unknown): string | null {
  if (typeof reference === 'string') return reference;
  return typeof reference === 'object' && reference !== null ? ownId(reference) : null;
}

/** The id of an object. Some have none, such as an upcoming invoice. */
function ownId({ id }: Named): string | null {
  return typeof id === 'string' ? id : null;
}
