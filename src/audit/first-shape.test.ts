import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { firstShapeDatabase, insertRows, oldRows } from '../../test/first-shape.ts';
import { makeHistory, openServices, refused } from '../../test/history.ts';
import { useAI } from '../ai/ai.ts';
import { migrate } from '../db/migrate.ts';
import { refundUse, use } from '../entitlements/entitlements.ts';
import { MICROS_PER_UNIT } from '../lib/amounts.ts';
import { audit } from './audit.ts';

const database = await firstShapeDatabase();
after(() => database.drop());
const old = oldRows();
const times = { createdAt: '2022-05-05T10:00:00', updatedAt: '2022-05-05T10:00:00' };
// Its only row: what is allowed for ever begins with it, and is counted on in it.
old.Workspace.push({ id: 'ws_old', name: 'old' });
old.FeatureUsage.push({ id: 'fu_old', workspaceId: 'ws_old', featureCode: 'export', used: 10.1, ...times });
await insertRows(database.pool, old);
await migrate(database.pool);

const findBroken = async () =>
  (await audit(database.db, { now: new Date() })).checks.filter((check) => !check.ok);

test('a database that was migrated is clean', async () => {
  assert.deepEqual(await findBroken(), []);
});

test('it stays clean while old wallets pay, old periods are counted on, and uses are given back', async () => {
  await makeHistory(database);
  const services = await openServices(database);
  const workspaceIds = Array.from({ length: 120 }, (_, i) => (i === 0 ? 'ws_old' : `ws_${i}`));
  await Promise.all(
    workspaceIds.map(async (workspaceId, i) => {
      const call = { workspaceId, featureCode: 'api.calls', amount: 2n * MICROS_PER_UNIT };
      await refused(use(services, call));
      await refused(use(services, { ...call, featureCode: 'export' }));
      await refused(use(services, { ...call, featureCode: 'export', amount: 1n }));
      await refused(useAI(services, { workspaceId, points: 300, type: 'IMAGE_GENERATION', pageId: 'page' }));
      if (i % 3 === 0) await refused(use(services, call).then(({ value }) => refundUse(services, value)));
    }),
  );
  await services.close();
  assert.deepEqual(await findBroken(), []);
});

const PERIOD = 'the allowance that was used in a period is what uses took and refunds gave back';
const GRANT = 'a grant is what is left, spent, expired and clawed back of it, as decisions say';

test('an old period has what it came with and what uses took since, no more and no less', async () => {
  for (const wrong of ['used + 0.000001', '1']) {
    await spoil(`update "FeatureUsage" set used = ${wrong} where id = 'fu_old' returning id`);
    const [broken, ...others] = await findBroken();
    assert.deepEqual(others, []);
    assert.equal(broken?.name, PERIOD);
    assert.partialDeepStrictEqual(broken.failures, [{ id: 'fu_old', counted: 2.000001, before: 10.1 }]);
  }
  await spoil(`update "FeatureUsage" set used = 12.100001 where id = 'fu_old' returning id`);
  assert.deepEqual(await findBroken(), []);
});

test('credits that are moved between old purchases are missed there', async () => {
  const [{ workspaceId }] = (await spoil(`
    select "workspaceId" from "CreditGrant" where id like 'op_00opening_record%' and amount > 2
    group by "workspaceId"
    having max(remaining) > 1 and count(*) filter (where remaining < amount - 1) > 0 and count(*) > 1
    order by 1 limit 1`)) as [{ workspaceId: string }];
  const named = await spoil(`
    with giver as (
      select id from "CreditGrant"
      where "workspaceId" = '${workspaceId}' and id like 'op_00opening_record%' and remaining > 1
      order by remaining desc limit 1
    ), taker as (
      select id from "CreditGrant"
      where "workspaceId" = '${workspaceId}' and id like 'op_00opening_record%' and remaining < amount - 1
        and id not in (select id from giver)
      limit 1
    )
    update "CreditGrant" set remaining = remaining + case when id in (select id from giver) then -1 else 1 end
    where id in (select id from giver union select id from taker) returning id`);
  const [broken, ...others] = await findBroken();
  assert.deepEqual(others, []);
  assert.equal(broken?.name, GRANT);
  assert.deepEqual(broken.failures.map(({ id }) => id).sort(), named.map(({ id }) => id).sort());
});

async function spoil(statement: string): Promise<Record<string, unknown>[]> {
  const { rows } = await database.pool.query<Record<string, unknown>>(statement);
  assert(rows.length > 0, 'there was a row to spoil');
  return rows;
}
