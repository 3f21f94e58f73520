import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { booksOf, openShop, orderOf, type Shop } from '../shop.ts';

suite('49: a request that is repeated', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  test('after a crash between Stripe’s answer and our commit: one page that can be paid, and one payment', async () => {
    const customer = await shop.customer();
    const { pool } = shop.database;
    await pool.query(`
      create function crash() returns trigger language plpgsql as $$
      begin
        perform pg_terminate_backend(pg_backend_pid());
        perform pg_sleep(1);
        return new;
      end $$;
      create trigger crash before insert on "Payment" for each row execute function crash()`);
    const headers = { 'idempotency-key': `crash-${customer.workspaceId}` };
    const order = orderOf(customer, { pack: 'small' });
    const cut = await shop.post('/v1/checkout/credits', order, headers);
    assert.ok(cut.status >= 500);
    await pool.query('drop trigger crash on "Payment"; drop function crash');
    const again = await shop.post('/v1/checkout/credits', order, headers);
    assert.equal(again.status, 201);
    shop.simulator.pay(again.body.sessionId);
    await shop.idle();
    const { balance, payments } = await booksOf(shop, customer.workspaceId);
    assert.deepEqual([balance, payments.length], [1000, 1]);
    const { data } = await shop.services.stripe.paymentIntents.list({ limit: 100 });
    assert.equal(data.length, 1);
  });

  test('after 25 hours, when Stripe has forgotten the key: our own answer is given again', async () => {
    const customer = await shop.customer();
    const { sessionId, id } = await shop.checkout(customer);
    shop.simulator.pay(sessionId);
    await shop.idle();
    const { rows } = await shop.database.pool.query('select id from "Payment" where "checkoutId" = $1', [id]);
    const headers = { 'idempotency-key': `late-${customer.workspaceId}` };
    const path = `/v1/payments/${rows[0].id}/refund`;
    const first = await shop.post(path, { amount: 4 }, headers);
    await shop.advance(25 / 24);
    const late = await shop.post(path, { amount: 4 }, headers);
    assert.deepEqual([late.status, late.body], [200, first.body]);
    assert.equal((await booksOf(shop, customer.workspaceId)).balance, 600);
    const other = await shop.post(path, { amount: 5 }, headers);
    assert.deepEqual([other.status, other.body.error.code], [409, 'idempotency_conflict']);
  });
});
