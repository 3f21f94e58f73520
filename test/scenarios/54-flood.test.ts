import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { booksOf, eventAbout, openShop, type Shop } from '../shop.ts';

const SALES = 20;
const EVENTS = 2_000;

suite('54: more events than can be worked off at once', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ withoutWebhooks: true });
  });
  after(() => shop.close());

  test('wait in the database and not in the process: a worker that starts later loses none', async () => {
    const sales = await Promise.all(
      Array.from({ length: SALES }, async () => {
        const customer = await shop.customer();
        const { sessionId } = await shop.checkout(customer);
        return { customer, session: shop.simulator.pay(sessionId) };
      }),
    );
    await shop.jobs!.stop();
    for (let sent = 0; sent < EVENTS; sent += SALES) {
      const answers = await Promise.all(
        sales.map(({ session }) => shop.deliver(eventAbout('checkout.session.completed', session))),
      );
      assert.ok(answers.every(({ status }) => status === 200));
    }
    const count = async (status: string) => {
      const { rows } = await shop.database.pool.query(
        'select count(*)::int from "StripeEvent" where status::text = $1',
        [status],
      );
      return rows[0].count;
    };
    assert.equal(await count('RECEIVED'), EVENTS);
    await shop.startJobs();
    await shop.idle();
    assert.equal(await count('APPLIED'), EVENTS);
    for (const { customer } of sales) {
      const { balance, grants } = await booksOf(shop, customer.workspaceId);
      assert.deepEqual([balance, grants.length], [1000, 1]);
    }
  });
});
