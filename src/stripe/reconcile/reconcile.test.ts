import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type Stripe from 'stripe';
import { planCatalog } from '../../../test/fixtures/catalog.ts';
import { type Customer, openShop, orderOf, type Shop } from '../../../test/shop.ts';
import { makeRandom } from '../../lib/random.ts';
import { planKey } from '../catalog/wanted.ts';
import { type ReconcileOptions, reconcile } from './reconcile.ts';

/** Everything that a day may bring, by customers and at the dashboard. Resolves to how each stands in the end. */
async function mixedDay(shop: Shop, before: () => void): Promise<{ customer: Customer; expected: object }[]> {
  const { simulator } = shop;
  const { stripe } = shop.services;
  const act = async <T>(work: () => Promise<T>): Promise<T> => {
    before();
    const result = await work();
    await shop.idle();
    return result;
  };
  const buy = (customer: Customer) =>
    act(async () => {
      const { sessionId } = await shop.checkout(customer);
      const intent = String(simulator.pay(sessionId).payment_intent);
      return stripe.paymentIntents.retrieve(intent);
    });
  const subscribe = (customer: Customer, more: object = {}) =>
    act(async () => {
      const order = orderOf(customer, { plan: 'BASIC', interval: 'month', ...more });
      const { body } = await shop.post('/v1/checkout/subscription', order);
      const { subscription } = simulator.pay(body.sessionId);
      return stripe.subscriptions.retrieve(String(subscription));
    });
  const dashboard = (id: string, params: Stripe.SubscriptionUpdateParams) =>
    act(() => stripe.subscriptions.update(id, params));

  const [buyer, disputer, upgraded, canceled, unpaid, deleted, ending] = await Promise.all(
    Array.from({ length: 7 }, () => shop.customer()),
  );
  const bought = await buy(buyer!);
  await act(() => stripe.refunds.create({ payment_intent: bought.id, amount: 250 }));
  const disputed = await buy(disputer!);
  await buy(disputer!);
  await act(async () => simulator.dispute(String(disputed.latest_charge)));
  const { id: toUpgrade, items } = await subscribe(upgraded!);
  const { data } = await stripe.prices.list({
    lookup_keys: [planKey({ plan: 'PRO', interval: 'month', currency: 'usd' })],
  });
  await dashboard(toUpgrade, {
    items: [{ id: items.data[0]!.id, price: data[0]!.id }],
    proration_behavior: 'always_invoice',
  });
  const toCancel = await subscribe(canceled!);
  await act(() => stripe.subscriptions.cancel(toCancel.id));
  const { default_payment_method: card } = await subscribe(unpaid!);
  simulator.setCard(String(card), 'insufficient_funds');
  const toDelete = await subscribe(deleted!);
  await act(() => stripe.customers.del(String(toDelete.customer)));
  const toEnd = await subscribe(ending!, { plan: 'PRO' });
  before();
  await shop.advance(31);
  before();
  await shop.advance(0.1);
  await dashboard(toEnd.id, { cancel_at_period_end: true });
  return [
    { customer: buyer!, expected: { plan: 'FREE', status: null, balance: 750, paid: [10] } },
    { customer: disputer!, expected: { plan: 'FREE', status: null, balance: 1000, paid: [10, 10] } },
    { customer: upgraded!, expected: { plan: 'PRO', status: 'ACTIVE', balance: 500, paid: [10, 10, 20] } },
    { customer: canceled!, expected: { plan: 'FREE', status: 'CANCELED', balance: 0, paid: [10] } },
    { customer: unpaid!, expected: { plan: 'BASIC', status: 'PAST_DUE', balance: 0, paid: [10] } },
    { customer: deleted!, expected: { plan: 'FREE', status: 'CANCELED', balance: 0, paid: [10] } },
    { customer: ending!, expected: { plan: 'PRO', status: 'ACTIVE', balance: 500, paid: [20, 20] } },
  ];
}

async function standOf(shop: Shop, customer: Customer) {
  const { plan, subscription, credit } = await shop.workspace(customer);
  const { rows } = await shop.database.pool.query(
    `select amount::float from "Payment" where "workspaceId" = $1 and status = 'SUCCEEDED' order by 1`,
    [customer.workspaceId],
  );
  const paid = rows.map(({ amount }) => amount);
  return { plan, status: subscription?.status ?? null, balance: credit.balance, paid };
}

async function run(shop: Shop, more: Partial<ReconcileOptions> = {}) {
  const lines: string[] = [];
  const sum = await reconcile(shop.services, { days: 60, say: (line) => lines.push(line), ...more });
  return { ...sum, lines };
}

/** What is counted of the effects, to see that none came twice. */
async function effectsOf(shop: Shop) {
  const { rows } = await shop.database.pool.query(`
    select (select count(*)::int from "CreditGrant") as grants, (select count(*)::int from "PlanCredit") as months,
      (select count(*)::int from "Payment") as payments, (select count(*)::int from "Reversal") as reversals,
      (select sum(balance)::float from "Credit") as credits`);
  return rows[0];
}

async function expectEqual(shop: Shop, day: { customer: Customer; expected: object }[]): Promise<void> {
  for (const { customer, expected } of day) assert.deepEqual(await standOf(shop, customer), expected);
  const effects = await effectsOf(shop);
  assert.deepEqual((await run(shop)).lines, [], 'a second run finds nothing');
  assert.deepEqual(await effectsOf(shop), effects);
}

suite('what webhooks did not tell is found and mended, once', () => {
  test('all of them', async (t) => {
    const shop = await openShop({ catalog: planCatalog(), withoutWebhooks: true });
    t.after(() => shop.close());
    const day = await mixedDay(shop, () => {});
    const dry = await run(shop, { dryRun: true });
    assert.deepEqual([dry.stayed, dry.differed], [dry.lines.length, dry.lines.length]);
    const { stayed, differed, lines } = await run(shop);
    assert.equal(stayed, 0, lines.join('\n'));
    assert.ok(differed > 20);
    await expectEqual(shop, day);
  });

  for (const seed of [1, 2, 3]) {
    test(`some of them, with the seed ${seed}, while Stripe often fails`, async (t) => {
      const shop = await openShop({ catalog: planCatalog() });
      t.after(() => shop.close());
      const random = makeRandom(`mixed day ${seed}`);
      const day = await mixedDay(shop, () =>
        shop.simulator.setFaults({ webhooks: { drop: random.chance(0.4) ? 1 : 0 } }),
      );
      const rates = { rate429: 0.05, rate5xx: 0.05, rateCut: 0.03, rate409: 0.02 };
      shop.simulator.setFaults({ seed: `${seed}`, api: rates });
      const { stayed, lines } = await run(shop);
      shop.simulator.setFaults();
      assert.equal(stayed, 0, lines.join('\n'));
      await shop.idle();
      await expectEqual(shop, day);
    });
  }

  test('by the next run, where one is cut off', async (t) => {
    const shop = await openShop({ catalog: planCatalog(), withoutWebhooks: true });
    t.after(() => shop.close());
    const day = await mixedDay(shop, () => {});
    for (let said = 0, left = 7; left > 0; left--) {
      const cutOff = run(shop, {
        say: () => {
          if (++said % 5 === 0) throw new Error('cut off');
        },
      });
      await cutOff.catch((error) => assert.equal(error.message, 'cut off'));
    }
    const { stayed, lines } = await run(shop);
    assert.equal(stayed, 0, lines.join('\n'));
    await expectEqual(shop, day);
  });
});
