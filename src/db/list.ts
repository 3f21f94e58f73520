import { z } from 'zod';
import { type Endpoint, endpoint } from '../lib/endpoint.ts';
import { type Page, type PageAsked, pageQuerySchema, pageSchema } from './page.ts';

/** Filters as a list declares them, and what is asked for with them: each may be left out. */
type Shape = Record<string, z.ZodType<string>>;
type Asked<F extends Shape> = { workspaceId?: string | undefined } & {
  [K in keyof F]?: z.output<F[K]> | undefined;
};

type List<Row, S extends z.ZodType, F extends Shape> = {
  path: `/v1/${string}`;
  tag?: string;
  summary: string;
  /** The schema of a row as it is answered. */
  row: S;
  /** What rows can be chosen by, besides their workspace and when they were created. */
  filters?: F;
  /** Its rows belong to no workspace. */
  withoutWorkspace?: boolean;
  read(page: PageAsked, filters: Asked<F>): Promise<Page<Row>>;
  answer(row: Row): z.input<S>;
};

/** Describes `GET <path>`: newest first, a page at a time. */
export function listEndpoint<Row, S extends z.ZodType, F extends Shape = Record<never, never>>(
  list: List<Row, S, F>,
): Endpoint {
  return endpoint({
    method: 'GET',
    path: list.path,
    tag: list.tag ?? 'Reading',
    summary: list.summary,
    query: listQuerySchema(list),
    answers: { 200: pageSchema(list.row) },
    refusals: [],
    handle: async ({ query }) => {
      const { limit, cursor, createdAfter, createdBefore, ...asked } = query;
      const page = await list.read({ limit, cursor, createdAfter, createdBefore }, asked as Asked<F>);
      return { body: { ...page, data: page.data.map(list.answer) } };
    },
  });
}

/** What a list can be asked for, as texts. */
export function listQuerySchema({
  filters = {},
  withoutWorkspace = false,
}: Pick<List<never, never, Shape>, 'filters' | 'withoutWorkspace'>) {
  const optional = Object.entries(filters).map(([name, schema]) => [name, schema.optional()]);
  return (withoutWorkspace ? pageQuerySchema.omit({ workspaceId: true }) : pageQuerySchema).extend(
    Object.fromEntries(optional) as Record<never, never>,
  );
}

/** A filter by one of these values. */
export function oneOf<const T extends string>(values: Record<string, T>) {
  const all = Object.values(values);
  return z.enum(all, `must be ${all.join(' or ')}, and given once`);
}

/** A row with its amounts as numbers and its times as ISO 8601. */
export type Plain<Row, Amount extends keyof Row> = {
  [K in keyof Row]: K extends Amount
    ? number | Extract<Row[K], null>
    : Row[K] extends Date
      ? string
      : Row[K] extends Date | null
        ? string | null
        : Row[K];
};

/** A row as it is answered: the named amounts, which come as the texts of decimals, become numbers; times, texts. */
export function plain<Row extends object, Amount extends keyof Row = never>(
  row: Row,
  ...amounts: Amount[]
): Plain<Row, Amount> {
  const fields = Object.entries(row).map(([name, value]) => {
    if (value instanceof Date) return [name, value.toISOString()];
    return [name, value !== null && amounts.includes(name as Amount) ? Number(value) : value];
  });
  return Object.fromEntries(fields);
}
