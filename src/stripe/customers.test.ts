import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../../test/fixtures/catalog.ts';
import { openShop, type Shop } from '../../test/shop.ts';
import type { Payer } from '../payments/payments.ts';
import { commit } from './change.ts';
import { customerOf } from './customers.ts';
import { readDeletedCustomer } from './subscriptions/deletion.ts';

suite('a customer that was deleted at Stripe, of which nobody has told', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog(), withoutWebhooks: true });
  });
  after(() => shop.close());

  test('ends its plan when it is replaced, whatever is bought then', async () => {
    const customer = await shop.customer();
    const { sessionId } = await shop.checkout(customer);
    const { customer: payer } = await shop.services.stripe.checkout.sessions.retrieve(sessionId);
    const order = { ...customer, plan: 'PRO', interval: 'month', successUrl: 'https://shop.test/' };
    const { body } = await shop.post('/v1/checkout/subscription', { ...order, cancelUrl: order.successUrl });
    shop.simulator.pay(body.sessionId);
    for (const event of shop.simulator.events()) await shop.deliver(event);
    await shop.idle();
    assert.equal((await shop.workspace(customer)).plan, 'PRO');

    await shop.services.stripe.customers.del(String(payer));
    await shop.checkout(customer);
    const { plan, subscription } = await shop.workspace(customer);
    assert.deepEqual([plan, subscription?.status], ['FREE', 'CANCELED']);
  });

  test('is replaced by one, though one of two has seen it go and the other has not', async () => {
    const { user, ...customer } = await shop.customer();
    await shop.checkout({ user, ...customer });
    const { rows } = await shop.database.pool.query(
      'select id, email, "customerId" from "PaymentUser" where "userId" = $1',
      [user.userId],
    );
    const payer: Payer = rows[0];
    await shop.services.stripe.customers.del(payer.customerId!);
    await shop.advance(2); // Stripe has forgotten the key that it was made with
    await commit(shop.services, await readDeletedCustomer(shop.services, payer.customerId!));
    // Both have looked for one, and found none, before either makes one.
    const { promise: bothLooked, resolve } = Promise.withResolvers<void>();
    let looked = 0;
    const change = async (answer: unknown) => {
      if (++looked === 2) resolve();
      await bothLooked;
      return answer;
    };
    shop.wire.fail(/GET \/v1\/customers\?/, { change }, { change });
    const ids = await Promise.all([
      customerOf(shop.services, payer),
      customerOf(shop.services, { ...payer, customerId: null }),
    ]);
    assert.equal(ids[0], ids[1]);
    const { data } = await shop.services.stripe.customers.list({ email: user.email });
    assert.deepEqual(
      data.map(({ id }) => id),
      [ids[0]],
    );
  });
});
