import type Stripe from 'stripe';
import { noSuch } from '../api/errors.ts';
import { listing, paginate } from '../api/lists.ts';
import { created, group, oneOf, type Params, required, text } from '../api/params.ts';
import { emit } from '../events.ts';
import { makeId } from '../ids.ts';
import { idOf } from '../references.ts';
import { nowSeconds, type World } from '../world.ts';

/** Ties an invoice to the intent that collects it. Each has one: a later attempt is another of the same intent. */
export function tieIntent(world: World, invoice: Stripe.Invoice, intent: string): void {
  const earlier = paymentOf(world, invoice.id);
  if (earlier?.payment.payment_intent === intent) return;
  if (earlier !== undefined) {
    world.store.put('invoicePayment', {
      ...earlier,
      is_default: false,
      status: 'canceled',
      status_transitions: { ...earlier.status_transitions, canceled_at: nowSeconds(world) },
    });
  }
  world.store.put('invoicePayment', {
    id: makeId('invoicePayment'),
    object: 'invoice_payment',
    amount_paid: null,
    amount_requested: invoice.amount_remaining,
    created: nowSeconds(world),
    currency: invoice.currency,
    invoice: invoice.id,
    is_default: true,
    livemode: false,
    payment: { payment_intent: intent, type: 'payment_intent' },
    status: 'open',
    status_transitions: { canceled_at: null, paid_at: null },
  });
}

/** Its payment has gone through. */
export function countPaid(world: World, invoice: string): void {
  const open = paymentOf(world, invoice);
  if (open === undefined) return;
  const paid: Stripe.InvoicePayment = {
    ...open,
    amount_paid: open.amount_requested,
    status: 'paid',
    status_transitions: { ...open.status_transitions, paid_at: nowSeconds(world) },
  };
  world.store.put('invoicePayment', paid);
  emit(world, { type: 'invoice_payment.paid', data: { object: paid } });
}

function paymentOf(world: World, invoice: string): Stripe.InvoicePayment | undefined {
  return paymentsOf(world, invoice).find((payment) => payment.is_default);
}

/** The intent that collects an invoice, if one has been made. */
export function intentOf(world: World, invoice: string): string | null {
  return idOf(paymentOf(world, invoice)?.payment.payment_intent ?? null);
}

/** The invoice that an intent collects. */
export function invoiceOfIntent(world: World, intent: string): Stripe.Invoice | undefined {
  for (const payment of world.store.all('invoicePayment')) {
    if (payment.payment.payment_intent !== intent || payment.status === 'canceled') continue;
    const id = payment.invoice;
    return typeof id === 'string' ? world.store.get('invoice', id) : undefined;
  }
  return undefined;
}

function paymentsOf(world: World, invoice: string): Stripe.InvoicePayment[] {
  return [...world.store.all('invoicePayment')].filter((payment) => payment.invoice === invoice);
}

/** What `invoice.payments` is expanded to. */
export function embeddedPayments(world: World, invoice: string): Stripe.ApiList<Stripe.InvoicePayment> {
  const data = paymentsOf(world, invoice);
  return { object: 'list', data, has_more: false, url: `/v1/invoice_payments?invoice=${invoice}` };
}

/** What `invoice.confirmation_secret` is expanded to: what a page needs to let the customer pay. */
export function confirmationSecret(world: World, invoice: string): Stripe.Invoice.ConfirmationSecret | null {
  const id = intentOf(world, invoice);
  const secret = id === null ? null : (world.store.get('intent', id)?.client_secret ?? null);
  return secret === null ? null : { client_secret: secret, type: 'payment_intent' };
}

export const paymentListing = {
  ...listing,
  created: created(),
  invoice: text(),
  payment: group({ payment_intent: text(), type: required(oneOf('payment_intent')) }),
  status: oneOf('canceled', 'open', 'paid'),
};

export function listInvoicePayments(
  world: World,
  params: Params<typeof paymentListing>,
): Stripe.ApiList<Stripe.InvoicePayment> {
  const { created: within, invoice, payment, status } = params;
  const intent = payment?.payment_intent;
  return paginate(
    world.store.all('invoicePayment'),
    '/v1/invoice_payments',
    params,
    'invoice_payment',
    (row) => {
      if (within !== undefined && !within(row.created)) return false;
      if (invoice !== undefined && row.invoice !== invoice) return false;
      if (intent !== undefined && row.payment.payment_intent !== intent) return false;
      return status === undefined || row.status === status;
    },
  );
}

export function retrieveInvoicePayment(world: World, _params: unknown, id: string): Stripe.InvoicePayment {
  const payment = world.store.get('invoicePayment', id);
  if (payment === undefined) throw noSuch('invoice_payment', id);
  return payment;
}
