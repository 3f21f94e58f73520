import type Stripe from 'stripe';
import { periodEnd } from '../billing/state.ts';
import { formatMoney } from '../checkout/orders.ts';
import { escapeHtml } from '../layout.ts';
import { findPrice } from '../prices.ts';
import { findProduct } from '../products.ts';
import type { World } from '../world.ts';
import { subscriptionsOf } from './acts.ts';

type Features = Stripe.BillingPortal.Configuration.Features;
type Flow = Stripe.BillingPortal.Session.Flow;

/** What a customer has, each with what can be done about it; of a flow, the one that it is about. */
export function renderSubscriptions(
  world: World,
  customer: string,
  features: Features,
  flow: Flow | null,
): string {
  const about = subscriptionOf(flow);
  const shown = subscriptionsOf(world, customer).filter(({ id }) => about === null || id === about);
  if (shown.length === 0) return '<p class="state">There is no subscription.</p>';
  return shown.map((subscription) => renderSubscription(world, subscription, features, flow)).join('\n');
}

function subscriptionOf(flow: Flow | null): string | null {
  const about = flow?.subscription_cancel ?? flow?.subscription_update ?? flow?.subscription_update_confirm;
  return about?.subscription ?? null;
}

function renderSubscription(
  world: World,
  subscription: Stripe.Subscription,
  features: Features,
  flow: Flow | null,
): string {
  const items = subscription.items.data.map(({ price, quantity }) => {
    const { name } = findProduct(world, String(price.product));
    const count = quantity === undefined || quantity === 1 ? '' : ` × ${quantity}`;
    return `<li><span>${escapeHtml(name)}${count}</span><span>${escapeHtml(rateOf(price))}</span></li>`;
  });
  const isOffered = (act: Flow['type'], feature: keyof Features) =>
    features[feature].enabled && (flow === null || flow.type === act);
  const isConfirming = flow?.type === 'subscription_update_confirm';
  return `<section aria-label="Subscription ${subscription.id}">
    <p class="state">${escapeHtml(stateOf(subscription))}</p>
    <ul class="lines">${items.join('')}</ul>
    ${isOffered('subscription_update', 'subscription_update') ? renderSwitch(world, subscription, features) : ''}
    ${isConfirming ? renderConfirmation(world, subscription, flow) : ''}
    ${isOffered('subscription_pause', 'subscription_pause') ? renderPause(subscription) : ''}
    ${isOffered('subscription_cancel', 'subscription_cancel') ? renderCancel(subscription, features) : ''}
  </section>`;
}

function stateOf(subscription: Stripe.Subscription): string {
  const { cancel_at: ending, status } = subscription;
  if (status === 'paused') return 'Paused';
  if (ending !== null) return `Ends on ${dateOf(ending)}`;
  const next = dateOf(periodEnd(subscription));
  if (status === 'trialing') return `Trial until ${next}`;
  return status === 'active' ? `Renews on ${next}` : `Not paid (${status})`;
}

function renderSwitch(
  world: World,
  { id, items }: Stripe.Subscription,
  { subscription_update: offer }: Features,
): string {
  const current = items.data.map(({ price }) => price.id);
  const options = (offer.products ?? []).flatMap(({ prices, product }) =>
    prices
      .filter((price) => !current.includes(price))
      .map((price) => {
        const label = `${findProduct(world, product).name}, ${rateOf(findPrice(world, price))}`;
        return `<option value="${escapeHtml(price)}">${escapeHtml(label)}</option>`;
      }),
  );
  if (options.length === 0 || items.data.length > 1) return '';
  return formOf(
    id,
    'switch',
    'Switch',
    `<label class="field">Another plan <select name="price" required>${options.join('')}</select></label>`,
  );
}

/** The one change that a flow has prepared. */
function renderConfirmation(world: World, { id }: Stripe.Subscription, flow: Flow): string {
  const [item] = flow.subscription_update_confirm?.items ?? [];
  if (item?.price === null || item?.price === undefined) return '';
  const price = findPrice(world, item.price);
  const { name } = findProduct(world, String(price.product));
  return formOf(
    id,
    'switch',
    'Confirm',
    `<p>To ${escapeHtml(name)}, ${escapeHtml(rateOf(price))}</p>
    <input type="hidden" name="price" value="${escapeHtml(price.id)}">
    ${item.quantity === undefined ? '' : `<input type="hidden" name="quantity" value="${item.quantity}">`}`,
  );
}

function renderPause({ id, status }: Stripe.Subscription): string {
  if (status === 'paused') return formOf(id, 'resume', 'Resume');
  return status === 'active' || status === 'trialing' ? formOf(id, 'pause', 'Pause') : '';
}

function renderCancel(
  { cancel_at: ending, id }: Stripe.Subscription,
  { subscription_cancel: { cancellation_reason: reason, mode } }: Features,
): string {
  if (ending !== null) return formOf(id, 'keep', 'Do not cancel');
  const options = reason.options.map(
    (option) => `<option value="${option}">${option.replaceAll('_', ' ')}</option>`,
  );
  const asked = reason.enabled
    ? `<label class="field">Why? <select name="feedback">${options.join('')}</select></label>`
    : '';
  return formOf(id, 'cancel', mode === 'immediately' ? 'Cancel now' : 'Cancel at the end', asked);
}

function formOf(subscription: string, act: string, label: string, fields = ''): string {
  return `<form method="post">
    <input type="hidden" name="subscription" value="${subscription}">${fields}
    <button class="quiet" name="act" value="${act}">${label}</button>
  </form>`;
}

/** `$10.00 each month`, `$99.00 every 3 months` */
function rateOf(price: Stripe.Price): string {
  const { interval = 'month', interval_count: count = 1 } = price.recurring ?? {};
  const money = formatMoney(price.currency, price.unit_amount ?? 0);
  return `${money} ${count === 1 ? `each ${interval}` : `every ${count} ${interval}s`}`;
}

export function dateOf(seconds: number): string {
  return new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeZone: 'UTC' }).format(seconds * 1000);
}
