import type Stripe from 'stripe';
import { formatMoney } from '../checkout/orders.ts';
import { escapeHtml } from '../layout.ts';
import { GOOD_CARD } from '../payments/cards.ts';
import { idOf } from '../references.ts';
import type { World } from '../world.ts';
import { dateOf } from './subscriptions.ts';

type Features = Stripe.BillingPortal.Configuration.Features;

/** The card that invoices are charged to, and another in its place. */
export function renderCard(world: World, customer: Stripe.Customer, features: Features): string {
  if (!features.payment_method_update.enabled) return '';
  const id = idOf(customer.invoice_settings.default_payment_method) ?? '';
  const method = world.store.get('paymentMethod', id);
  const shown =
    method?.card === undefined
      ? (method?.type ?? 'No card yet')
      : `${method.card.brand} •••• ${method.card.last4}`;
  return `<section aria-label="Payment method">
    <p class="state">Charged to: ${escapeHtml(shown)}</p>
    <form method="post">
      <label class="field">A test card's number
        <input type="text" name="card" inputmode="numeric" required value="${GOOD_CARD}"></label>
      <button class="quiet" name="act" value="save_card">Use this card</button>
    </form>
  </section>`;
}

export function renderDetails(customer: Stripe.Customer, { customer_update: update }: Features): string {
  const fields = (['name', 'email'] as const)
    .filter((name) => update.enabled && update.allowed_updates.includes(name))
    .map(
      (name) => `<label class="field">${name === 'email' ? 'E-mail' : 'Name'}
        <input type="${name === 'email' ? 'email' : 'text'}" name="${name}" required value="${escapeHtml(customer[name] ?? '')}"></label>`,
    );
  if (fields.length === 0) return '';
  return `<form method="post">${fields.join('')}
    <button class="quiet" name="act" value="save_details">Save</button>
  </form>`;
}

/** Newest first; each leads to its page. */
export function renderInvoices(world: World, customer: string, features: Features): string {
  if (!features.invoice_history.enabled) return '';
  const invoices = [...world.store.all('invoice')].reverse();
  const lines = invoices
    .filter((invoice) => invoice.customer === customer && invoice.status !== 'draft')
    .map(({ created, currency, hosted_invoice_url: url, number, status, total }) => {
      const name = `${number ?? ''}, ${dateOf(created)}, ${status}`;
      return `<li><span><a href="${escapeHtml(url ?? '')}">${escapeHtml(name)}</a></span>
        <span>${escapeHtml(formatMoney(currency, total))}</span></li>`;
    });
  return lines.length === 0 ? '' : `<ul class="lines" aria-label="Invoices">${lines.join('')}</ul>`;
}
