/** How often an allowance starts anew. The catalog's `Window` is the same; nothing in lib imports from above it. */
type Window = 'day' | 'week' | 'month' | 'forever';

/** Epoch milliseconds, UTC: from `start` up to, but without, `end`. No end: it never starts anew. */
export type Period = { start: number; end: number | null };

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;

/**
 * The period that `now` lies in. Periods are counted from the anchor, in both directions: a day begins at its time of
 * day, a week at its weekday and time, a month at its day of the month and time, or on the last day of a month that
 * is too short. The one period of `forever` begins at the anchor. All in epoch milliseconds, UTC.
 */
export function periodAt(window: Window, anchor: number, now: number): Period {
  switch (window) {
    case 'day':
      return evenPeriod(DAY_MS, anchor, now);
    case 'week':
      return evenPeriod(WEEK_MS, anchor, now);
    case 'month':
      return monthPeriod(anchor, now);
    case 'forever':
      return { start: anchor, end: null };
  }
}

function evenPeriod(length: number, anchor: number, now: number): Period {
  const start = anchor + Math.floor((now - anchor) / length) * length;
  return { start, end: start + length };
}

/** Each calendar month has one boundary, made from the anchor's own day, so that a short month shifts no later one. */
function monthPeriod(anchor: number, now: number): Period {
  const anchorDay = Math.floor(anchor / DAY_MS);
  const time = anchor - anchorDay * DAY_MS;
  const dayOfMonth = anchorDay - firstDayOf(monthOf(anchorDay));

  const month = monthOf(Math.floor(now / DAY_MS));
  const boundary = boundaryIn(month, dayOfMonth, time);
  return now < boundary
    ? { start: boundaryIn(month - 1, dayOfMonth, time), end: boundary }
    : { start: boundary, end: boundaryIn(month + 1, dayOfMonth, time) };
}

function boundaryIn(month: number, dayOfMonth: number, time: number): number {
  const first = firstDayOf(month);
  const last = firstDayOf(month + 1) - 1;
  return Math.min(first + dayOfMonth, last) * DAY_MS + time;
}

// The Gregorian calendar as plain arithmetic (Howard Hinnant, "chrono-compatible low-level date algorithms"): `Date`
// takes more than twice as long, and this runs in every decision. Days count from 1 January 1970, months from March of
// the year 0, so that a leap day is the last day of its year; every 400 years have the same number of days.
const DAYS_TO_1970 = 719_468; // from 1 March 0000
const DAYS_PER_400_YEARS = 146_097;

function monthOf(day: number): number {
  const fromMarch = day + DAYS_TO_1970;
  const era = Math.floor(fromMarch / DAYS_PER_400_YEARS);
  const dayOfEra = fromMarch - era * DAYS_PER_400_YEARS;
  const leapDays =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - daysBeforeYear(yearOfEra);
  return (era * 400 + yearOfEra) * 12 + Math.floor((5 * dayOfYear + 2) / 153);
}

function firstDayOf(month: number): number {
  const year = Math.floor(month / 12);
  const era = Math.floor(year / 400);
  const dayOfYear = Math.floor((153 * (month - year * 12) + 2) / 5);
  return era * DAYS_PER_400_YEARS + daysBeforeYear(year - era * 400) + dayOfYear - DAYS_TO_1970;
}

function daysBeforeYear(yearOfEra: number): number {
  return yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
}
