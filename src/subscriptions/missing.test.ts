import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../../test/database.ts';
import { planCatalog } from '../../test/fixtures/catalog.ts';
import { reportMissingPlans } from './missing.ts';

test('a plan that is paid for, and that the catalog has no more, is told of', async (t) => {
  const { pool, drop } = await testDatabase();
  t.after(drop);
  await pool.query(`
    insert into "Workspace" (id, name)
    select 'ws' || n, '' from generate_series(1, 5) n;
    insert into "Subscription"
      (id, "paymentPlatform", "subscriptionId", status, "workspaceId", plan, "startDate", "endDate", "createdAt", "updatedAt")
    select 'sub' || n, 'STRIPE', 'sub_' || n, status::"SubscriptionStatus", 'ws' || n, plan::"PlanType", now(), now(), now(), now()
    from (values (1, 'ACTIVE', 'PRO'), (2, 'TRIAL', 'PRO'), (3, 'CANCELED', 'PRO'), (4, 'ACTIVE', 'BASIC'), (5, 'PAST_DUE', 'ENTERPRISE'))
      as standing(n, status, plan)`);
  const told = async (...gone: ('PRO' | 'ENTERPRISE')[]) => {
    const catalog = planCatalog(({ plans }) => {
      for (const plan of gone) delete plans[plan];
    });
    const reports: string[] = [];
    await reportMissingPlans({ pool, catalog, report: (message) => void reports.push(message) });
    return reports;
  };
  assert.deepEqual(await told(), []);
  assert.deepEqual(await told('PRO', 'ENTERPRISE'), [
    'the catalog has no plan PRO, which 2 workspaces are subscribed to',
    'the catalog has no plan ENTERPRISE, which a workspace is subscribed to',
  ]);
});
