import type Stripe from 'stripe';
import { invalid, noSuch } from './errors.ts';
import { integer, type Params, text } from './params.ts';

const PAGE_MAX = 100; // Stripe's
const PAGE_DEFAULT = 10; // Stripe's

/** The parameters that every list takes. */
export const listing = {
  limit: integer({ min: 1, max: PAGE_MAX }),
  starting_after: text(),
  ending_before: text(),
};

/** One page of the rows that match, newest first, from rows given oldest first. */
export function paginate<T extends { id: string }>(
  rows: Iterable<T>,
  url: string,
  params: Params<typeof listing>,
  thing: string,
  isWanted: (row: T) => boolean = () => true,
): Stripe.ApiList<T> {
  return page([...rows].reverse().filter(isWanted), url, params, thing);
}

/** One page of rows that are in their order already. */
export function page<T extends { id: string }>(
  rows: T[],
  url: string,
  { limit = PAGE_DEFAULT, starting_after: after, ending_before: before }: Params<typeof listing>,
  thing: string,
): Stripe.ApiList<T> {
  if (after !== undefined && before !== undefined) {
    throw invalid('You may only specify one of these parameters: starting_after, ending_before.', {
      param: 'starting_after',
    });
  }
  if (before !== undefined) {
    const end = position(rows, before, thing, 'ending_before');
    const start = Math.max(0, end - limit);
    return { object: 'list', data: rows.slice(start, end), has_more: start > 0, url };
  }
  const start = after === undefined ? 0 : position(rows, after, thing, 'starting_after') + 1;
  return {
    object: 'list',
    data: rows.slice(start, start + limit),
    has_more: rows.length > start + limit,
    url,
  };
}

function position(rows: { id: string }[], id: string, thing: string, param: string): number {
  const index = rows.findIndex((row) => row.id === id);
  if (index < 0) throw noSuch(thing, id, param);
  return index;
}
