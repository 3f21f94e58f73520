import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { newId } from '../../src/lib/ids.ts';
import { sign } from '../../src/simulator/webhooks.ts';
import { eventAbout, openShop, type Shop, WEBHOOK_SECRET } from '../shop.ts';

suite('12: the signature is of the bytes as they came', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop.close());

  const seconds = () => Math.floor(shop.clock.now().getTime() / 1000);
  const signed = (body: string, ago = 0) => sign(body, [WEBHOOK_SECRET], seconds() - ago);

  for (const [what, signatureOf, status] of [
    ['signed now', signed, 200],
    ['signed 299 seconds ago', (body: string) => signed(body, 299), 200],
    ['signed 301 seconds ago', (body: string) => signed(body, 301), 400],
    ['signed in the old scheme only', (body: string) => signed(body).replace('v1=', 'v0='), 400],
    [
      'parsed and written again on the way',
      (body: string) => signed(JSON.stringify(JSON.parse(body), null, 2)),
      400,
    ],
    ['signed as an object and not as bytes', () => signed('[object Object]'), 400],
  ] as const) {
    test(`an event ${what} is ${status === 200 ? 'kept' : 'refused without a detail, and leaves nothing'}`, async () => {
      const event = eventAbout('payment_intent.created', { id: newId('pi'), object: 'payment_intent' });
      const body = JSON.stringify(event);
      const answer = await shop.deliver(body, signatureOf(body));
      assert.equal(answer.status, status);
      const { rows } = await shop.database.pool.query('select from "StripeEvent" where id = $1', [event.id]);
      assert.equal(rows.length, status === 200 ? 1 : 0);
      if (status !== 200) assert.equal(answer.body.error.message, 'The signature does not fit.');
    });
  }
});
