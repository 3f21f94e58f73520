import { MICROS_PER_UNIT, type Micros, toUnits } from '../lib/amounts.ts';
import { chargeMaximum, chargeMinimum, currencyDecimals, isSupportedCurrency } from '../lib/currencies.ts';
import type { Path, Problems } from './problems.ts';
import { PRICE } from './shape.ts';

/** What is wrong with an amount of money that is to be charged, as `must …`; null if nothing is. */
export function whyNotCharged(currency: string, amount: Micros): string | null {
  const decimals = currencyDecimals(currency);
  if (amount % (MICROS_PER_UNIT / 10n ** BigInt(decimals)) !== 0n)
    return `must have ${decimals === 0 ? 'no' : `at most ${decimals}`} decimals in ${currency}`;
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
  readonly #problems: Problems;
  readonly #default: unknown;
  readonly #tables: { path: Path; currencies: string[] }[] = [];

  constructor(problems: Problems, defaultCurrency: unknown) {
    this.#problems = problems;
    this.#default = defaultCurrency;
  }

  /** A price per currency. */
  read(value: unknown, path: Path): Map<string, Micros> {
    const price = this.#problems.read(PRICE, value, path);
    if (price === undefined) return new Map();
    const entries = this.arrange(Object.entries(price), path);
    for (const [currency, amount] of entries) this.checkAmount(currency, amount, [...path, currency]);
    return new Map(entries);
  }

  /** Takes note of a table's currencies, and puts the default currency first. */
  arrange<T>(entries: [string, T][], path: Path): [string, T][] {
    const currencies = entries.map(([currency]) => currency);
    for (const currency of currencies.filter((currency) => !isCurrency(currency))) {
      this.#problems.add(
        [...path, currency],
        'is no currency that Stripe charges in; write codes such as usd',
      );
    }
    this.#tables.push({ path, currencies: currencies.filter(isCurrency) });
    return entries.sort(([a], [b]) => Number(b === this.#default) - Number(a === this.#default));
  }

  checkAmount(currency: string, amount: Micros, path: Path): void {
    const problem = isCurrency(currency) ? whyNotCharged(currency, amount) : null;
    if (problem !== null) this.#problems.add(path, problem);
  }

  /** Once every price is read: are they all in the same currencies, and is the default one of them? */
  checkCurrencies(): void {
    const all = [...new Set(this.#tables.flatMap((table) => table.currencies))];
    for (const { path, currencies } of this.#tables) {
      const missing = all.filter((currency) => !currencies.includes(currency));
      if (missing.length > 0) {
        this.#problems.add(
          path,
          `must also have ${missing.join(', ')}: every price is in the same currencies`,
        );
      }
    }
    if (all.length === 0 ? !isCurrency(this.#default) : !all.includes(this.#default as string)) {
      const possible =
        all.length === 0 ? 'one that Stripe charges in' : `one that has prices: ${all.join(', ')}`;
      this.#problems.add(['currency'], `must be a currency, ${possible}`);
    }
  }
}

/** Written in lower case, as Stripe does. */
function isCurrency(value: unknown): boolean {
  return typeof value === 'string' && value === value.toLowerCase() && isSupportedCurrency(value);
}
