import type Stripe from 'stripe';
import { z } from 'zod';
import { PLANS } from '../../catalog/types.ts';
import { toUnits } from '../../lib/amounts.ts';
import { fromStripeAmount } from '../../lib/currencies.ts';
import { type Change, changeOf } from '../../subscriptions/change.ts';
import { allowanceChangeSchema, previewAllowances } from '../../subscriptions/preview.ts';
import { intervalSchema } from '../../subscriptions/subscriptions.ts';
import type { Terms } from '../../subscriptions/types.ts';
import { ask } from '../client.ts';
import { dateOf } from '../references.ts';
import type { StripeServices } from '../services.ts';
import { priceFor, whenOf } from './change.ts';
import { type Current, currentOf } from './current.ts';

const termsSchema = z.object({ plan: z.enum(PLANS), interval: intervalSchema });

export const previewSchema = z
  .object({
    workspaceId: z.string(),
    change: z.enum(['upgrade', 'downgrade', 'none']),
    at: z.iso.datetime().meta({ description: 'When it would be made: now, or when the period ends.' }),
    from: termsSchema,
    to: termsSchema,
    money: z.object({
      currency: z.string(),
      dueNow: z.number().meta({ description: 'In major units; what is charged at once.' }),
      lines: z.array(z.object({ description: z.string(), amount: z.number() })),
      next: z.object({ amount: z.number(), at: z.iso.datetime() }).meta({ description: 'The next invoice.' }),
    }),
    features: z.array(allowanceChangeSchema),
    credits: z
      .object({ before: z.number(), after: z.number() })
      .meta({ description: 'That come with a month of the plan.' }),
  })
  .meta({ id: 'SubscriptionPreview' });
export type Preview = z.infer<typeof previewSchema>;

/** What a change would cost and allow. Changes nothing. */
export async function previewChange(
  services: StripeServices,
  workspaceId: string,
  to: Terms,
): Promise<Preview> {
  const { engine, catalog, clock } = services;
  const current = await currentOf(services, workspaceId);
  const price = await priceFor(services, current, to);
  const from = current.terms;
  const when = whenOf(current, to);
  const isLater = when === 'downgrade';
  const now = clock.now();
  const at = isLater ? dateOf(current.item.current_period_end) : now;
  const creditsOf = (plan: Terms['plan']) => toUnits(catalog.plans.get(plan)?.credits ?? 0n);
  return {
    workspaceId,
    change: changeOf(from, to),
    at: at.toISOString(),
    from,
    to,
    money: await moneyOf(services, current, price, when),
    features: previewAllowances(await engine.state(workspaceId), catalog, {
      from: from.plan,
      to: to.plan,
      now: now.getTime(),
      at: at.getTime(),
    }),
    credits: { before: creditsOf(from.plan), after: creditsOf(to.plan) },
  };
}

async function moneyOf(
  services: StripeServices,
  { subscription, item }: Current,
  price: Stripe.Price,
  change: Change,
): Promise<Preview['money']> {
  const { currency } = subscription;
  const units = (amount: number) => toUnits(fromStripeAmount(currency, amount));
  const periodEnd = dateOf(item.current_period_end).toISOString();
  const next = { amount: units(await netOf(services, subscription, item, price)), at: periodEnd };
  // A trial has nothing to pay yet: Stripe would show what it ends with.
  const isPaidNow = change === 'upgrade' && subscription.status !== 'trialing';
  if (!isPaidNow) return { currency, dueNow: 0, lines: [], next };
  const invoice = await ask(() =>
    services.stripe.invoices.createPreview({
      subscription: subscription.id,
      subscription_details: {
        items: [{ id: item.id, price: price.id }],
        proration_behavior: 'always_invoice',
      },
    }),
  );
  const ends = invoice.lines.data.filter(({ amount }) => amount > 0).map(({ period }) => period.end);
  return {
    currency,
    dueNow: units(invoice.amount_due),
    lines: invoice.lines.data.map(({ description, amount }) => ({
      description: description ?? '',
      amount: units(amount),
    })),
    next: { ...next, at: ends.length === 0 ? periodEnd : dateOf(Math.max(...ends)).toISOString() },
  };
}

/** What a period costs at a price, with the coupons of the subscription: Stripe says what it would bill if one began now. */
async function netOf(
  { stripe }: StripeServices,
  { id, status }: Stripe.Subscription,
  item: Stripe.SubscriptionItem,
  price: Stripe.Price,
): Promise<number> {
  const { total } = await ask(() =>
    stripe.invoices.createPreview({
      subscription: id,
      subscription_details: {
        items: [{ id: item.id, price: price.id }],
        billing_cycle_anchor: { type: 'now' },
        proration_behavior: 'none',
        ...(status === 'trialing' ? { trial_end: 'now' } : {}),
      },
    }),
  );
  return total;
}
