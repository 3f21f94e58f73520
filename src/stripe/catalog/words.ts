import { toUnits } from '../../lib/amounts.ts';
import { fromStripeAmount } from '../../lib/currencies.ts';
import type { Call, Change, FoundPrice } from './types.ts';

/** What a push says of a change: what differs, and what is done. */
export function lineOf({ name, drift, call }: Change): string {
  return `${name}${drift === null ? '' : ` ${drift}`}: ${deedOf(call)}`;
}

function deedOf(call: Call): string {
  switch (call.verb) {
    case 'create product':
      return `create the product ${quote(call.params.name)}`;
    case 'change product': {
      const { name, active, default_price: price } = call.params;
      if (name !== undefined) return 'rename it';
      if (price === '') return 'leave it without a default price';
      if (price !== undefined) return `make ${price} its default price`;
      return active === true ? 'put it on sale again' : 'archive it';
    }
    case 'create price': {
      const { unit_amount: amount = null, currency, recurring } = call.params;
      return `create the price ${describePrice({ amount, currency, every: recurring?.interval ?? 'once' })}`;
    }
    case 'change price': {
      const { active, lookup_key: key } = call.params;
      if (active === false) return `archive ${call.id}`;
      const deeds = [
        ...(active === true ? [`put ${call.id} on sale again`] : []),
        ...(key === undefined ? [] : [`give ${call.id} the key`]),
      ];
      return deeds.join(', ');
    }
  }
}

export function describePrice({
  amount,
  currency,
  every,
}: Pick<FoundPrice, 'amount' | 'currency' | 'every'>): string {
  const money = amount === null ? 'no fixed amount in' : toUnits(fromStripeAmount(currency, amount));
  return `${money} ${currency} ${every === 'once' ? every : `per ${every}`}`;
}

/** As JSON, so that a name can do nothing to a terminal. */
export function quote(name: string): string {
  return JSON.stringify(name);
}
