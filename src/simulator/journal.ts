import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import Stripe from 'stripe';
import { ConfigError } from '../lib/config.ts';

const SLACK = 1000; // changes beyond twice the rows that are worth rewriting the file for

/**
 * Opens the file, hands over every change in it, and returns how to append more. One line is one write, so that a
 * crash leaves all of it or nothing; a last line without its end was never answered for, and is cut off.
 */
export function openJournal<Change>(
  path: string,
  apply: (change: Change) => void,
  rows: () => Iterable<Change>,
) {
  mkdirSync(dirname(path), { recursive: true });
  const count = existsSync(path) ? load(path, apply) : 0;
  const left = [...rows()];
  if (count > 2 * left.length + SLACK) rewrite(path, left);
  const file = openSync(path, 'a', 0o600);
  return {
    append: (changes: Change[]) => appendFileSync(file, `${JSON.stringify(changes)}\n`),
    close: () => closeSync(file),
  };
}

function load<Change>(path: string, apply: (change: Change) => void): number {
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end < bytes.length) truncateSync(path, end);
  let count = 0;
  for (const [index, line] of bytes.subarray(0, end).toString().split('\n').entries()) {
    if (line === '') continue;
    for (const change of parse<Change>(line, `${path}:${index + 1}`)) {
      apply(change);
      count++;
    }
  }
  return count;
}

function parse<Change>(line: string, where: string): Change[] {
  try {
    return JSON.parse(line, reviveDecimals);
  } catch {
    throw new ConfigError(
      `The simulator's journal is damaged at ${where}; move the file away to start afresh.`,
    );
  }
}

const DECIMALS = ['unit_amount_decimal', 'amount_decimal', 'quantity_decimal'];

/** Decimals are text in JSON, and objects in the types of the `stripe` package. */
function reviveDecimals(key: string, value: unknown): unknown {
  return DECIMALS.includes(key) && typeof value === 'string' ? Stripe.Decimal.from(value) : value;
}

function rewrite(path: string, changes: unknown[]): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, changes.map((change) => `${JSON.stringify([change])}\n`).join(''), { mode: 0o600 });
  renameSync(fresh, path);
}
