import { sql } from 'kysely';
import type { Check } from '../check.ts';

/** Every amount of every row. Reasons are made of these. */
const AMOUNTS = {
  Payment: ['amount', 'credits', 'refunded', 'disputed'],
  Reversal: ['amount'],
  Checkout: ['amount', 'credits'],
  Credit: ['balance', 'total', 'totalUsage', 'expired', 'clawedBack', 'debt', 'held'],
  CreditRecord: ['amount'],
  CreditGrant: ['amount', 'remaining', 'expired', 'clawedBack', 'reversed', 'debt'],
  Hold: ['amount', 'fromAllowance', 'fromCredits', 'creditCost', 'progressAmount', 'settledAmount'],
  FeatureUsage: ['used'],
  CreditUsage: ['amount'],
  AIUsage: ['points', 'freePoints', 'paidPoints'],
  Decision: ['amount', 'fromAllowance', 'fromCredits', 'creditCost'],
};

const TABLES_OF_WORKSPACES = [
  'Payment', 'Reversal', 'Subscription', 'FeatureUsage', 'Credit', 'CreditRecord', 'CreditGrant', 'CreditUsage', 'AIUsage',
  'Decision', 'Hold', 'Checkout',
]; // biome-ignore format: one list

export const rowChecks: readonly Check[] = [
  {
    name: 'nothing is below zero',
    checked: countAll(Object.keys(AMOUNTS)),
    broken: unionAll(
      Object.entries(AMOUNTS).map(([table, columns]) => {
        const least = sql`least(${sql.join(columns.map((column) => sql.ref(column)))})`;
        return sql`select ${sql.lit(table)} as "table", id, ${least} as amount from ${sql.table(table)} where ${least} < 0`;
      }),
    ),
  },
  {
    name: 'every row belongs to a workspace that is there',
    checked: countAll(TABLES_OF_WORKSPACES),
    broken: unionAll(
      TABLES_OF_WORKSPACES.map(
        (table) => sql`
          select ${sql.lit(table)} as "table", id, "workspaceId"
          from ${sql.table(table)} t
          where "workspaceId" is not null and not exists (select from "Workspace" w where w.id = t."workspaceId")`,
      ),
    ),
  },
];

function countAll(tables: readonly string[]) {
  const counts = tables.map((table) => sql`(select count(*) from ${sql.table(table)})`);
  return sql`select ${sql.join(counts, sql` + `)}`;
}

function unionAll(statements: readonly ReturnType<typeof sql>[]) {
  return sql`${sql.join(statements, sql` union all `)}`;
}
