import type Stripe from 'stripe';
import { fromStripeAmount } from '../../lib/currencies.ts';
import { bookInvoice, findInvoicePayment, type InvoicePayment } from '../../payments/invoices.ts';
import { keepPaidPeriods } from '../../subscriptions/plancredits.ts';
import { findWorkspaceOf, lockSubscription } from '../../subscriptions/subscriptions.ts';
import { planOfProduct } from '../catalog/wanted.ts';
import { type Change, Contradiction, commit, ignored, type Verdict } from '../change.ts';
import { ask, askForAll, PAGE } from '../client.ts';
import { dateOf, expanded, idOf } from '../references.ts';
import type { StripeServices } from '../services.ts';
import { findTerms } from './prices.ts';
import { readSubscriptions } from './reading.ts';

/** Reads an invoice again, and says what follows from its present state: a payment, and what was paid for. */
export async function readInvoice(services: StripeServices, invoiceId: string): Promise<Change> {
  const { pool } = services;
  const invoice = await retrieveInvoice(services, invoiceId);
  if (invoice.object !== 'invoice' || invoice.id !== invoiceId) {
    throw new Error(`Stripe answered with something else than the invoice ${invoiceId}.`);
  }
  const link = linkOf(invoice);
  if (link === null) return ignored('Not an invoice of a subscription.');
  const { subscriptionId, customerId } = link;
  let found = await findWorkspaceOf(pool, link);
  if (found?.isKept !== true) {
    // The invoice may be told of before its subscription.
    await commit(services, await readSubscriptions(services, customerId));
    found = await findWorkspaceOf(pool, link);
  }
  if (found === null || found.paymentUserId === null) return ignored('Not a subscription of Tollgate.');
  const { workspaceId: paidFor, paymentUserId } = found;
  const periods = invoice.status === 'paid' ? await paidPeriodsOf(services, invoice) : [];
  const earlier =
    periods.length > 0 && invoice.amount_due === 0
      ? await earlierOf(services, invoice, subscriptionId)
      : null;
  return async (tx): Promise<Verdict> => {
    // Held before its payment, as by whoever gives credits for that: nobody waits in a circle.
    await lockSubscription(tx, paidFor);
    const payment = paymentOf(invoice);
    const paymentId =
      payment === null
        ? earlier
        : await bookInvoice(services, tx, { ...payment, workspaceId: paidFor, paymentUserId });
    await keepPaidPeriods(
      services,
      tx,
      periods.map((period) => ({ ...period, workspaceId: paidFor, subscriptionId, invoiceId, paymentId })),
    );
    const problem = invoice.last_finalization_error?.message;
    if (invoice.status === 'draft' && problem !== undefined) {
      return { status: 'FAILED', error: `The invoice ${invoiceId} could not be finalized: ${problem}` };
    }
    return { status: 'APPLIED' };
  };
}

/**
 * The payment that has paid an invoice on which nothing was due, because a change of plan gave money of it back: the last
 * one before that. It is booked first where nobody has told of it. Null: a coupon, or money from elsewhere.
 */
async function earlierOf(
  services: StripeServices,
  invoice: Stripe.Invoice,
  subscription: string,
): Promise<string | null> {
  const of = { subscription, status: 'paid', created: { lte: invoice.created }, limit: PAGE } as const;
  const { data } = await ask(() => services.stripe.invoices.list(of)); // newest first
  const since = data.slice(
    Math.max(
      0,
      data.findIndex(({ id }) => id === invoice.id),
    ),
  );
  const paid = since.findIndex(({ amount_due: due }) => due > 0);
  if (paid === -1 || !since.slice(0, paid).some(givesBack)) return null;
  const invoiceId = since[paid]!.id!;
  const known = await findInvoicePayment(services, invoiceId);
  if (known !== null) return known;
  await commit(services, await readInvoice(services, invoiceId));
  return findInvoicePayment(services, invoiceId);
}

function givesBack({ lines }: Stripe.Invoice): boolean {
  return lines.data.some(({ amount }) => amount < 0);
}

/** An invoice, with the payment intents that it was tried with. */
export function retrieveInvoice({ stripe }: StripeServices, invoiceId: string): Promise<Stripe.Invoice> {
  return ask(() => stripe.invoices.retrieve(invoiceId, { expand: ['payments.data.payment.payment_intent'] }));
}

/** By what the workspace of an invoice is found; null where it is no subscription's. */
export function linkOf({ parent, customer }: Stripe.Invoice) {
  const of = parent?.subscription_details ?? null;
  const subscriptionId = idOf(of?.subscription);
  const customerId = idOf(customer);
  if (subscriptionId === null || customerId === null) return null;
  const { checkoutId = null, workspaceId = null } = of?.metadata ?? {};
  return { subscriptionId, customerId, checkoutId, workspaceId };
}

/**
 * The payment that an invoice is, by the name of its intent, else by its own; null where nothing is asked for, or not yet.
 * Whether an open one has failed is known by its whole intent.
 */
export function paymentOf(
  invoice: Stripe.Invoice,
): Omit<InvoicePayment, 'workspaceId' | 'paymentUserId'> | null {
  if (invoice.amount_due === 0 || invoice.status === 'draft') return null;
  const payments = invoice.payments?.data ?? [];
  const paid = payments.find(({ status }) => status === 'paid');
  // What it was tried with has not paid an invoice that was paid outside Stripe.
  const payment = invoice.status === 'paid' ? paid : (paid ?? payments.find((one) => one.is_default));
  const intent = payment?.payment.payment_intent;
  return {
    invoiceId: invoice.id!,
    paymentId: idOf(intent) ?? invoice.id!,
    status: statusOf(invoice, expanded(intent)),
    amount: fromStripeAmount(invoice.currency, invoice.amount_due),
    currency: invoice.currency,
  };
}

/** One that was tried and not paid has failed until it is: it may be tried again. */
function statusOf(invoice: Stripe.Invoice, intent: Stripe.PaymentIntent | null): InvoicePayment['status'] {
  switch (invoice.status) {
    case 'paid':
      return 'SUCCEEDED';
    case 'open':
      return intent?.status === 'requires_payment_method' && invoice.attempted ? 'FAILED' : 'PENDING';
    case 'void':
    case 'uncollectible':
      return 'FAILED';
    default:
      throw new Contradiction(
        `The status of the invoice is not known: ${invoice.status}. Nothing was changed.`,
      );
  }
}

/** What was paid for: the plans and periods of its lines, but for what was given back and for trials. */
export async function paidPeriodsOf(services: StripeServices, invoice: Stripe.Invoice) {
  const lines = invoice.lines.has_more
    ? await askForAll((page) => services.stripe.invoices.listLineItems(invoice.id!, page))
    : invoice.lines.data;
  const periods = [];
  for (const line of lines) {
    // A line of nothing is a trial's; a coupon leaves the line as it was, and is taken from the sum.
    if (!isOfSubscription(line) || line.amount <= 0) continue;
    const plan = await planOf(services, line);
    const { start, end } = line.period;
    if (plan !== null && start < end) {
      periods.push({ id: line.id, plan, startDate: dateOf(start), endDate: dateOf(end) });
    }
  }
  return periods;
}

/** What is prorated may be an invoice item, too. */
function isOfSubscription({ parent }: Stripe.InvoiceLineItem): boolean {
  const details = parent?.subscription_item_details ?? parent?.invoice_item_details;
  return idOf(details?.subscription) !== null;
}

async function planOf({ stripe }: StripeServices, line: Stripe.InvoiceLineItem) {
  const details = line.pricing?.price_details;
  const known = planOfProduct(details?.product ?? '');
  const priceId = idOf(details?.price);
  if (known !== null || priceId === null) return known;
  // Null: something else is sold with the same subscription.
  return findTerms(await ask(() => stripe.prices.retrieve(priceId)))?.plan ?? null;
}
