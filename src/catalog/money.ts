import { MICROS_PER_UNIT, type Micros, toUnits } from '../lib/amounts.ts';
import { chargeMaximum, chargeMinimum, currencyDecimals, isSupportedCurrency } from '../lib/currencies.ts';
import type { Part } from './part.ts';
import { PRICE } from './shape.ts';

/** What is wrong with an amount of money that is to be charged, as `must …`; null if nothing is. */
export function whyNotCharged(currency: string, amount: Micros): string | null {
  const decimals = currencyDecimals(currency);
  if (amount % (MICROS_PER_UNIT / 10n ** BigInt(decimals)) !== 0n) {
    return `must have ${decimals === 0 ? 'no' : `at most ${decimals}`} decimals in ${currency}`;
  }
  if (amount < chargeMinimum(currency)) {
    return `must be at least ${toUnits(chargeMinimum(currency))}: Stripe charges no less in ${currency}`;
  }
  if (amount > chargeMaximum(currency)) {
    return `must be at most ${toUnits(chargeMaximum(currency))}: Stripe charges no more in ${currency}`;
  }
  return null;
}

/** Reads the prices of a configuration: all of them in the same currencies, the default currency first. */
export class Prices {
  readonly #default: Part;
  readonly #tables: { part: Part; currencies: string[] }[] = [];

  constructor(defaultCurrency: Part) {
    this.#default = defaultCurrency;
  }

  /** A price per currency. */
  read(part: Part): Map<string, Micros> {
    const price = part.read(PRICE);
    if (price === undefined) return new Map();
    const prices = this.arrange(part, Object.entries(price));
    for (const [currency, amount] of prices) this.checkAmount(part.at(currency), currency, amount);
    return new Map(prices);
  }

  /** Takes note of a table's currencies, and puts the default currency first. */
  arrange<T>(part: Part, entries: [string, T][]): [string, T][] {
    const currencies = entries.map(([currency]) => currency);
    for (const currency of currencies.filter((currency) => !isCurrency(currency))) {
      part.at(currency).refuse('is no currency that Stripe charges in; write codes such as usd');
    }
    this.#tables.push({ part, currencies: currencies.filter(isCurrency) });
    const isDefault = ([currency]: [string, T]) => Number(currency === this.#default.value);
    return entries.sort((a, b) => isDefault(b) - isDefault(a));
  }

  checkAmount(part: Part, currency: string, amount: Micros): void {
    const problem = isCurrency(currency) ? whyNotCharged(currency, amount) : null;
    if (problem !== null) part.refuse(problem);
  }

  /** Once every price is read: are they all in the same currencies, and is the default one of them? */
  checkCurrencies(): void {
    const all = [...new Set(this.#tables.flatMap((table) => table.currencies))];
    for (const { part, currencies } of this.#tables) {
      const missing = all.filter((currency) => !currencies.includes(currency));
      if (missing.length > 0) {
        part.refuse(`must also have ${missing.join(', ')}: every price is in the same currencies`);
      }
    }
    const currency = this.#default.value;
    if (all.length === 0 ? !isCurrency(currency) : !all.some((other) => other === currency)) {
      const possible =
        all.length === 0 ? 'one that Stripe charges in' : `one that has prices: ${all.join(', ')}`;
      this.#default.refuse(`must be a currency, ${possible}`);
    }
  }
}

/** Written in lower case, as Stripe does. */
function isCurrency(value: unknown): boolean {
  return typeof value === 'string' && value === value.toLowerCase() && isSupportedCurrency(value);
}
