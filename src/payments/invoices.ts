import type { Queryable } from '../engine/store.ts';
import { newId } from '../lib/ids.ts';
import { putInvoicePayment } from './store.ts';
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
