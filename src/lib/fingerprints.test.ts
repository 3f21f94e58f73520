import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fingerprintOf } from './fingerprints.ts';

test('the order of fields, and fields that are absent, make no difference', () => {
  const fingerprint = fingerprintOf('use', { a: 1n, b: 'x', c: [1, { d: null, e: true }] });
  assert.equal(
    fingerprint,
    fingerprintOf('use', { c: [1, { e: true, d: null }], b: 'x', a: 1n, f: undefined }),
  );
  assert.match(fingerprint, /^[\w-]{22}$/);
});

for (const [one, other] of [
  [{ a: 1n }, { a: 1 }],
  [{ a: '1' }, { a: 1 }],
  [{ a: 'x","b":"y' }, { a: 'x', b: 'y' }],
  [{ a: null }, {}],
  [{ a: [1, 2] }, { a: [2, 1] }],
  [{ a: [[1], 2] }, { a: [1, [2]] }],
] as const) {
  const [left, right] = [one, other].map((each) =>
    JSON.stringify(each, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)),
  );
  test(`${left} is not ${right}`, () =>
    assert.notEqual(fingerprintOf('use', one), fingerprintOf('use', other)));
}

test('the verb makes a difference', () =>
  assert.notEqual(fingerprintOf('use', {}), fingerprintOf('refund', {})));
