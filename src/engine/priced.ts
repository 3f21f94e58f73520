import { quoteWork } from '../catalog/ai/find.ts';
import { type ModelWork, priceWork } from '../catalog/ai/price.ts';
import { Refusal } from '../lib/errors.ts';
import type { HoldOperation, ProgressOperation, SettleOperation, UseOperation } from './operations.ts';
import type { Context } from './quote.ts';
import type { Hold } from './state.ts';

/** What is used or held, with the amount that its work comes to by the price that counts now, which is kept with it. */
export function priced<O extends UseOperation | HoldOperation>(operation: O, { catalog, now }: Context): O {
  const { work, ai } = operation;
  if (work === undefined || ai === null) return operation;
  const quote = () => quoteWork(catalog.ai, work, now);
  const { points, price, costUsd } = operation.type === 'HOLD' ? inField('ai', quote) : quote();
  return { ...operation, amount: points, ai: { ...ai, work: { ...work, price, costUsd } } };
}

/** A use names its work beside the rest, and a hold in a field of its own: a refusal names what was sent. */
function inField<T>(field: string, quote: () => T): T {
  try {
    return quote();
  } catch (error) {
    throw error instanceof Refusal ? error.inside(field) : error;
  }
}

/**
 * What is said of a hold, with the amount that its work comes to by the price that the hold was taken at, whatever the
 * catalog says by now; and the hold with what its model is known to have done.
 */
export function pricedOf<O extends ProgressOperation | SettleOperation>(
  operation: O,
  held: Hold,
): { operation: O; held: Hold } {
  const { work: said } = operation;
  const known = held.ai?.work;
  if (known === undefined) {
    if (said !== undefined) throw noModel(held, said);
    return { operation, held };
  }
  const { model, price } = known;
  // Of a plain amount nobody knows what it cost.
  if (said === undefined) return { operation, held: withWork(held, { model, price, costUsd: null }) };
  const work = { ...said, model };
  const { points, costUsd } = priceWork(price, work);
  return {
    operation: { ...operation, amount: points },
    held: withWork(held, { ...work, price, costUsd }),
  };
}

function withWork(held: Hold, work: NonNullable<NonNullable<Hold['ai']>['work']>): Hold {
  return { ...held, ai: { ...held.ai!, work } };
}

function noModel({ id }: Hold, { images }: Omit<ModelWork, 'model'>): Refusal {
  const param = images === undefined ? 'tokens' : 'images';
  return new Refusal('invalid_request', `${param}: the hold ${id} names no model: say the amount.`, {
    param,
  });
}
