import type Stripe from 'stripe';
import { fingerprintOf } from '../../lib/fingerprints.ts';
import { ask } from '../client.ts';
import { oddAnswer } from './found.ts';
import type { Call } from './types.ts';

/**
 * Makes one call. Its idempotency key follows from what it asks for, so that whoever asks at once, or again after an
 * answer was lost, makes nothing twice. Stripe answers a repeat from memory for a day, also where it was undone in
 * between; the round tells such calls apart.
 */
export async function applyCall(stripe: Stripe, call: Call, round: number): Promise<void> {
  const options = { idempotencyKey: `catalog-${fingerprintOf('catalog', call, round)}` };
  switch (call.verb) {
    case 'create product': {
      const product = await ask(() => stripe.products.create(call.params, options));
      return expectObject(product, 'product', call.params.id);
    }
    case 'change product': {
      const product = await ask(() => stripe.products.update(call.id, call.params, options));
      return expectObject(product, 'product', call.id);
    }
    case 'create price': {
      const price = await ask(() => stripe.prices.create(call.params, options));
      const { lookup_key: key, currency, unit_amount: amount } = call.params;
      const isAsked =
        price.object === 'price' &&
        price.lookup_key === key &&
        price.currency === currency &&
        price.unit_amount === amount;
      if (!isAsked) throw oddAnswer(`the price ${key}`);
      return;
    }
    case 'change price': {
      const price = await ask(() => stripe.prices.update(call.id, call.params, options));
      return expectObject(price, 'price', call.id);
    }
  }
}

function expectObject(answer: { object: string; id: string }, object: string, id: string): void {
  if (answer.object !== object || answer.id !== id) throw oddAnswer(`the ${object} ${id}`);
}
