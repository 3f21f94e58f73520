import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { newId } from '../../src/lib/ids.ts';
import { openShop, type Shop } from '../shop.ts';

suite('10: a thin event', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ withoutJobs: true });
  });
  after(() => shop.close());

  test('is refused, leaves nothing, and an operator is told which setting is wrong', async () => {
    const thin = {
      id: newId('evt'),
      object: 'v2.core.event',
      type: 'v1.checkout.session.completed',
      created: '2026-11-01T00:00:00Z',
      related_object: { id: 'cs_1', type: 'checkout.session', url: '/v1/checkout/sessions/cs_1' },
    };
    const { status, body } = await shop.deliver(thin);
    assert.deepEqual([status, body.error.param], [400, 'body']);
    assert.match(body.error.message, /thin.*snapshot/);
    const { rows } = await shop.database.pool.query('select id from "StripeEvent"');
    assert.deepEqual(rows, []);
    assert.match(shop.reports.join(), /signature is right.*thin.*snapshot/);
  });
});
