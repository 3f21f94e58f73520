import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/database.ts';
import { newId } from '../lib/ids.ts';
import { type Change, commit } from './change.ts';

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database.drop());

/** Makes a user unless there is one; between looking and making it waits. */
function makeUser(id: string, looked: () => Promise<void>): { change: Change; times(): number } {
  let times = 0;
  const change: Change = async (tx) => {
    times++;
    const { rows } = await tx.query({ text: 'select from "User" where id = $1', values: [id] });
    await looked();
    if (rows.length === 0) {
      await tx.query({ text: 'insert into "User" (id, "createdAt") values ($1, now())', values: [id] });
    }
    return { status: 'APPLIED' };
  };
  return { change, times: () => times };
}

test('of two that make the same row at the same moment, the later one looks again and finds it', async () => {
  const id = newId('user');
  let looking = 0;
  let go = () => {};
  const both = new Promise<void>((resolve) => {
    go = resolve;
  });
  const looked = () => {
    if (++looking === 2) go();
    return both;
  };
  const makers = [makeUser(id, looked), makeUser(id, looked)];
  const verdicts = await Promise.all(makers.map(({ change }) => commit({ pool: database.pool }, change)));
  assert.deepEqual(verdicts, [{ status: 'APPLIED' }, { status: 'APPLIED' }]);
  assert.equal(makers[0]!.times() + makers[1]!.times(), 3);
});

test('what violates a rule again and again is thrown after all', async () => {
  const id = newId('user');
  const text = 'insert into "User" (id, "createdAt") values ($1, now()), ($1, now())';
  let times = 0;
  const change: Change = async (tx) => {
    times++;
    await tx.query({ text, values: [id] });
    return { status: 'APPLIED' };
  };
  await assert.rejects(commit({ pool: database.pool }, change), { code: '23505' });
  assert.equal(times, 6);
});
