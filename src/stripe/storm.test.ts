import assert from 'node:assert/strict';
import { test } from 'node:test';
import { booksOf, type Customer, openShop, orderOf, type Shop, until } from '../../test/shop.ts';
import { rereadCheckouts } from '../jobs/tasks.ts';
import { newId } from '../lib/ids.ts';
import type { FaultPlan } from '../simulator/simulator.ts';

const PURCHASES = 30;
const BUYERS = 10; // at a time
const TRIES = 5; // of a buyer, who then gives up

/** All that can go wrong at Stripe, and more often than it ever will. */
const STORM: FaultPlan = {
  api: { rate429: 0.08, rate409: 0.05, rate5xx: 0.08, rateCut: 0.08, rateTimeout: 0.04 },
  webhooks: { duplicate: 0.3, delay: 0.3, delayMaxMs: 300, reorder: 0.2, drop: 0.3 },
};

type Sale = { customer: Customer; sessionId: string };

for (const seed of ['first', 'second', 'third']) {
  test(`thirty purchases in a storm, seed ${seed}: what is paid is granted, and once`, async (t) => {
    const shop = await openShop({ timeoutMs: 300, faults: { ...STORM, seed } });
    t.after(() => shop.close());
    const sales = (await Promise.all(Array.from({ length: BUYERS }, () => sell(shop)))).flat();
    await heal(shop, sales);

    const { data: lost } = await shop.services.stripe.events.list({ delivery_success: false, limit: 100 });
    assert.ok(lost.some(({ type }) => type === 'checkout.session.completed'));
    const doubled = shop.simulator
      .deliveries()
      .filter(({ attempt, status }) => attempt === 1 && status === 200);
    assert.ok(new Set(doubled.map(({ event }) => event)).size < doubled.length);
    for (const { customer } of sales) {
      const { balance, payments, records, grants } = await booksOf(shop, customer.workspaceId);
      assert.deepEqual([balance, grants.length, records.length], [1000, 1, 1]);
      assert.deepEqual(
        payments.filter(({ status }) => status === 'SUCCEEDED').map(({ credits }) => credits),
        [1000],
      );
    }
    const { rows } = await shop.database.pool.query('select count(*)::int as count from "CreditGrant"');
    assert.equal(rows[0].count, PURCHASES);
  });
}

async function sell(shop: Shop): Promise<Sale[]> {
  const sales: Sale[] = [];
  while (sales.length < PURCHASES / BUYERS) {
    const customer = await shop.customer();
    const sessionId = await orderPage(shop, customer);
    if (sessionId === undefined) continue;
    shop.simulator.pay(sessionId);
    sales.push({ customer, sessionId });
  }
  return sales;
}

/** As a product does: again with the same key. Where Stripe keeps a server error, that is in vain. */
async function orderPage(shop: Shop, customer: Customer): Promise<string | undefined> {
  const headers = { 'idempotency-key': newId('key') };
  const order = orderOf(customer, { pack: 'small' });
  for (let tries = 0; tries < TRIES; tries++) {
    const { status, body } = await shop.post('/v1/checkout/credits', order, headers);
    if (status === 201) return body.sessionId;
    assert.equal(status, 503, JSON.stringify(body));
  }
  return undefined;
}

/** The jobs look for what they were not told of, in the storm and after it. */
async function heal(shop: Shop, sales: Sale[]): Promise<void> {
  const look = async () => {
    shop.clock.offsetMs += 61 * 60_000;
    await rereadCheckouts(shop.services);
  };
  await look();
  shop.simulator.setFaults();
  await until(async () => {
    await look();
    const balances = sales.map(async ({ customer }) => (await booksOf(shop, customer.workspaceId)).balance);
    return (await Promise.all(balances)).every((balance) => balance > 0);
  });
  await shop.simulator.idle();
}
