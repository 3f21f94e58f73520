import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventAbout, openShop, type Shop, WEBHOOK_SECRET } from '../../test/shop.ts';
import { newId } from '../lib/ids.ts';
import { sign } from '../simulator/webhooks.ts';

let shop: Shop;
before(async () => {
  shop = await openShop();
});
after(() => shop.close());

const nowSeconds = () => Math.floor(shop.clock.now().getTime() / 1000);
const anEvent = (more: object = {}) =>
  eventAbout('payment_intent.created', { id: newId('pi'), object: 'payment_intent' }, more);

async function isKept(event: { id: string }): Promise<boolean> {
  const { rows } = await shop.database.pool.query('select from "StripeEvent" where id = $1', [event.id]);
  return rows.length === 1;
}

const MINUTE = 60;
for (const [what, signed, status] of [
  ['signed now', (body: string) => sign(body, [WEBHOOK_SECRET], nowSeconds()), 200],
  // Nobody but Stripe can sign for the future: it is our clock that is late.
  ['signed in six minutes', (body: string) => sign(body, [WEBHOOK_SECRET], nowSeconds() + 6 * MINUTE), 200],
  ['signed with another secret', (body: string) => sign(body, ['whsec_other'], nowSeconds()), 400],
  ['signed over other bytes', (body: string) => sign(`${body} `, [WEBHOOK_SECRET], nowSeconds()), 400],
  ['not signed', () => '', 400],
  ['signed with nonsense', () => 't=now,v1', 400],
] as const) {
  test(`an event ${what} is ${status === 200 ? 'kept' : 'refused, and leaves nothing'}`, async () => {
    const event = anEvent();
    const body = JSON.stringify(event, null, 2);
    const answer = await shop.deliver(body, signed(body));
    assert.equal(answer.status, status);
    assert.equal(await isKept(event), status === 200);
    if (status !== 200) assert.equal(answer.body.error.param, 'Stripe-Signature');
  });
}

test('without a signature there is no event, whatever the body', async () => {
  for (const body of ['', '{}', 'null', '\0']) {
    const response = await fetch(`${shop.url}/webhooks/stripe`, { method: 'POST', body });
    assert.equal(response.status, 400);
    const { error } = (await response.json()) as { error: { code: string; requestId: string } };
    assert.equal(error.code, 'invalid_request');
    assert.ok(error.requestId);
  }
});

test('what is signed, and no event, is refused in words', async () => {
  for (const [body, message] of [
    ['not JSON', /not JSON/],
    ['null', /not an event/],
    ['[]', /not an event/],
    ['{"object":"event"}', /not an event/],
    [JSON.stringify({ ...anEvent(), data: null }), /not an event/],
    [
      JSON.stringify({ id: 'evt_1', object: 'v2.core.event', type: 'v1.billing.meter.error' }),
      /thin.*snapshot/,
    ],
  ] as const) {
    const answer = await shop.deliver(body);
    assert.equal(answer.status, 400);
    assert.match(answer.body.error.message, message);
  }
});

test('a body over one megabyte is refused before it is verified', async () => {
  const answer = await shop.deliver(anEvent({ padding: 'x'.repeat(1024 * 1024) }));
  assert.equal(answer.status, 413);
});

test('any content type is read as the bytes that came', async () => {
  for (const type of ['application/json; charset=utf-8', 'text/plain', 'application/x-www-form-urlencoded']) {
    const body = JSON.stringify(anEvent());
    const response = await fetch(`${shop.url}/webhooks/stripe`, {
      method: 'POST',
      headers: { 'content-type': type, 'stripe-signature': sign(body, [WEBHOOK_SECRET], nowSeconds()) },
      body,
    });
    assert.equal(response.status, 200);
  }
});

test('types that nothing follows from are kept and ignored; so is an object without an id', async () => {
  const unknown = eventAbout('galaxy.collided', { id: newId('gal') });
  const upcoming = eventAbout('invoice.upcoming', { object: 'invoice' });
  const nameless = eventAbout('checkout.session.completed', { object: 'checkout.session' });
  for (const event of [unknown, upcoming, nameless]) {
    assert.equal((await shop.deliver(event)).status, 200);
    const { rows } = await shop.database.pool.query('select status from "StripeEvent" where id = $1', [
      event.id,
    ]);
    assert.deepEqual(rows, [{ status: 'IGNORED' }]);
  }
});

test('text that Postgres cannot keep is kept without it', async () => {
  const event = anEvent({ note: 'a\0b\ud800c' });
  assert.equal((await shop.deliver(event)).status, 200);
  const { rows } = await shop.database.pool.query('select payload from "StripeEvent" where id = $1', [
    event.id,
  ]);
  assert.equal(rows[0].payload.note, 'ab\ufffdc');
});

test('an event that comes again changes nothing of the first', async () => {
  const event = anEvent();
  await shop.deliver(event);
  assert.equal((await shop.deliver({ ...event, type: 'payment_intent.succeeded' })).status, 200);
  const { rows } = await shop.database.pool.query('select type from "StripeEvent" where id = $1', [event.id]);
  assert.deepEqual(rows, [{ type: 'payment_intent.created' }]);
});
