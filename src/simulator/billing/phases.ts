import type Stripe from 'stripe';
import { invalid } from '../api/errors.ts';
import { changeMetadata, metadata } from '../api/metadata.ts';
import { clearable, group, integer, listOf, oneOf, type Params, required, text } from '../api/params.ts';
import { findPrice } from '../prices.ts';
import type { World } from '../world.ts';
import { moment, prorationBehavior } from './fields.ts';
import { planOf } from './items.ts';
import { nextRenewal, type Recurrence } from './periods.ts';

const phaseItem = {
  metadata: metadata(),
  price: required(text()),
  quantity: integer({ max: 999_999 }),
};

/** A phase ends at a date or after a time; with neither, after one period of its price. */
const phase = {
  billing_cycle_anchor: oneOf('automatic', 'phase_start'),
  default_payment_method: text(),
  description: clearable(text(500)),
  duration: group({
    interval: required(oneOf('day', 'week', 'month', 'year')),
    interval_count: integer({ min: 1 }),
  }),
  end_date: integer(),
  items: required(listOf(group(phaseItem))),
  metadata: metadata(),
  proration_behavior: prorationBehavior,
  start_date: moment('now'),
};
export const phaseFields = listOf(group(phase), 10); // Stripe's limit
type SentPhase = Params<typeof phase>;
type Phase = Stripe.SubscriptionSchedule.Phase;

/** The phases that were sent, each beginning where the one before it ends; the first has begun already. */
export function composePhases(world: World, sent: SentPhase[], current: Phase): Phase[] {
  const phases: Phase[] = [];
  for (const [index, one] of sent.entries()) {
    const start: number = phases.at(-1)?.end_date ?? current.start_date;
    if (one.start_date !== undefined && one.start_date !== 'now' && one.start_date !== start) {
      throw invalid(
        index === 0
          ? 'You can not modify the start date of the current phase.'
          : 'The start date of a phase must be the end date of the phase before it.',
        { param: `phases[${index}][start_date]` },
      );
    }
    phases.push(composePhase(world, one, start, `phases[${index}]`));
  }
  if (phases.length === 0) throw invalid('A schedule has at least one phase.', { param: 'phases' });
  return phases;
}

function composePhase(world: World, sent: SentPhase, start: number, param: string): Phase {
  const items = sent.items.map(({ metadata: about, price: id, quantity = 1 }, index) => {
    const price = findPrice(world, id, `${param}[items][${index}][price]`);
    const { recurring } = price;
    if (recurring === null) throw invalid('A phase has recurring prices only.', { param });
    return { metadata: changeMetadata({}, about), price, quantity, recurring };
  });
  if (items.length === 0) throw invalid('A phase has at least one item.', { param: `${param}[items]` });
  return {
    ...makePhase({
      currency: items[0]!.price.currency,
      start,
      end: endOf(sent, start, items[0]!.recurring, param),
      items: items.map(({ metadata: about, price, quantity }) => makeItem(price, quantity, about)),
    }),
    billing_cycle_anchor: sent.billing_cycle_anchor ?? null,
    default_payment_method: sent.default_payment_method ?? null,
    description: sent.description ?? null,
    metadata: changeMetadata({}, sent.metadata),
    proration_behavior: sent.proration_behavior ?? 'create_prorations',
  };
}

function endOf(
  { duration, end_date: end }: SentPhase,
  start: number,
  recurring: Recurrence,
  param: string,
): number {
  if (end !== undefined && duration !== undefined) {
    throw invalid('You may only specify one of these parameters: end_date, duration.', { param });
  }
  if (end !== undefined && end <= start) {
    throw invalid('A phase must end after it starts.', { param: `${param}[end_date]` });
  }
  if (end !== undefined) return end;
  const { interval, interval_count: count = 1 } = duration ?? recurring;
  return nextRenewal(start, { interval, interval_count: count }, start);
}

/** What a subscription is now, until the end of its period, as a phase. */
export function phaseOf(subscription: Stripe.Subscription): Phase {
  const items = subscription.items.data;
  return makePhase({
    currency: subscription.currency,
    start: Math.max(...items.map((item) => item.current_period_start)),
    end: Math.min(...items.map((item) => item.current_period_end)),
    items: itemsOf(subscription),
  });
}

export function itemsOf({ items }: Stripe.Subscription): Phase['items'] {
  return items.data.map(({ metadata: about, price, quantity }) => makeItem(price, quantity ?? 1, about));
}

function makeItem(price: Stripe.Price, quantity: number, about: Stripe.Metadata): Phase['items'][number] {
  return {
    billing_thresholds: null,
    discounts: [],
    metadata: about,
    plan: planOf(price).id,
    price: price.id,
    quantity,
    tax_rates: [],
  };
}

type Outline = { currency: string; start: number; end: number; items: Phase['items'] };

function makePhase({ currency, start, end, items }: Outline): Phase {
  return {
    add_invoice_items: [],
    application_fee_percent: null,
    billing_cycle_anchor: null,
    billing_thresholds: null,
    collection_method: null,
    currency,
    default_payment_method: null,
    default_tax_rates: [],
    description: null,
    discounts: [],
    end_date: end,
    invoice_settings: null,
    items,
    metadata: {},
    on_behalf_of: null,
    proration_behavior: 'create_prorations',
    start_date: start,
    transfer_data: null,
    trial_end: null,
  };
}
