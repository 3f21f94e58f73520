import type { Queryable } from '../engine/store.ts';
import type { Micros } from '../lib/amounts.ts';
import { newId } from '../lib/ids.ts';
import { type PaymentStatus, putInvoicePayment } from './store.ts';
import type { PaymentServices } from './types.ts';

/** How an invoice of a subscription stands. Money in micro-units of the major unit. */
export type InvoicePayment = {
  /** The provider's names of the invoice and of its payment. */
  invoiceId: string;
  paymentId: string;
  status: PaymentStatus;
  amount: Micros;
  currency: string;
  workspaceId: string;
  paymentUserId: string;
};

/** Books how an invoice stands, in the caller's transaction; resolves to the id of its payment. What was paid stays paid. */
export function bookInvoice(
  { clock }: PaymentServices,
  tx: Queryable,
  invoice: InvoicePayment,
): Promise<string> {
  return putInvoicePayment(tx, newId('pay'), invoice, clock.now());
}
