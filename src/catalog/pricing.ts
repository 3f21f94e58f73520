import { type Micros, multiplyUp, toUnits } from '../lib/amounts.ts';
import { Refusal } from '../lib/errors.ts';
import { whyNotCharged } from './money.ts';
import type { Catalog } from './types.ts';

/** What is paid, in micro-units of the major unit of a lower-case currency, and the credits that it buys. */
export type CreditsPrice = { amount: Micros; currency: string; credits: Micros };

/** What a pack costs. Without a currency: in the catalog's default one. */
export function priceOfPack(catalog: Catalog, packId: string, currency?: string): CreditsPrice {
  const pack = catalog.packs.get(packId);
  if (pack === undefined) {
    throw new Refusal('invalid_request', `There is no pack "${packId}"; ${list('packs', catalog.packs)}.`, {
      param: 'pack',
    });
  }
  const [key, amount] = pick(pack.prices, currency, `The pack "${packId}"`);
  return { amount, currency: key, credits: pack.credits };
}

/** What an amount of the buyer's choice buys. Without a currency: in the catalog's default one. */
export function priceOfAmount(catalog: Catalog, amount: Micros, currency?: string): CreditsPrice {
  if (catalog.customCredits.size === 0) {
    const message = `This catalog sells credits in packs only; ${list('packs', catalog.packs)}.`;
    throw new Refusal('invalid_request', message, { param: 'amount' });
  }
  const [key, { amountMin, amountMax, creditsPerUnit }] = pick(
    catalog.customCredits,
    currency,
    'An amount of your choice',
  );
  if (amount < amountMin || amount > amountMax) {
    const message = `amount must be from ${toUnits(amountMin)} to ${toUnits(amountMax)} in ${key}.`;
    throw new Refusal('invalid_request', message, { param: 'amount' });
  }
  const problem = whyNotCharged(key, amount);
  if (problem !== null) throw new Refusal('invalid_request', `amount ${problem}.`, { param: 'amount' });
  // Rounded in the buyer's favour, by less than a millionth of a credit.
  return { amount, currency: key, credits: multiplyUp(amount, creditsPerUnit) };
}

/** The entry of a currency, which may be written in either case; without one, the first, which is the default. */
function pick<T>(entries: Map<string, T>, currency: string | undefined, what: string): [string, T] {
  for (const [key, entry] of entries) {
    if (currency === undefined || key === currency.toLowerCase()) return [key, entry];
  }
  throw new Refusal(
    'invalid_request',
    `${what} is not sold in "${currency}"; ${list('currencies', entries)}.`,
    {
      param: 'currency',
    },
  );
}

function list(what: string, entries: Map<string, unknown>): string {
  return entries.size === 0 ? `there are no ${what}` : `${what}: ${[...entries.keys()].join(', ')}`;
}
