import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../../../test/fixtures/catalog.ts';
import { eventsOf, openShop, type Shop, until } from '../../../test/shop.ts';
import { topUpsOf } from '../../../test/topups.ts';
import { reconcile } from './reconcile.ts';

/** What is left, as it is told. */
async function left(shop: Shop): Promise<string> {
  const lines: string[] = [];
  const { stayed } = await reconcile(shop.services, { days: 60, say: (line) => lines.push(line) });
  assert.equal(stayed, lines.filter((line) => !line.endsWith(': mended.')).length);
  return lines.filter((line) => !line.endsWith(': mended.')).join('\n');
}

suite('what nobody but an operator can mend stays, and is told', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  test('a workspace with two subscriptions that are paid', async () => {
    const customer = await shop.customer();
    const { stripe } = shop.services;
    const first = await shop.subscribe(customer);
    const second = await stripe.subscriptions.create({
      customer: String(first.customer),
      items: [{ price: first.items.data[0]!.price.id }],
      metadata: first.metadata,
      default_payment_method: String(first.default_payment_method),
    });
    await shop.idle();
    const told = await left(shop);
    assert.ok(
      told.includes(`subscription ${second.id} is paid for the workspace ${customer.workspaceId} beside`),
      told,
    );
    await stripe.subscriptions.cancel(second.id);
    await shop.idle();
    assert.equal(await left(shop), '');
  });

  test('a subscription at a price of no plan, and one that is no workspace’s', async () => {
    const customer = await shop.customer();
    const { stripe } = shop.services;
    const { id, items, ...first } = await shop.subscribe(customer, { plan: 'BASIC' });
    const planPrice = items.data[0]!.price.id;
    const product = await stripe.products.create({ name: 'Something else' });
    const recurring = { interval: 'month' } as const;
    const price = await stripe.prices.create({
      product: product.id,
      currency: 'usd',
      unit_amount: 700,
      recurring,
    });
    await stripe.subscriptions.update(id, { items: [{ id: items.data[0]!.id, price: price.id }] });
    await shop.idle();
    assert.match(await left(shop), new RegExp(`^subscription ${id} The price ${price.id} is for no plan`));
    assert.equal((await shop.workspace(customer)).plan, 'BASIC');
    await stripe.subscriptions.cancel(id);
    await shop.idle();
    assert.equal((await shop.workspace(customer)).plan, 'FREE', 'what has ended has ended at any price');
    // Its payer has bought for one workspace only: by its metadata alone, it is of none.
    const other = await shop.customer();
    const lone = await stripe.subscriptions.create({
      customer: String(first.customer),
      default_payment_method: String(first.default_payment_method),
      items: [{ price: planPrice }],
      metadata: { workspaceId: other.workspaceId },
    });
    await shop.idle();
    assert.match(await left(shop), new RegExp(`^subscription ${lone.id} goes on for a customer of ours`));
    await stripe.subscriptions.cancel(lone.id);
  });

  test('a payment that Stripe does not know, or knows with another amount', async () => {
    const customer = await shop.customer();
    const { intent } = await shop.buy(customer);
    const { pool } = shop.database;
    const changed = (column: string, value: unknown, where: string) =>
      pool.query(`update "Payment" set ${column} = $1 where "paymentId" = $2`, [value, where]);
    await changed('amount', 11, intent);
    assert.match(await left(shop), /amount is 10000000 at Stripe and 11000000 here/);
    await changed('amount', 10, intent);
    await changed('"paymentId"', 'pi_of_another_account', intent);
    assert.match(
      await left(shop),
      /^payment pi_of_another_account is SUCCEEDED here, and Stripe does not know it/m,
    );
    await changed('"paymentId"', intent, 'pi_of_another_account');
    assert.equal(await left(shop), '');
  });
});

test('a page that nobody was shown, of a customer who has gone, is nothing to look at', async (t) => {
  const shop = await openShop();
  t.after(() => shop.close());
  const { id, sessionId } = await shop.checkout(await shop.customer());
  const { stripe } = shop.services;
  const { customer } = await stripe.checkout.sessions.retrieve(sessionId);
  // As it is after a kill between the answer of Stripe's and our commit.
  await shop.database.pool.query('update "Checkout" set "sessionId" = null where id = $1', [id]);
  await stripe.customers.del(String(customer));
  await stripe.checkout.sessions.expire(sessionId); // a day later
  await shop.idle();
  assert.deepEqual(
    (await eventsOf(shop, sessionId)).map(({ type, status }) => [type, status]),
    [['checkout.session.expired', 'IGNORED']],
  );
  assert.equal(await left(shop), '');
});

test('a top-up whose answer and webhooks were lost is found by its payment', async (t) => {
  const shop = await openShop();
  t.after(() => shop.close());
  const topUps = topUpsOf(shop);
  const customer = await topUps.begin();
  const next = {
    method: 'POST',
    path: '/v1/payment_intents',
    fault: 'cut',
    when: 'after',
    times: 50,
  } as const;
  shop.simulator.setFaults({ webhooks: { drop: 1 }, next: [next] });
  await shop.spend(customer, 200);
  await until(async () => (await topUps.intents(customer)).length === 1);
  await shop.jobs!.stop(); // it would ask again by itself
  shop.simulator.setFaults();
  const lines: string[] = [];
  const { stayed } = await reconcile(shop.services, { days: 1, say: (line) => lines.push(line) });
  assert.equal(stayed, 0, lines.join('\n'));
  assert.match(lines.join('\n'), /^payment pi_\S+ paid a top-up, and is not here: mended\.$/m);
  await topUps.has(customer, 1800);
});

test('lists of several pages are compared whole', async (t) => {
  const shop = await openShop({ withoutWebhooks: true });
  t.after(() => shop.close());
  const customer = await shop.customer();
  for (let left = 130; left > 0; left -= 10) {
    const checkouts = await Promise.all(Array.from({ length: 10 }, () => shop.checkout(customer)));
    for (const { sessionId } of checkouts) shop.simulator.pay(sessionId);
  }
  shop.wire.calls.length = 0;
  const sum = await reconcile(shop.services, { days: 1, say: () => {} });
  assert.deepEqual([sum.stayed, sum.differed], [0, 130 + 130]);
  const { credit } = await shop.workspace(customer);
  assert.equal(credit.balance, 130_000);
  const lists = shop.wire.calls.filter((call) => !call.includes('/v1/checkout/sessions/cs_'));
  assert.ok(lists.length < 25, `${lists.length} calls beside one for each that differs`);
  const again = await reconcile(shop.services, { days: 1, say: () => {} });
  assert.deepEqual([again.stayed, again.differed], [0, 0]);
});
