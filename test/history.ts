import type pg from 'pg';
import { useAI } from '../src/ai/ai.ts';
import { parseCatalog } from '../src/catalog/parse.ts';
import { keepVersion } from '../src/catalog/store.ts';
import { grantCredits, grantPlanCredits, grantPurchase } from '../src/credits/credits.ts';
import { openPool } from '../src/db/pool.ts';
import { createEngine, ENGINE_SETTINGS } from '../src/engine/engine.ts';
import { refundUse, use } from '../src/entitlements/entitlements.ts';
import { hold, progress, release, settle } from '../src/holds/holds.ts';
import { toMicros } from '../src/lib/amounts.ts';
import { MovableClock } from '../src/lib/clock.ts';
import { Refusal } from '../src/lib/errors.ts';
import type { TestDatabase } from './database.ts';
import { sampleConfig } from './fixtures/catalog.ts';

const DAY_MS = 86_400_000;

/** The verbs on a database, with a clock that can be moved. */
export async function openServices({ url, db }: TestDatabase) {
  const clock = new MovableClock();
  const config = sampleConfig();
  config.features.export = { name: 'Exports', type: 'metered' };
  config.plans.FREE.features!.export = { allowance: 5000, per: 'forever', overage: 'block' };
  config.ai = { pointUsd: 0.01, models: { writer: { input: 100, output: 200 } } };
  const catalog = parseCatalog(config);
  await keepVersion(db, catalog, clock.now());
  const pool = openPool(url, { max: 3, name: 'test engine', settings: ENGINE_SETTINGS });
  const engine = createEngine({ pool, catalog, clock, report: () => {} });
  return {
    ...{ db, pool, engine, catalog, clock },
    async close() {
      await engine.idle();
      await pool.end();
    },
  };
}

/** Everything that Tollgate does, done in a few workspaces of a database. */
export async function makeHistory(database: TestDatabase): Promise<void> {
  const { pool } = database;
  const services = await openServices(database);
  const { engine, clock } = services;
  const micros = (units: number) => toMicros(units)!;
  const grant = (workspaceId: string, amount: number, days?: number) =>
    grantCredits(services, {
      workspaceId,
      amount: micros(amount),
      type: 'PROMOTION',
      description: 'a gift',
      priority: 50,
      expiresAt: days === undefined ? null : clock.now().getTime() + days * DAY_MS,
    });
  const call = (workspaceId: string, amount: number, featureCode = 'api.calls', idempotencyKey?: string) =>
    use(
      services,
      { workspaceId, featureCode, amount: micros(amount) },
      { idempotencyKey: idempotencyKey ?? null },
    );
  const chat = (workspaceId: string, points: number) =>
    useAI(services, { workspaceId, type: 'TEXT_CHAT', pageId: 'page', points });
  const reserve = async (amount: number, onExpire: 'release' | 'settle' = 'release') => {
    const asked = { workspaceId: 'ws_f', featureCode: 'ai.points', amount: micros(amount), onExpire };
    const ai = { type: 'TEXT_CHAT', pageId: 'page' } as const;
    return (await hold(services, { ...asked, ttlSeconds: 3600, ai })).value.id;
  };
  /** What a model does, at once and by a hold. */
  const write = async (input: number, output: number) => {
    const work = { type: 'TEXT_CHAT', pageId: 'page', model: 'writer', tokens: { input, output } } as const;
    await useAI(services, { workspaceId: 'ws_c', ...work });
    const asked = {
      workspaceId: 'ws_c',
      featureCode: 'ai.points',
      ttlSeconds: 60,
      onExpire: 'release',
    } as const;
    const { id } = (await hold(services, { ...asked, ai: work })).value;
    await progress(services, { id, tokens: { input, output: 1 } });
    await settle(services, { id, tokens: { input, output: output - 1 } });
  };
  const give = (id: string) => refundUse(services, { id });

  for (const id of ['ws_a', 'ws_b', 'ws_c', 'ws_d', 'ws_e', 'ws_f']) {
    await pool.query(`insert into "Workspace" (id, name) values ($1, $1)`, [id]);
  }
  await pool.query(`
    insert into "Subscription" (id, "paymentPlatform", "subscriptionId", status, "workspaceId", plan, "startDate", "endDate")
    values
      ('sub', 'STRIPE', 'sub_1', 'ACTIVE', 'ws_b', 'PRO', now() - interval '1 day', now() + interval '1 year'),
      ('sub_e', 'STRIPE', 'sub_2', 'ACTIVE', 'ws_e', 'PRO', now() - interval '1 day', now() + interval '1 month')`);
  await pool.query(`
    insert into "PaymentUser" (id, "userId", email, "paymentPlatform") values ('pu', 'u', 'a@example.com', 'STRIPE');
    insert into "Payment" (id, amount, currency, status, "paymentPlatform", "paymentId", "paymentUserId", "workspaceId", credits)
    values
      ('pay', 10, 'usd', 'SUCCEEDED', 'STRIPE', 'pi', 'pu', 'ws_a', 100),
      ('pay_open', 10, 'usd', 'PENDING', 'STRIPE', 'cs', 'pu', 'ws_a', 100),
      ('pay_back', 10, 'usd', 'SUCCEEDED', 'STRIPE', 'pi_back', 'pu', 'ws_d', 100),
      ('pay_next', 10, 'usd', 'SUCCEEDED', 'STRIPE', 'pi_next', 'pu', 'ws_d', 50),
      ('pay_plan', 20, 'usd', 'SUCCEEDED', 'STRIPE', 'pi_plan', 'pu', 'ws_e', null);
    insert into "PaidPeriod" (id, "workspaceId", "subscriptionId", "invoiceId", "paymentId", plan, "startDate", "endDate")
    values ('il', 'ws_e', 'sub_2', 'in', 'pay_plan', 'PRO', now() - interval '1 day', now() + interval '1 month');
    insert into "Reversal" (id, "paymentId", "workspaceId", kind, amount, currency, status)
    values
      ('re_back', 'pay_back', 'ws_d', 'REFUND', 6, 'usd', 'SUCCEEDED'),
      ('re_failed', 'pay_back', 'ws_d', 'REFUND', 4, 'usd', 'FAILED'),
      ('dp_back', 'pay_back', 'ws_d', 'DISPUTE', 2, 'usd', 'LOST'),
      ('re_next', 'pay_next', 'ws_d', 'REFUND', 10, 'usd', 'PENDING'),
      ('re_plan', 'pay_plan', 'ws_e', 'REFUND', 5, 'usd', 'SUCCEEDED');
    update "Payment" set refunded = 5 where id = 'pay_plan';
    update "Payment" set refunded = 6, disputed = 2 where id = 'pay_back';
    update "Payment" set refunded = 10 where id = 'pay_next';
    insert into "CreditRecord" (id, amount, type, "workspaceId", "paymentUserId", "paymentId")
    values
      ('rec', 100, 'PURCHASE', 'ws_a', 'pu', 'pay'),
      ('rec_back', 100, 'PURCHASE', 'ws_d', 'pu', 'pay_back'),
      ('rec_next', 50, 'PURCHASE', 'ws_d', 'pu', 'pay_next')`);

  const inTransaction = async (work: (client: pg.PoolClient) => Promise<unknown>) => {
    const client = await pool.connect();
    await client.query('begin');
    await work(client);
    await client.query('commit');
    client.release();
  };
  const buy = (workspaceId: string, amount: number, creditRecordId: string) => {
    const purchase = { credits: micros(amount), creditRecordId, description: 'bought', expiresAt: null };
    return inTransaction((client) => grantPurchase(services, { workspaceId, ...purchase }, client));
  };
  const clawBack = (workspaceId: string, purchaseId: string, amount: number) =>
    inTransaction((client) => engine.clawBackIn(client, { workspaceId, purchaseId, amount: micros(amount) }));
  const givePlan = async (workspaceId: string, amount: number) => {
    const came = {
      credits: micros(amount),
      description: 'a plan',
      expiresAt: clock.now().getTime() + 90 * DAY_MS,
    };
    let grantId = '';
    await inTransaction(async (client) => {
      grantId = (await grantPlanCredits(services, { workspaceId, ...came }, client)).id;
      await client.query(
        `insert into "PlanCredit" ("workspaceId", "subscriptionId", month, plan, amount, "grantId", "paymentId")
        values ($1, 'sub_2', now() - interval '1 day', 'PRO', $2, $3, 'pay_plan')`,
        [workspaceId, amount, grantId],
      );
    });
    return grantId;
  };
  await buy('ws_a', 100, 'rec');

  await grant('ws_a', 0.3, 10); // expires in parts below
  await grant('ws_c', 50, 20);
  const first = await call('ws_a', 1, 'api.calls', 'key 1');
  await call('ws_a', 1, 'api.calls', 'key 1');
  await call('ws_a', 0.333333, 'api.calls', 'key 2');
  await chat('ws_a', 150);
  const both = await chat('ws_a', 80); // 50 free, 30 paid
  await chat('ws_a', 10);
  await chat('ws_c', 7);
  await Promise.all(Array.from({ length: 40 }, () => refused(call('ws_c', 3))));
  await refused(call('ws_a', 1000));
  await refused(call('ws_a', 1, 'sso'));
  await call('ws_b', 1, 'sso');
  const allowed = await call('ws_b', 4);
  await call('ws_b', 2);
  await refused(call('ws_b', 100));
  await give(allowed.value.id);
  await give(both.value.id);
  await refused(give(both.value.id));

  await buy('ws_d', 100, 'rec_back');
  const spent = await call('ws_d', 120); // for 60
  await call('ws_d', 16); // for 8
  await clawBack('ws_d', 'rec_back', 100); // 32 taken, 68 owed
  await buy('ws_d', 50, 'rec_next'); // pays 50
  await clawBack('ws_d', 'rec_back', 70); // 38 owed: the open 18 are cancelled, and 12 go back
  await clawBack('ws_d', 'rec_back', 80); // 10 more are owed
  await call('ws_d', 4); // for 2, of the 12
  await give(spent.value.id); // nothing is owed any more
  await clawBack('ws_d', 'rec_next', 50); // 48 taken, 2 owed

  await clawBack('ws_e', await givePlan('ws_e', 50), 12.5);

  await grant('ws_f', 300, 1); // expires while a part of it is held
  const long = await reserve(250, 'settle'); // 200 free
  const less = await reserve(30);
  await settle(services, { id: less, amount: micros(20) });
  await release(services, { id: await reserve(40) });
  await progress(services, { id: long, amount: micros(210) });
  await progress(services, { id: await reserve(25), amount: micros(5), ttlSeconds: 86_400 });
  clock.offsetMs += DAY_MS; // the long one is settled, with 210
  await engine.expire('ws_f');

  clock.offsetMs += 10 * DAY_MS;
  await engine.expire('ws_a');
  await give(first.value.id); // partly to a grant that is over
  clock.offsetMs += 40 * DAY_MS;
  await chat('ws_a', 3); // in another period
  await engine.expire('ws_c');
  await write(1000, 500);
  await grant('ws_f', 100);
  await progress(services, { id: await reserve(212), amount: micros(1) }); // stays open
  await services.close();
  await pool.query(`
    insert into "Checkout" (id, "workspaceId", "paymentUserId", kind, status, amount, currency, credits)
    values ('co', 'ws_d', 'pu', 'TOP_UP', 'COMPLETE', 10, 'usd', 50);
    update "Payment" set "checkoutId" = 'co' where id = 'pay_next';
    insert into "AutoTopUp" ("workspaceId", "paymentUserId", threshold, pack, currency, "monthlyMax", status)
    values ('ws_b', 'pu', 1, 'small', 'usd', 50, 'READY');
    update "Credit" set "topUpBelow" = 1 where "workspaceId" = 'ws_b'`);
}

export async function refused(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
  });
}
