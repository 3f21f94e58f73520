import { type SelectQueryBuilder, type SqlBool, sql } from 'kysely';
import { z } from 'zod';
import { timeSchema, workspaceIdSchema } from '../lib/schemas.ts';
import type { DB } from './types.ts';

/** A page is one answer: large enough to scan a list quickly, small enough to be read at once. */
const PAGE_MAX = 100;
const PAGE_DEFAULT = 20;

const CURSOR_MESSAGE = 'must be the nextCursor of another page, as it was answered';

/** What every list can be asked for, from the text of a query string. */
export const pageQuerySchema = z.strictObject({
  limit: limitSchema(),
  cursor: cursorSchema().optional(),
  workspaceId: workspaceIdSchema.optional(),
  createdAfter: timeSchema.optional().meta({ description: 'Created at this time or later.' }),
  createdBefore: timeSchema.optional().meta({ description: 'Created before this time.' }),
});

/** Which rows of a list are wanted. Times are epoch milliseconds. */
export type PageAsked = Pick<
  z.output<typeof pageQuerySchema>,
  'limit' | 'cursor' | 'createdAfter' | 'createdBefore'
>;

export type Page<Row> = { data: Row[]; hasMore: boolean; nextCursor: string | null };

/** The last row of the page before, by its time in the order of the list. */
type Cursor = { time: Date; id: string };

/** The columns that say when a row came to be. */
type Time = 'createdAt' | 'receivedAt';

/** What columns of a table must equal; undefined where that is not asked for. */
export type Filters<T extends keyof DB> = { [Column in keyof DB[T]]?: string | undefined };

/**
 * Reads one page of a query, newest first. A cursor names the last row that was seen, not how many were: rows that are
 * inserted meanwhile come before it and move nothing. `order` is the index that the pages follow: `(createdAt, id)`,
 * another time and `id`, or, where ids rise with time, `id` alone.
 */
export async function readPage<T extends keyof DB, Row extends { id: string } & { [Column in Time]?: Date }>(
  query: SelectQueryBuilder<DB, T, Row>,
  { limit, cursor, createdAfter, createdBefore }: PageAsked,
  filters: Filters<T>,
  order: Time | 'id' = 'createdAt',
): Promise<Page<Row>> {
  const column = order === 'id' ? 'createdAt' : order;
  const time = sql.ref(column);
  let wanted = query;
  const where = (condition: ReturnType<typeof sql<SqlBool>>) => {
    wanted = wanted.where(condition);
  };
  for (const [name, value] of Object.entries<string | undefined>(filters)) {
    if (value !== undefined) where(sql`${sql.ref(name)} = ${value}`);
  }
  if (createdAfter !== undefined) where(sql`${time} >= ${new Date(createdAfter)}`);
  if (createdBefore !== undefined) where(sql`${time} < ${new Date(createdBefore)}`);
  // A comparison of rows, not of columns joined by `or`: only the first can begin in the middle of the index.
  if (cursor !== undefined && order !== 'id') where(sql`(${time}, id) < (${cursor.time}, ${cursor.id})`);
  if (cursor !== undefined && order === 'id') where(sql`id < ${cursor.id}`);

  const rows = await wanted
    .orderBy(order === 'id' ? sql`id desc` : sql`${time} desc, id desc`)
    .limit(limit + 1) // one more than asked for tells whether there are more
    .execute();
  const data = rows.slice(0, limit) as Row[];
  const hasMore = rows.length > limit;
  if (!hasMore) return { data, hasMore, nextCursor: null };
  const { id, [column]: last } = data.at(-1)!;
  return { data, hasMore, nextCursor: encodeCursor({ time: last!, id }) };
}

/** The answer to a list of such rows. */
export function pageSchema<S extends z.ZodType>(row: S) {
  return z.object({
    data: z.array(row),
    hasMore: z.boolean(),
    nextCursor: z
      .string()
      .nullable()
      .meta({ description: 'Send it as `cursor` to get the next page; null at the end.' }),
  });
}

function limitSchema() {
  const message = `must be a whole number from 1 to ${PAGE_MAX}`;
  return z
    .string(message)
    .regex(/^[1-9]\d{0,2}$/, message)
    .refine((text) => Number(text) <= PAGE_MAX, message)
    .meta({ type: 'integer', minimum: 1, maximum: PAGE_MAX, default: PAGE_DEFAULT, pattern: undefined })
    .transform(Number)
    .default(PAGE_DEFAULT);
}

function cursorSchema() {
  return z
    .string(CURSOR_MESSAGE)
    .meta({ description: 'The `nextCursor` of the page before.' })
    .transform((text, context): Cursor => {
      const cursor = decodeCursor(text);
      if (cursor !== undefined) return cursor;
      context.issues.push({ code: 'custom', message: CURSOR_MESSAGE, input: text });
      return z.NEVER;
    });
}

function encodeCursor({ time, id }: Cursor): string {
  return Buffer.from(`${time.getTime()} ${id}`).toString('base64url');
}

function decodeCursor(text: string): Cursor | undefined {
  const decoded = Buffer.from(text, 'base64url').toString();
  // Fourteen digits of milliseconds reach three thousand years in both directions, which Postgres can compare.
  const match = /^(-?\d{1,14}) ([^\0]+)$/s.exec(decoded);
  if (match === null) return undefined;
  const cursor = { time: new Date(Number(match[1])), id: match[2]! };
  return encodeCursor(cursor) === text ? cursor : undefined;
}
