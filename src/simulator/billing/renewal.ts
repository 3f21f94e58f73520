import type Stripe from 'stripe';
import { idOf } from '../references.ts';
import { nowSeconds, type World } from '../world.ts';
import { waitingItems } from './invoiceItems.ts';
import {
  changeInvoice,
  composeInvoice,
  finalizeInvoice,
  giveUpInvoice,
  keepDraft,
  voidInvoice,
} from './invoices.ts';
import { recurrenceOf, withPeriod } from './items.ts';
import { lineOfItem, periodLine } from './lines.ts';
import { pause } from './pauses.ts';
import { customerMethod, payInvoice } from './paying.ts';
import { HOUR_SECONDS, nextRenewal } from './periods.ts';
import { changeSubscription, endSubscription, withItems } from './state.ts';

const DRAFT_SECONDS = HOUR_SECONDS; // Stripe's: a draft can be changed for an hour

/** The items whose period is over go into the next one. */
function nextPeriod(subscription: Stripe.Subscription, now: number): Stripe.SubscriptionItem[] {
  return subscription.items.data.map((item) => {
    const { current_period_end: start } = item;
    if (start > now) return item;
    const end = nextRenewal(subscription.billing_cycle_anchor, recurrenceOf(item), start);
    return withPeriod(item, { start, end });
  });
}

/** The invoice of the next period, as it will be drafted when the present one is over. */
export function composeRenewal(
  world: World,
  before: Stripe.Subscription,
  waiting: Stripe.InvoiceItem[],
  id?: string,
): { after: Stripe.Subscription; invoice: Stripe.Invoice } {
  const now = nowSeconds(world);
  const items = nextPeriod(before, now);
  const due = items.filter((item, index) => item !== before.items.data[index]);
  const first = before.items.data.find((item) => item.current_period_end <= now);
  const after: Stripe.Subscription = { ...before, items: withItems(before, items) };
  const invoice = composeInvoice(
    world,
    {
      customer: String(before.customer),
      currency: before.currency,
      reason: 'subscription_cycle',
      subscription: before,
      lines: [...waiting.map(lineOfItem), ...due.map((item) => periodLine(world, item, false))],
      period: { start: first?.current_period_start ?? now, end: first?.current_period_end ?? now },
      finalizesAt: isCollected(before) ? now + DRAFT_SECONDS : null,
    },
    id,
  );
  return { after, invoice };
}

/** Drafts of subscriptions that are unpaid, or whose collection is paused, stay drafts. */
function isCollected({ status, pause_collection: pause }: Stripe.Subscription): boolean {
  return status !== 'unpaid' && pause?.behavior !== 'keep_as_draft';
}

/** A period is over: the next begins, and its invoice is drafted. A trial that is over ends with this too. */
export function renew(world: World, before: Stripe.Subscription): void {
  const customer = String(before.customer);
  const waiting = waitingItems(world, customer, before.id);
  const { after, invoice } = composeRenewal(world, before, waiting);
  changeSubscription(world, before, {
    items: after.items,
    latest_invoice: invoice.id,
    ...(before.status === 'trialing' ? { status: 'active' as const } : {}),
  });
  keepDraft(world, invoice, waiting);
}

/** The first paid period begins. Without a card, the trial's own setting says what happens. */
export function endTrial(world: World, subscription: Stripe.Subscription): void {
  const method =
    idOf(subscription.default_payment_method) ?? customerMethod(world, String(subscription.customer));
  const behavior = subscription.trial_settings?.end_behavior.missing_payment_method;
  if (method !== null || behavior === 'create_invoice') renew(world, subscription);
  else if (behavior === 'cancel') endSubscription(world, subscription, null);
  else pause(world, subscription, 'trial_end_without_payment_method');
}

/** A draft's hour is over: it is finalised and collected. */
export function advanceInvoice(
  world: World,
  draft: Stripe.Invoice,
  subscription?: Stripe.Subscription,
): void {
  const open = finalizeInvoice(world, draft);
  const behavior = subscription?.pause_collection?.behavior;
  if (behavior === 'void') voidInvoice(world, open);
  else if (behavior === 'mark_uncollectible') giveUpInvoice(world, open);
  else payInvoice(world, open);
}

/** Another attempt at an invoice that could not be paid. */
export function retryInvoice(world: World, invoice: Stripe.Invoice): void {
  if (invoice.amount_remaining > 0) payInvoice(world, invoice, { isRetry: true });
  else changeInvoice(world, invoice, { next_payment_attempt: null });
}
