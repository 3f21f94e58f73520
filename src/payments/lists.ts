import type { Selectable } from 'kysely';
import { z } from 'zod';
import { listEndpoint, oneOf, plain } from '../db/list.ts';
import type { Db } from '../db/pool.ts';
import { type Payment, PaymentPlatform, PaymentStatus, ReversalKind, ReversalStatus } from '../db/types.ts';
import type { Endpoint } from '../lib/endpoint.ts';
import { textSchema } from '../lib/schemas.ts';
import { listPayments, listPaymentUsers, listReversals, listUsers } from './lists/store.ts';

const userSchema = z.object({ id: z.string(), createdAt: z.iso.datetime() }).meta({ id: 'User' });

const paymentUserSchema = z
  .object({
    id: z.string(),
    userId: z.string(),
    email: z.string(),
    paymentPlatform: z.enum(PaymentPlatform),
    customerId: z.string().nullable(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'PaymentUser' });

export const paymentSchema = z
  .object({
    id: z.string(),
    amount: z
      .number()
      .meta({ description: 'In major units of the currency: 10.5 is ten and a half dollars.' }),
    currency: z.string(),
    status: z.enum(PaymentStatus),
    paymentPlatform: z.enum(PaymentPlatform),
    paymentId: z.string(),
    paymentUserId: z.string(),
    workspaceId: z.string().nullable(),
    credits: z.number().nullable().meta({ description: 'What it buys; null where it buys no credits.' }),
    checkoutId: z.string().nullable(),
    invoiceId: z.string().nullable().meta({ description: "Stripe's invoice, of a subscription." }),
    refunded: z.number().meta({ description: 'Refunds that have not failed.' }),
    disputed: z.number().meta({ description: 'Disputes that are open or lost.' }),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Payment' });

export type PaymentAnswer = z.infer<typeof paymentSchema>;

/** A Payment row as it is answered. */
export function paymentOf(row: Selectable<Payment>): PaymentAnswer {
  const { readingsBegun: _begun, readingApplied: _applied, ...payment } = row;
  return plain(payment, 'amount', 'credits', 'refunded', 'disputed');
}

const reversalSchema = z
  .object({
    id: z.string().meta({ description: "The provider's refund or dispute." }),
    paymentId: z.string().meta({ description: 'The id of the Payment.' }),
    workspaceId: z.string().nullable(),
    kind: z.enum(ReversalKind),
    amount: z.number().meta({ description: 'In major units of the currency.' }),
    currency: z.string(),
    status: z.enum(ReversalStatus).meta({
      description:
        'PENDING and SUCCEEDED refunds, OPEN and LOST disputes take credits back; an INQUIRY does not.',
    }),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Reversal' });

export function paymentListRoutes({ db }: { db: Db }): Endpoint[] {
  return [
    listEndpoint({
      path: '/v1/users',
      summary: 'Users who pay; with a workspace, those who paid for it or tried to',
      row: userSchema,
      read: (page, filters) => listUsers(db, page, filters),
      answer: (row) => plain(row),
    }),
    listEndpoint({
      path: '/v1/payment-users',
      summary: 'Users as payers; with a workspace, those who paid for it or tried to',
      row: paymentUserSchema,
      filters: {
        userId: textSchema(200),
        email: textSchema(320),
        paymentPlatform: oneOf(PaymentPlatform),
      },
      read: (page, filters) => listPaymentUsers(db, page, filters),
      answer: ({ readingsBegun: _begun, readingApplied: _applied, ...payer }) => plain(payer),
    }),
    listEndpoint({
      path: '/v1/payments',
      summary: 'Money that was paid, or is to be',
      row: paymentSchema,
      filters: {
        status: oneOf(PaymentStatus),
        paymentPlatform: oneOf(PaymentPlatform),
        currency: textSchema(10),
        paymentUserId: textSchema(200),
      },
      read: (page, filters) => listPayments(db, page, filters),
      answer: paymentOf,
    }),
    listEndpoint({
      path: '/v1/reversals',
      summary: 'Refunds and disputes of payments, as they stand',
      row: reversalSchema,
      filters: {
        kind: oneOf(ReversalKind),
        status: oneOf(ReversalStatus),
        paymentId: textSchema(200),
      },
      read: (page, filters) => listReversals(db, page, filters),
      answer: (row) => plain(row, 'amount'),
    }),
  ];
}
