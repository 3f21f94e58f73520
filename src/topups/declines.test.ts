import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterDecline, isAboutCard, monthOf } from './declines.ts';

const NOW = new Date('2026-12-31T23:30:00Z');

for (const [code, advice, declines, status, hours] of [
  ['lost_card', 'do_not_try_again', 1, 'STOPPED', null],
  ['pickup_card', null, 1, 'STOPPED', null],
  ['no_card', null, 1, 'STOPPED', null],
  ['insufficient_funds', 'try_again_later', 1, 'BACKING_OFF', 1],
  ['insufficient_funds', null, 2, 'BACKING_OFF', 6],
  ['insufficient_funds', null, 3, 'BACKING_OFF', 24],
  ['insufficient_funds', null, 4, 'BACKING_OFF', 72],
  ['insufficient_funds', null, 5, 'STOPPED', null],
  ['some_new_reason', null, 1, 'BACKING_OFF', 1],
  ['some_new_reason', 'do_not_try_again', 1, 'STOPPED', null],
  ['some_new_reason', 'confirm_card_data', 1, 'STOPPED', null],
  ['authentication_required', null, 1, 'ACTION_REQUIRED', null],
  ['authentication_required', null, 9, 'ACTION_REQUIRED', null],
] as const) {
  test(`${code}, ${advice ?? 'no advice'}, the ${declines}th time: ${status}${hours === null ? '' : ` for ${hours} hours`}`, () => {
    const nextTryAt = hours === null ? null : new Date(NOW.getTime() + hours * 3_600_000);
    assert.deepEqual(afterDecline({ code, advice }, declines, NOW), { status, why: code, nextTryAt });
  });
}

test('a month is the calendar month in UTC', () => {
  assert.deepEqual(monthOf(NOW), {
    start: new Date('2026-12-01T00:00:00Z'),
    end: new Date('2027-01-01T00:00:00Z'),
  });
});

test('another card changes what a bank said, and neither the month nor the catalog', () => {
  assert.deepEqual(['lost_card', 'no_card', 'monthly_max_reached', 'pack_not_sold', null].map(isAboutCard), [
    true,
    true,
    false,
    false,
    false,
  ]);
});
