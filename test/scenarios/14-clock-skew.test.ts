import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { newId } from '../../src/lib/ids.ts';
import { sign } from '../../src/simulator/webhooks.ts';
import { booksOf, eventAbout, openShop, type Shop, WEBHOOK_SECRET } from '../shop.ts';

suite('14: a clock that is wrong', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop.close());

  for (const [minutes, status] of [
    [4, 200],
    [6, 400],
  ] as const) {
    test(`ours is ${minutes} minutes fast: ${status === 200 ? 'accepted' : 'refused, and an operator is told'}`, async () => {
      shop.reports.length = 0;
      const event = eventAbout('payment_intent.created', { id: newId('pi'), object: 'payment_intent' });
      const body = JSON.stringify(event);
      const theirs = Math.floor(shop.clock.now().getTime() / 1000) - minutes * 60;
      const answer = await shop.deliver(body, sign(body, [WEBHOOK_SECRET], theirs));
      assert.equal(answer.status, status);
      assert.equal(/clock of this machine/.test(shop.reports.join()), status === 400);
    });
  }

  test('what is booked has the times that Stripe says, where it says one', async () => {
    const customer = await shop.customer();
    const { id, charge } = await shop.buy(customer);
    const refund = await shop.services.stripe.refunds.create({ charge, amount: 100 });
    shop.clock.offsetMs += 3 * 60_000;
    await shop.idle();
    const { rows } = await shop.database.pool.query(
      'select "createdAt" from "Reversal" where "paymentId" = $1',
      [id],
    );
    assert.deepEqual(rows, [{ createdAt: new Date(refund.created * 1000) }]);
    assert.equal((await booksOf(shop, customer.workspaceId)).balance, 900);
  });
});
