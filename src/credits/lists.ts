import type { Selectable } from 'kysely';
import { z } from 'zod';
import { listEndpoint, oneOf, plain } from '../db/list.ts';
import type { Db } from '../db/pool.ts';
import { type CreditGrant, CreditType, GrantType, UsageStatus } from '../db/types.ts';
import type { Engine } from '../engine/engine.ts';
import { fromDecimal, toUnits } from '../lib/amounts.ts';
import type { Clock } from '../lib/clock.ts';
import type { Endpoint } from '../lib/endpoint.ts';
import { featureCodeSchema } from '../lib/schemas.ts';
import { listCreditRecords, listCreditUsages, listGrants } from './store.ts';

const grantRowSchema = z
  .object({
    id: z.string(),
    workspaceId: z.string(),
    type: z.enum(GrantType),
    amount: z.number(),
    remaining: z
      .number()
      .meta({ description: 'What is left of it now; once it has expired, only what is still held.' }),
    held: z.number().meta({ description: 'What open holds keep of that.' }),
    spent: z.number(),
    expired: z.number(),
    clawedBack: z.number(),
    reversed: z
      .number()
      .meta({ description: 'How much of it is to be taken back in all, as its payment was reversed.' }),
    debt: z.number().meta({ description: 'What of that had been spent, and is still owed.' }),
    priority: z.int().meta({ description: 'Spending order: lower priority number, sooner expiry, older.' }),
    expiresAt: z.iso.datetime().nullable(),
    description: z.string(),
    creditRecordId: z.string().nullable().meta({ description: 'The purchase that it came from.' }),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'CreditGrant' });

/** A grant as it stands now, whether or not its expiry has been booked. */
function grantAt(row: Selectable<CreditGrant> & { held: string }, now: Date): z.infer<typeof grantRowSchema> {
  const amount = fromDecimal(row.amount);
  const left = fromDecimal(row.remaining);
  const gone = fromDecimal(row.expired);
  const held = fromDecimal(row.held);
  const isOver = row.expiresAt !== null && row.expiresAt <= now;
  return {
    ...plain(row, 'amount', 'clawedBack', 'reversed', 'debt', 'held'),
    remaining: toUnits(isOver ? held : left),
    expired: toUnits(isOver ? gone + left - held : gone),
    spent: toUnits(amount - left - gone - fromDecimal(row.clawedBack)),
  };
}

const creditRecordSchema = z
  .object({
    id: z.string(),
    amount: z.number().meta({ description: 'Credits.' }),
    type: z.enum(CreditType),
    workspaceId: z.string(),
    paymentUserId: z.string(),
    paymentId: z.string().nullable(),
    description: z.string().nullable(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'CreditRecord' });

const creditUsageSchema = z
  .object({
    id: z.string().meta({ description: 'The id of the use, and of the decision that says why.' }),
    workspaceId: z.string(),
    featureCode: z.string(),
    amount: z.number().meta({ description: 'Credits: what was paid or, where FAILED, what could not be.' }),
    description: z.string(),
    status: z.enum(UsageStatus),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'CreditUsage' });

export function creditListRoutes({
  db,
  engine,
  clock,
}: {
  db: Db;
  engine: Engine;
  clock: Clock;
}): Endpoint[] {
  return [
    listEndpoint({
      path: '/v1/credits/grants',
      summary: 'Lots of credits: what each was, and what is left of it now',
      row: grantRowSchema,
      filters: { type: oneOf(GrantType) },
      async read(page, filters) {
        await engine.bookExpired(filters.workspaceId);
        return listGrants(db, page, filters, clock.now());
      },
      answer: (row) => grantAt(row, clock.now()),
    }),
    listEndpoint({
      path: '/v1/credit-records',
      summary: 'Credits that were bought',
      row: creditRecordSchema,
      filters: { type: oneOf(CreditType) },
      read: (page, filters) => listCreditRecords(db, page, filters),
      answer: (row) => plain(row, 'amount'),
    }),
    listEndpoint({
      path: '/v1/credit-usages',
      summary: 'What credits paid for, and what they did not suffice for',
      row: creditUsageSchema,
      filters: { status: oneOf(UsageStatus), featureCode: featureCodeSchema },
      async read(page, filters) {
        await engine.bookExpired(filters.workspaceId);
        return listCreditUsages(db, page, filters);
      },
      answer: (row) => plain(row, 'amount'),
    }),
  ];
}
