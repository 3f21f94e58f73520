import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/database.ts';
import { claimRequest, forgetRequest, keepAnswer } from './store.ts';

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database.drop());

test('the first who claims a key is told so, later ones are given what is kept', async () => {
  const { db } = database;
  const first = { fingerprint: 'f', status: null, body: null };
  assert.deepEqual(await claimRequest(db, 'key', 'f'), { ...first, isNew: true });
  assert.deepEqual(await claimRequest(db, 'key', 'g'), { ...first, isNew: false });
  await keepAnswer(db, 'key', 402, { a: 1 });
  assert.deepEqual(await claimRequest(db, 'key', 'g'), {
    ...{ fingerprint: 'f', status: 402, body: '{"a":1}' },
    isNew: false,
  });
  await forgetRequest(db, 'key');
  assert.deepEqual(await claimRequest(db, 'key', 'g'), { ...first, fingerprint: 'g', isNew: true });
});

test('a claim is answered, though another forgets the request at the same moment', async () => {
  const { db } = database;
  const claims = Array.from({ length: 300 }, () => claimRequest(db, 'raced', 'f'));
  const forgotten = Array.from({ length: 300 }, () => forgetRequest(db, 'raced'));
  const answers = await Promise.all(claims);
  await Promise.all(forgotten);
  assert.ok(answers.every(({ fingerprint }) => fingerprint === 'f'));
  assert.ok(answers.some(({ isNew }) => isNew));
});
