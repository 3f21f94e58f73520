import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nextRenewal, periodAround } from './periods.ts';

const seconds = (iso: string) => Date.parse(iso) / 1000;
const day = (at: number) => new Date(at * 1000).toISOString().slice(0, 10);

describe('a year of renewals, from the anchor', () => {
  for (const [anchor, interval, count, renewals] of [
    ['2027-01-31T10:00:00Z', 'month', 1, '02-28 03-31 04-30 05-31 06-30 07-31 08-31 09-30 10-31 11-30 12-31'],
    ['2028-01-30T23:59:59Z', 'month', 1, '02-29 03-30 04-30 05-30'],
    ['2026-12-15T00:00:00Z', 'month', 3, '03-15 06-15 09-15 12-15'],
    ['2028-02-29T00:00:00Z', 'year', 1, '02-28 02-28 02-28 02-29'],
    ['2026-12-28T06:00:00Z', 'week', 1, '01-04 01-11 01-18'],
    ['2026-12-30T06:00:00Z', 'day', 2, '01-01 01-03'],
  ] as const) {
    test(`every ${count} ${interval} from ${anchor}: ${renewals}`, () => {
      const start = seconds(anchor);
      const found: number[] = [];
      for (let at = start; found.length < renewals.split(' ').length; ) {
        at = nextRenewal(start, { interval, interval_count: count }, at);
        found.push(at);
      }
      assert.equal(found.map((at) => day(at).slice(5)).join(' '), renewals);
      assert.ok(found.every((at) => at % 86_400 === start % 86_400));
    });
  }
});

describe('the period around a moment', () => {
  for (const [anchor, at, start, end] of [
    ['2027-01-31', '2027-02-01', '2027-01-31', '2027-02-28'],
    ['2027-01-31', '2027-02-28', '2027-02-28', '2027-03-31'],
    ['2027-03-31', '2027-02-10', '2027-01-31', '2027-02-28'],
    ['2027-06-15', '2027-06-01', '2027-05-15', '2027-06-15'],
  ] as const) {
    test(`${at} counted from ${anchor}: ${start} to ${end}`, () => {
      const found = periodAround(seconds(anchor), { interval: 'month', interval_count: 1 }, seconds(at));
      assert.deepEqual([day(found.start), day(found.end)], [start, end]);
    });
  }
});
