/**
 * Amounts are exact: bigint micro-units (1e-6) in code, Decimal(20,6) in the database, and numbers with at most six
 * decimals in JSON. Binary floats are met only at the two edges, and are refused where they carry more than that.
 */
export type Micros = bigint;

export const MICROS_PER_UNIT = 1_000_000n;

/** The largest amount of one request: 1,000,000,000 units, exact in a JSON number with six decimals. */
export const AMOUNT_MAX = 1_000_000_000n * MICROS_PER_UNIT;

/** The largest sum that is still exact as a JSON number: 2^53 micro-units, a little over 9,000,000,000 units. */
export const SUM_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/** A JSON number as micro-units, or undefined if it has more than six decimals or is out of range. */
export function toMicros(units: number): Micros | undefined {
  const micros = Math.round(units * 1e6);
  // Division rounds to the nearest double, so equality says that `units` is that decimal and no other.
  if (!Number.isSafeInteger(micros) || micros / 1e6 !== units) return undefined;
  return BigInt(micros);
}

/** Micro-units as a JSON number. Exact up to SUM_MAX; everything that Tollgate keeps stays below. */
export function toUnits(micros: Micros): number {
  return Number(micros) / 1e6;
}

/** Micro-units as the text of a Decimal(20,6). */
export function toDecimal(micros: Micros): string {
  if (micros === 0n) return '0.000000';
  const negative = micros < 0n;
  const digits = (negative ? -micros : micros).toString().padStart(7, '0');
  return `${negative ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}

/** The text of a Decimal(20,6), or of any decimal with at most six places, as micro-units. */
export function fromDecimal(text: string): Micros {
  const match = /^(-?)(\d+)(?:\.(\d{1,6}))?$/.exec(text);
  if (match === null) throw new Error(`not a decimal with at most six places: ${text}`);
  const micros = BigInt(match[2]! + (match[3] ?? '').padEnd(6, '0'));
  return match[1] === '-' ? -micros : micros;
}

/** amount × price, both in micro-units, rounded up to the next micro-unit: nothing is ever free by rounding. */
export function multiplyUp(amount: Micros, price: Micros): Micros {
  return (amount * price + MICROS_PER_UNIT - 1n) / MICROS_PER_UNIT;
}

/** The largest amount whose `multiplyUp` by this price is no more than the budget. The price is above zero. */
export function affordableAmount(budget: Micros, price: Micros): Micros {
  return (budget * MICROS_PER_UNIT) / price;
}

export function min(a: Micros, b: Micros): Micros {
  return a < b ? a : b;
}

export function max(a: Micros, b: Micros): Micros {
  return a > b ? a : b;
}
