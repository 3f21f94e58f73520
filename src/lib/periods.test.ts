import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { periodAt } from './periods.ts';

const ms = (iso: string) => Date.parse(iso);
const DAY_MS = 86_400_000;

for (const [window, anchor, now, start, end] of [
  ['day', '2026-01-31T09:30:00Z', '2026-02-03T09:29:59.999Z', '2026-02-02T09:30:00Z', '2026-02-03T09:30:00Z'],
  ['day', '2026-01-31T09:30:00Z', '2026-02-03T09:30:00Z', '2026-02-03T09:30:00Z', '2026-02-04T09:30:00Z'],
  ['day', '2026-01-31T09:30:00Z', '2026-01-30T12:00:00Z', '2026-01-30T09:30:00Z', '2026-01-31T09:30:00Z'],
  // Clocks change in March where people live, not in UTC.
  ['day', '2026-03-01T00:00:00Z', '2026-03-29T02:30:00Z', '2026-03-29T00:00:00Z', '2026-03-30T00:00:00Z'],
  ['week', '2026-11-23T08:00:00Z', '2026-11-23T08:00:00Z', '2026-11-23T08:00:00Z', '2026-11-30T08:00:00Z'],
  ['week', '2026-11-23T08:00:00Z', '2027-01-01T00:00:00Z', '2026-12-28T08:00:00Z', '2027-01-04T08:00:00Z'],
  [
    'week',
    '2026-11-23T08:00:00Z',
    '2026-11-23T07:59:59.999Z',
    '2026-11-16T08:00:00Z',
    '2026-11-23T08:00:00Z',
  ],
  ['month', '2026-01-15T06:00:00Z', '2026-01-15T06:00:00Z', '2026-01-15T06:00:00Z', '2026-02-15T06:00:00Z'],
  ['month', '2026-01-15T06:00:00Z', '2026-12-20T00:00:00Z', '2026-12-15T06:00:00Z', '2027-01-15T06:00:00Z'],
  ['month', '2026-01-15T06:00:00Z', '2025-12-31T00:00:00Z', '2025-12-15T06:00:00Z', '2026-01-15T06:00:00Z'],
  [
    'month',
    '2026-01-31T10:00:00Z',
    '2026-02-28T09:59:59.999Z',
    '2026-01-31T10:00:00Z',
    '2026-02-28T10:00:00Z',
  ],
  ['month', '2026-01-31T10:00:00Z', '2026-02-28T10:00:00Z', '2026-02-28T10:00:00Z', '2026-03-31T10:00:00Z'],
  ['month', '2026-01-31T10:00:00Z', '2026-04-15T00:00:00Z', '2026-03-31T10:00:00Z', '2026-04-30T10:00:00Z'],
  ['month', '2026-01-31T10:00:00Z', '2026-05-01T00:00:00Z', '2026-04-30T10:00:00Z', '2026-05-31T10:00:00Z'],
  ['month', '2028-01-31T10:00:00Z', '2028-02-29T10:00:00Z', '2028-02-29T10:00:00Z', '2028-03-31T10:00:00Z'],
  ['month', '2028-02-29T00:00:00Z', '2029-02-28T12:00:00Z', '2029-02-28T00:00:00Z', '2029-03-29T00:00:00Z'],
  ['month', '2028-02-29T00:00:00Z', '2032-03-01T00:00:00Z', '2032-02-29T00:00:00Z', '2032-03-29T00:00:00Z'],
  ['month', '2026-01-30T00:00:00Z', '2100-02-28T00:00:00Z', '2100-02-28T00:00:00Z', '2100-03-30T00:00:00Z'],
  ['month', '2026-01-30T00:00:00Z', '2000-02-29T00:00:00Z', '2000-02-29T00:00:00Z', '2000-03-30T00:00:00Z'],
  [
    'month',
    '1970-01-01T00:00:00Z',
    '1969-12-31T23:59:59.999Z',
    '1969-12-01T00:00:00Z',
    '1970-01-01T00:00:00Z',
  ],
] as const) {
  test(`anchored at ${anchor}, the ${window} of ${now} begins at ${start} and ends at ${end}`, () => {
    assert.deepEqual(periodAt(window, ms(anchor), ms(now)), { start: ms(start), end: ms(end) });
  });
}

test('for ever begins at the anchor and never ends, whenever one looks', () => {
  for (const now of [-1, 0, 1]) assert.deepEqual(periodAt('forever', 0, now), { start: 0, end: null });
});

const anchors = fc.integer({ min: ms('1970-01-01T00:00:00Z'), max: ms('2200-12-31T23:59:59.999Z') });
const instants = fc.integer({ min: ms('1900-01-01T00:00:00Z'), max: ms('2400-01-01T00:00:00Z') });
const RUNS = { numRuns: 2000 };
const recurring = fc.constantFrom('day', 'week', 'month');

test('a period holds its instant, and its first and last instants lie in it', () => {
  fc.assert(
    fc.property(recurring, anchors, instants, (window, anchor, now) => {
      const period = periodAt(window, anchor, now);
      assert(period.start <= now && now < period.end!);
      assert.deepEqual(periodAt(window, anchor, period.start), period);
      assert.deepEqual(periodAt(window, anchor, period.end! - 1), period);
    }),
    RUNS,
  );
});

test('periods tile time: each begins where the one before it ends', () => {
  fc.assert(
    fc.property(recurring, anchors, instants, (window, anchor, now) => {
      const { start, end } = periodAt(window, anchor, now);
      assert.equal(periodAt(window, anchor, start - 1).end, start);
      assert.equal(periodAt(window, anchor, end!).start, end);
    }),
    RUNS,
  );
});

test('the anchor begins a period', () => {
  fc.assert(
    fc.property(recurring, anchors, (window, anchor) => {
      assert.equal(periodAt(window, anchor, anchor).start, anchor);
    }),
    RUNS,
  );
});

test('a month begins on the day of its anchor or on the last day of a shorter month, at the same time', () => {
  fc.assert(
    fc.property(anchors, instants, (anchor, now) => {
      const start = new Date(periodAt('month', anchor, now).start);
      const lastDay = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 0)).getUTCDate();
      assert.equal(start.getUTCDate(), Math.min(new Date(anchor).getUTCDate(), lastDay));
      assert.equal(start.toISOString().slice(10), new Date(anchor).toISOString().slice(10));
    }),
    RUNS,
  );
});

test('every calendar month from 1970 to 2400 has exactly one beginning', () => {
  for (const day of [1, 28, 29, 30, 31]) {
    const anchor = Date.UTC(2026, 0, day, 12);
    let { start } = periodAt('month', anchor, Date.UTC(1970, 0, day, 12));
    for (let month = 0; month < 430 * 12; month++) {
      const date = new Date(start);
      assert.equal((date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth(), month);
      const next = periodAt('month', anchor, start).end!;
      assert(next - start >= 28 * DAY_MS && next - start <= 31 * DAY_MS);
      start = next;
    }
  }
});
