import type Stripe from 'stripe';
import { StripeError } from '../api/errors.ts';
import type { Form } from '../api/form.ts';
import { readParams, required, text } from '../api/params.ts';
import { formatMoney } from '../checkout/orders.ts';
import { renderCards } from '../checkout/page.ts';
import { escapeHtml, layout, type PageAnswer, renderMissing } from '../layout.ts';
import { cardMeans } from '../payments/cards.ts';
import { billingDetails } from '../payments/methods.ts';
import { addMethod } from '../payments/wallet.ts';
import type { World } from '../world.ts';
import { findInvoice, requireStatus } from './invoices.ts';
import { payInvoice } from './paying.ts';
import { inTimeOf } from './timed.ts';

const formFields = { pay_with: required(text()) };

/** `/i/{invoice}`: shows an invoice; with a form, pays it by a card. */
export function answerInvoice(world: World, id: string, form: Form | undefined): PageAnswer {
  const invoice = world.store.get('invoice', id);
  if (invoice === undefined || invoice.status === 'draft') return { status: 404, html: renderMissing() };
  if (form === undefined) return { status: 200, html: render(invoice) };
  try {
    const { pay_with: card } = readParams(formFields, form);
    return world.store.write(() => pay(inTimeOf(world, invoice.test_clock), invoice, card));
  } catch (error) {
    if (!(error instanceof StripeError)) throw error;
    return { status: error.status, html: render(invoice, error.message) };
  }
}

function pay(world: World, invoice: Stripe.Invoice, card: string): PageAnswer {
  requireStatus(invoice, ['open', 'uncollectible'], 'pay');
  const method = addMethod(world, cardMeans(card), billingDetails(invoice.customer_email)).id;
  const returnUrl = invoice.hosted_invoice_url ?? '';
  const { decline, intent } = payInvoice(world, invoice, { method, presence: 'on_session', returnUrl });
  const after = findInvoice(world, invoice.id);
  const location = intent?.next_action?.redirect_to_url?.url;
  if (location !== undefined && location !== null) return { status: 303, html: '', location };
  if (decline !== null) return { status: 402, html: render(after, decline.message) };
  return { status: 200, html: render(after) };
}

const STATES: Record<string, string> = {
  paid: 'This is paid. Thank you.',
  void: 'This invoice is void. Nothing is owed.',
};

function render(invoice: Stripe.Invoice, problem?: string): string {
  const { currency, lines, number, status } = invoice;
  const money = (amount: number) => escapeHtml(formatMoney(currency, amount));
  const items = lines.data.map(
    ({ amount, description }) =>
      `<li><span>${escapeHtml(description ?? '')}</span><span>${money(amount)}</span></li>`,
  );
  const due = money(invoice.amount_due);
  const state = STATES[status ?? ''];
  return layout(
    `Invoice ${escapeHtml(number ?? '')}`,
    `${problem === undefined ? '' : `<p class="problem" role="alert">${escapeHtml(problem)}</p>`}
    <section aria-labelledby="total">
      <h1 id="total"><small>Invoice ${escapeHtml(number ?? '')}</small>${due}</h1>
      <ul class="lines">${items.join('')}</ul>
    </section>
    ${state === undefined ? `<form method="post">${renderCards()}<button>Pay ${due}</button></form>` : `<p class="state">${state}</p>`}`,
  );
}
