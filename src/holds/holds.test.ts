import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { testDatabase } from '../../test/database.ts';
import { openServices } from '../../test/history.ts';
import { audit } from '../audit/audit.ts';
import { grantCredits } from '../credits/credits.ts';
import { findWorkspacesWithExpired } from '../jobs/store.ts';
import { toMicros } from '../lib/amounts.ts';
import { Refusal } from '../lib/errors.ts';
import { getHold, type HoldInput, hold, progress, release, settle } from './holds.ts';

// Two processes of one database, as far as they know of each other.
const database = await testDatabase();
const [here, there] = [await openServices(database), await openServices(database)];
after(async () => {
  try {
    const { checks } = await audit(database.db, { now: new Date() });
    assert.deepEqual(
      checks.filter(({ ok }) => !ok),
      [],
    );
  } finally {
    await Promise.all([here.close(), there.close()]);
    await database.drop();
  }
});

const micros = (units: number) => toMicros(units)!;
let workspaces = 0;

/** A workspace with so many credits, which pay for calls at a half each. */
async function workspaceWith(credits: number, expiresAt: number | null = null): Promise<string> {
  const workspaceId = `ws_${++workspaces}`;
  await database.pool.query('insert into "Workspace" (id, name) values ($1, $1)', [workspaceId]);
  const gift = { type: 'PROMOTION', description: '', priority: 50, expiresAt } as const;
  await grantCredits(here, { workspaceId, amount: micros(credits), ...gift });
  return workspaceId;
}

const calls = (workspaceId: string, amount: number, more: Partial<HoldInput> = {}): HoldInput => ({
  ...{ workspaceId, featureCode: 'api.calls', amount: micros(amount) },
  ...{ ttlSeconds: 60, onExpire: 'release', ...more },
});

const walletOf = async (workspaceId: string) => {
  const { rows } = await database.pool.query(
    'select balance::float8, held::float8, "totalUsage"::float8 as used from "Credit" where "workspaceId" = $1',
    [workspaceId],
  );
  return rows[0];
};

const isNotOpen = (status: string) => (error: unknown) =>
  error instanceof Refusal && error.code === 'hold_not_open' && error.details!.status === status;

test('what one process holds another one settles, and the first one knows', async () => {
  const workspaceId = await workspaceWith(50);
  await hold(there, calls(workspaceId, 1)); // it has seen the workspace before
  const { value } = await hold(here, calls(workspaceId, 20));
  assert.equal((await progress(there, { id: value.id, amount: micros(5) })).value.progressAmount, 5);
  const settled = await settle(there, { id: value.id, amount: micros(12) });
  assert.deepEqual([settled.value.usage?.creditCost, settled.value.credit.held], [6, 0.5]);
  await assert.rejects(settle(here, { id: value.id, amount: micros(12) }), isNotOpen('SETTLED'));
  await assert.rejects(release(there, { id: value.id }), isNotOpen('SETTLED'));
  assert.deepEqual(await walletOf(workspaceId), { balance: 44, held: 0.5, used: 6 });
});

test('fifty who settle one hold at once, from two processes, charge it once', async () => {
  const workspaceId = await workspaceWith(50);
  const { value } = await hold(here, calls(workspaceId, 20));
  const answers = await Promise.allSettled(
    Array.from({ length: 50 }, (_, index) =>
      settle(index % 2 === 0 ? here : there, { id: value.id, amount: micros(10 + index / 10) }),
    ),
  );
  const done = answers.filter(({ status }) => status === 'fulfilled');
  assert.equal(done.length, 1);
  for (const answer of answers)
    if (answer.status === 'rejected') assert.ok(isNotOpen('SETTLED')(answer.reason));
  const { balance, held, used } = await walletOf(workspaceId);
  assert.deepEqual([balance + used, held], [50, 0]);
});

test("a host's transaction holds and settles if and when it commits", async () => {
  const workspaceId = await workspaceWith(50);
  const host = await database.pool.connect();
  await host.query('begin');
  const { value } = await hold(here, calls(workspaceId, 20), { transaction: host });
  assert.equal(value.credit.held, 10);
  await settle(here, { id: value.id, amount: micros(30) }, { transaction: host });
  await host.query('rollback');
  assert.deepEqual(await walletOf(workspaceId), { balance: 50, held: 0, used: 0 });
  await assert.rejects(
    settle(here, { id: value.id, amount: micros(1) }),
    (error) => error instanceof Refusal && error.code === 'not_found',
  );

  await host.query('begin');
  const again = await hold(here, calls(workspaceId, 20), { transaction: host });
  await host.query('commit');
  host.release();
  assert.equal((await settle(here, { id: again.value.id, amount: micros(30) })).value.usage?.creditCost, 15);
  assert.deepEqual(await walletOf(workspaceId), { balance: 35, held: 0, used: 15 });
});

test('what has expired is booked, though nobody asks for it, and once', async () => {
  const ids = await Promise.all(Array.from({ length: 5 }, () => workspaceWith(50)));
  const holds = await Promise.all(
    ids.map(async (id) => (await hold(here, calls(id, 20, { onExpire: 'settle' }))).value.id),
  );
  await Promise.all(holds.map((id) => progress(here, { id, amount: micros(4) })));
  here.clock.offsetMs += 61_000;
  there.clock.offsetMs += 61_000;
  await Promise.all([here.engine.bookExpired(), there.engine.bookExpired(), getHold(there, holds[0]!)]);
  for (const id of ids) assert.deepEqual(await walletOf(id), { balance: 48, held: 0, used: 2 });
  const row = await getHold(here, holds[1]!);
  assert.deepEqual([row.status, row.settledAmount], ['SETTLED', 4]);
});

test('what expired long ago, and nobody has looked at since, ends with what was used in its own month', async () => {
  const workspaceId = await workspaceWith(50);
  const points = { workspaceId, featureCode: 'ai.points', ttlSeconds: 60, onExpire: 'settle' } as const;
  const used = await hold(here, { ...points, amount: micros(30) });
  await settle(here, { id: used.value.id, amount: micros(30) });
  const { value } = await hold(here, { ...points, amount: micros(10) });
  await progress(here, { id: value.id, amount: micros(10) });
  there.clock.offsetMs += 75 * 86_400_000;
  await there.engine.bookExpired(workspaceId);
  there.clock.offsetMs -= 75 * 86_400_000;
  const { rows } = await database.pool.query(
    `select amount::float8, reasons -> 'allowance' -> 'used' as used from "Decision"
     where "workspaceId" = $1 and operation = 'SETTLE' order by id`,
    [workspaceId],
  );
  assert.deepEqual(rows, [
    { amount: 30, used: 30 },
    { amount: 10, used: 40 },
  ]);
});

test('credits that have expired, and are held, are left alone until they are not', async () => {
  const now = here.clock.now().getTime();
  const workspaceId = await workspaceWith(50, now + 30_000);
  const { value } = await hold(here, calls(workspaceId, 100));
  here.clock.offsetMs += 31_000;
  const due = await findWorkspacesWithExpired(here.pool, here.clock.now(), 10);
  assert.deepEqual(due, [], 'there is nothing to book');
  assert.deepEqual(await walletOf(workspaceId), { balance: 50, held: 50, used: 0 });
  await settle(here, { id: value.id, amount: micros(60) });
  assert.deepEqual(await walletOf(workspaceId), { balance: 0, held: 0, used: 30 });
});
