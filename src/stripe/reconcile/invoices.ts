import type Stripe from 'stripe';
import { toUnits } from '../../lib/amounts.ts';
import { findWorkspaceOf } from '../../subscriptions/subscriptions.ts';
import { linkOf, paidPeriodsOf, paymentOf, readInvoice, retrieveInvoice } from '../subscriptions/invoices.ts';
import { type Drift, difference, type Pass, type Run, secondsOf } from './drift.ts';
import { pagesOf } from './pages.ts';
import {
  findKeptInvoices,
  findKeptSubscriptions,
  findPayers,
  findPayments,
  type PaymentHere,
} from './store.ts';

/** Invoices of subscriptions: their payments, and what they paid for. */
export const invoices: Pass<Stripe.Invoice> = {
  async *pages({ services, since, seen }: Run) {
    const asked = { created: { gte: secondsOf(since) }, expand: ['data.payments'] };
    for await (const page of pagesOf((at) => services.stripe.invoices.list({ ...asked, ...at }))) {
      await seen.add(page.map(({ id }) => id ?? null));
      yield page;
    }
  },

  async compare(run, page) {
    const { pool } = run.services;
    const ours = await oursOf(run, page);
    const ids = ours.map(({ id }) => id!);
    const payments = new Map((await findPayments(pool, [], ids)).map((one) => [one.invoiceId, one]));
    const kept = await findKeptInvoices(pool, ids);
    const found = [];
    for (const invoice of ours) {
      const drift = await driftOf(run, invoice, payments.get(invoice.id!), kept.has(invoice.id!));
      if (drift !== null) found.push({ object: invoice, drift });
    }
    return found;
  },

  again: ({ services }, { id }) => retrieveInvoice(services, id!),
};

/** Invoices of subscriptions that some workspace has or had. */
async function oursOf({ services }: Run, page: Stripe.Invoice[]): Promise<Stripe.Invoice[]> {
  const { pool } = services;
  const linked = page.flatMap((invoice) => {
    const link = linkOf(invoice);
    return link === null ? [] : [{ invoice, link }];
  });
  const payers = await findPayers(
    pool,
    linked.map(({ link }) => link.customerId),
  );
  const kept = await findKeptSubscriptions(
    pool,
    linked.map(({ link }) => link.subscriptionId),
  );
  const ours = [];
  for (const { invoice, link } of linked) {
    if (kept.has(link.subscriptionId)) ours.push(invoice);
    else if (payers.has(link.customerId) && (await findWorkspaceOf(pool, link)) !== null) ours.push(invoice);
  }
  return ours;
}

async function driftOf(
  { services }: Run,
  listed: Stripe.Invoice,
  here: PaymentHere | undefined,
  isKept: boolean,
): Promise<Drift | null> {
  const about = `invoice ${listed.id}`;
  const mend = { read: readInvoice, id: listed.id! };
  // Whether an open one has failed is known by its payment alone, which lists do not have whole.
  const invoice = listed.status === 'open' ? await retrieveInvoice(services, listed.id!) : listed;
  const there = paymentOf(invoice);
  if (there !== null && here === undefined) {
    const words = `is ${there.status} at Stripe with ${toUnits(there.amount)} ${there.currency}, and not here`;
    return { about, words, mend };
  }
  if (there !== null && here !== undefined) {
    const { status, amount, currency, paymentId } = there;
    // Which payment failed last does not matter.
    const words = difference(
      { status, amount, currency, ...(status === 'SUCCEEDED' ? { paymentId } : {}) },
      { ...here, ...(status === 'SUCCEEDED' ? {} : { paymentId }) },
    );
    if (words !== null) return { about, words, mend };
  }
  if (invoice.status !== 'paid' || isKept) return null;
  const periods = await paidPeriodsOf(services, invoice);
  return periods.length === 0 ? null : { about, words: 'what it paid for is not kept here', mend };
}
