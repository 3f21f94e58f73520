import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from './ids.ts';

test('ids rise, and no two are the same', () => {
  const ids = Array.from({ length: 20_000 }, () => newId('op'));
  assert.deepEqual(ids, [...new Set(ids)].sort());
  for (const id of ids.slice(0, 100)) assert.match(id, /^op_[0-9a-hjkmnp-tv-z]{26}$/);
});

test('the first ten characters are the time', () => {
  const before = Date.now();
  const id = newId('x');
  const digits = [...id.slice(2, 12)].map((character) =>
    '0123456789abcdefghjkmnpqrstvwxyz'.indexOf(character),
  );
  const ms = digits.reduce((sum, digit) => sum * 32 + digit, 0);
  assert.ok(ms >= before - 1000 && ms <= Date.now() + 1000);
});
