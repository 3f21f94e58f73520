import type { Queryable } from '../engine/store.ts';
import { newId } from '../lib/ids.ts';
import { putInvoicePayment, readInvoicePayment } from './store.ts';
import type { InvoicePayment, PaymentServices } from './types.ts';

export type { InvoicePayment } from './types.ts';

/** Books how an invoice stands, in the caller's transaction; resolves to the id of its payment. What was paid stays paid. */
export function bookInvoice(
  { clock }: PaymentServices,
  tx: Queryable,
  invoice: InvoicePayment,
): Promise<string> {
  return putInvoicePayment(tx, newId('pay'), invoice, clock.now());
}

/** The payment that an invoice is, where it is booked and has succeeded. */
export function findInvoicePayment(
  { pool }: Pick<PaymentServices, 'pool'>,
  invoiceId: string,
): Promise<string | null> {
  return readInvoicePayment(pool, invoiceId);
}
