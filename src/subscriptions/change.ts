import { type Interval, PLANS } from '../catalog/types.ts';
import type { Terms } from './types.ts';

/** What another plan or interval comes to. */
export type Change =
  /** More, at once: the difference is paid for what is left of the period. */
  | 'upgrade'
  /** Less, when the period that is paid for ends. */
  | 'downgrade'
  /** As it is: what is pending is given up. */
  | 'none';

/** A better plan is an upgrade, and so is a year of the same one; everything else waits for the end of the period. */
export function changeOf(from: Terms, to: Terms): Change {
  const rank = compare(PLANS.indexOf(to.plan), PLANS.indexOf(from.plan));
  const longer = compare(MONTHS[to.interval], MONTHS[from.interval]);
  if (rank === 0 && longer === 0) return 'none';
  return (rank || longer) > 0 ? 'upgrade' : 'downgrade';
}

const MONTHS: Record<Interval, number> = { month: 1, year: 12 };

function compare(a: number, b: number): number {
  return Math.sign(a - b);
}
