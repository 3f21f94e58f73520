// The rows that a workspace must have by the naive model, and those that it has.
import assert from 'node:assert/strict';
import type { Queryable } from '../../src/engine/store.ts';
import { endOf } from './allowances.ts';
import {
  allGrants,
  type Book,
  decidedAt,
  endOfHold,
  holds,
  isRefunded,
  progressOf,
  uses,
  wallet,
} from './book.ts';

/** Compares everything that was written of a workspace, decisions aside. */
export async function compareRows(db: Queryable, book: Book): Promise<void> {
  assert.deepEqual(await readRows(db, book.workspaceId), rowsOf(book));
}

function rowsOf(book: Book) {
  // Nothing is booked without a decision: what has expired since is still as it was.
  const at = decidedAt(book) ?? book.createdAt;
  const used = uses(book);
  const statusOf = (id: string) => (isRefunded(book, id) ? 'REFUNDED' : 'SUCCEEDED');
  const counted = used.filter((use) => use.fromAllowance > 0n && use.period !== null);
  const periods = Map.groupBy(counted, (use) => `${use.featureCode} ${iso(use.period!.start)}`);
  return {
    credit: wallet(book, at),
    grants: sorted(
      allGrants(book, at).map(({ id, amount, left, expired, priority, expiresAt, createdAt, ...grant }) => ({
        ...{ id, amount, remaining: left, expired, priority },
        ...{ clawedBack: grant.clawedBack, reversed: grant.reversed, debt: grant.debt },
        ...{ expiresAt: iso(expiresAt), createdAt: iso(createdAt) },
      })),
    ),
    debtPayments: sorted(
      allGrants(book, at).flatMap((payer) =>
        [...payer.paidFor]
          .filter(([, amount]) => amount > 0n)
          .map(([debtorId, amount]) => ({ id: `${debtorId} ${payer.id}`, amount })),
      ),
    ),
    featureUsages: sorted(
      [...periods].map(([id, uses]) => ({
        id,
        periodEnd: iso(endOf(book, uses[0]!.featureCode, uses[0]!.period!.start)),
        used: uses.reduce((sum, use) => sum + (isRefunded(book, use.id) ? 0n : use.fromAllowance), 0n),
      })),
    ),
    creditUsages: sorted([
      ...used
        .filter((use) => use.cost > 0n)
        .map((use) => ({
          ...{ id: use.id, featureCode: use.featureCode, amount: use.cost },
          ...{ status: statusOf(use.id), createdAt: iso(use.at) },
        })),
      ...book.facts
        .filter((fact) => fact.type === 'refused')
        .filter((fact) => fact.code === 'insufficient_credits')
        .map((fact) => ({
          // It may be dearer than any sum that a number says exactly: it is kept as it was told.
          ...{ id: fact.id, featureCode: fact.featureCode, amount: Number(fact.missing) / 1e6 },
          ...{ status: 'FAILED', createdAt: iso(fact.at) },
        })),
    ]),
    holds: sorted(
      holds(book).map((hold) => {
        const end = endOfHold(book, hold.id);
        const { amount: progressAmount, expiresAt } = progressOf(book, hold);
        return {
          ...{ id: hold.id, featureCode: hold.featureCode, amount: hold.amount, creditCost: hold.cost },
          ...{ fromAllowance: hold.fromAllowance, fromCredits: hold.fromCredits, creditsPerUnit: hold.price },
          periodStart: iso(hold.period?.start ?? null),
          periodEnd: iso(hold.period?.end ?? null),
          status: end === undefined ? 'HELD' : end.settled === null ? 'RELEASED' : 'SETTLED',
          ...{ progressAmount, settledAmount: end?.settled ?? null, endedBy: end?.id ?? null },
          ...{ ttlSeconds: hold.ttlMs / 1000, expiresAt: iso(expiresAt), onExpire: hold.onExpire },
          ...{ aiType: hold.ai?.type ?? null, pageId: hold.ai?.pageId ?? null, createdAt: iso(hold.at) },
        };
      }),
    ),
    aiUsages: sorted(
      used
        .filter((use) => use.ai !== null)
        .map((use) => ({
          ...{ id: use.id, type: use.ai!.type, pageId: use.ai!.pageId, status: statusOf(use.id) },
          points: Number((use.fromAllowance + use.fromCredits) / 1_000_000n),
          freePoints: Number(use.fromAllowance / 1_000_000n),
          paidPoints: Number(use.fromCredits / 1_000_000n),
        })),
    ),
  };
}

async function readRows(db: Queryable, workspaceId: string): Promise<ReturnType<typeof rowsOf>> {
  const read = async (columns: string, table: string) => {
    const text = `select ${columns} from "${table}" where "workspaceId" = $1`;
    return (await db.query({ text, values: [workspaceId] })).rows.map(exact);
  };
  const [credit] = await read('balance, total, "totalUsage", expired, "clawedBack", debt, held', 'Credit');
  const [grants, debtPayments, featureUsages, creditUsages, openAndEnded, aiUsages] = await Promise.all([
    read(
      'id, amount, remaining, expired, "clawedBack", reversed, debt, priority, "expiresAt", "createdAt"',
      'CreditGrant',
    ),
    read('"debtorId", "payerId", amount', 'DebtPayment'),
    read('"featureCode", "periodStart", "periodEnd", used', 'FeatureUsage'),
    read('id, "featureCode", amount, status, "createdAt"', 'CreditUsage'),
    read(
      `id, "featureCode", amount, "creditCost", "fromAllowance", "fromCredits", "creditsPerUnit", "periodStart", "periodEnd",
       status, "progressAmount", "settledAmount", "endedBy", "ttlSeconds", "expiresAt", "onExpire", "aiType", "pageId",
       "createdAt"`,
      'Hold',
    ),
    read('id, type, "pageId", status, points, "freePoints", "paidPoints"', 'AIUsage'),
  ]);
  return {
    credit,
    grants: sorted(grants),
    debtPayments: sorted(
      debtPayments
        .filter(({ amount }) => amount > 0n) // what was given back leaves its row
        .map(({ debtorId, payerId, amount }) => ({ id: `${debtorId} ${payerId}`, amount })),
    ),
    featureUsages: sorted(
      featureUsages.map(({ featureCode, periodStart, periodEnd, used }) => ({
        ...{ id: `${featureCode} ${periodStart}`, periodEnd, used },
      })),
    ),
    creditUsages: sorted(creditUsages),
    holds: sorted(openAndEnded),
    aiUsages: sorted(aiUsages),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: rows are compared, not worked with
function exact(row: Record<string, unknown>): any {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => {
      if (row.status === 'FAILED' && column === 'amount') return [column, Number(value)];
      if (value instanceof Date) return [column, value.toISOString()];
      const isDecimal = typeof value === 'string' && /^-?\d+\.\d{6}$/.test(value);
      return [column, isDecimal ? BigInt(value.replace('.', '')) : value];
    }),
  );
}

function sorted<T extends { id: string }>(rows: T[]): T[] {
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function iso(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
