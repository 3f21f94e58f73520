import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalForm, decodeForm, type Form, type FormValue } from './form.ts';

const plain = (value: FormValue): unknown =>
  typeof value === 'string'
    ? value
    : Object.fromEntries([...value].map(([key, inner]) => [key, plain(inner)]));
const decoded = (form: Form) => plain(form);

for (const [text, value] of [
  ['', {}],
  ['a=1&b=', { a: '1', b: '' }],
  ['a[b]=1&a[c]=2', { a: { b: '1', c: '2' } }],
  ['a[0][b]=1&a[1][b]=2', { a: { 0: { b: '1' }, 1: { b: '2' } } }],
  ['a[]=1&a[]=2', { a: { 0: '1', 1: '2' } }],
  ['a[][x]=1&a[][y]=2&a[][x]=3', { a: { 0: { x: '1', y: '2' }, 1: { x: '3' } } }],
  ['a%5Bb%5D=%E4%BD%A0+%26', { a: { b: '你 &' } }],
  ['a=1&a=2', { a: '2' }],
] as const) {
  test(`"${text}" is ${JSON.stringify(value)}`, () => assert.deepEqual(decoded(decodeForm(text)), value));
}

for (const text of ['[a]=1', 'a[b=1', 'a]b=1', 'a=1&a[b]=2', `a${'[b]'.repeat(6)}=1`, 'a=1&'.repeat(1001)]) {
  test(`"${text.slice(0, 30)}" is no form`, () =>
    assert.throws(() => decodeForm(text), { name: 'StripeError' }));
}

test('names that JavaScript objects have are names like others', () => {
  assert.deepEqual([...decodeForm('__proto__[a]=1&constructor=2').keys()], ['__proto__', 'constructor']);
});

test('the order of parameters makes no other request, the order of a list does', () => {
  assert.equal(canonicalForm('a=1&b=2'), canonicalForm('b=2&a=1'));
  assert.notEqual(canonicalForm('a[0]=1&a[1]=2'), canonicalForm('a[0]=2&a[1]=1'));
});
