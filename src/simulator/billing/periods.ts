/** How often a price is due: every month, every two weeks. */
export type Recurrence = { interval: string; interval_count: number };
export type Period = { start: number; end: number };

export const HOUR_SECONDS = 3_600;
export const DAY_SECONDS = 86_400;

const MONTHS: Record<string, number> = { month: 1, year: 12 };
const DAYS: Record<string, number> = { day: 1, week: 7 };
const DAYS_MAX: Record<string, number> = { ...DAYS, month: 31, year: 366 };

/** The first renewal after a moment, counted from the anchor: 31 January, 28 February, 31 March. */
export function nextRenewal(anchor: number, recurrence: Recurrence, after: number): number {
  const longest = DAYS_MAX[recurrence.interval]! * recurrence.interval_count * DAY_SECONDS;
  let index = Math.floor((after - anchor) / longest);
  while (renewal(anchor, recurrence, index) > after) index--;
  while (renewal(anchor, recurrence, index) <= after) index++;
  return renewal(anchor, recurrence, index);
}

/** The period that a moment falls into, counted from the anchor. */
export function periodAround(anchor: number, recurrence: Recurrence, at: number): Period {
  const end = nextRenewal(anchor, recurrence, at);
  const length = DAYS_MAX[recurrence.interval]! * recurrence.interval_count * DAY_SECONDS;
  let start = nextRenewal(anchor, recurrence, end - 2 * length);
  for (let next = start; next < end; next = nextRenewal(anchor, recurrence, next)) start = next;
  return { start, end };
}

function renewal(anchor: number, { interval, interval_count: count }: Recurrence, index: number): number {
  const months = MONTHS[interval];
  if (months !== undefined) return addMonths(anchor, months * count * index);
  return anchor + DAYS[interval]! * count * index * DAY_SECONDS;
}

/** The same day and time of another month; its last day where it is too short. */
function addMonths(at: number, months: number): number {
  const date = new Date(at * 1000);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + months];
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const day = Math.min(date.getUTCDate(), lastDay);
  return Date.UTC(year, month, day) / 1000 + (at % DAY_SECONDS);
}
