import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { booksOf, eventAbout, eventsOf, openShop, type Shop, WEBHOOK_SECRET } from '../../test/shop.ts';
import { webhookRoutes } from '../http/webhooks.ts';
import { newId } from '../lib/ids.ts';
import { sign } from '../simulator/webhooks.ts';
import { openInbox } from './inbox.ts';

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
  ['signed 299 seconds ago', (body: string) => sign(body, [WEBHOOK_SECRET], nowSeconds() - 299), 200],
  ['signed four minutes ago', (body: string) => sign(body, [WEBHOOK_SECRET], nowSeconds() - 4 * MINUTE), 200],
  ['signed 301 seconds ago', (body: string) => sign(body, [WEBHOOK_SECRET], nowSeconds() - 301), 400],
  ['signed six minutes ago', (body: string) => sign(body, [WEBHOOK_SECRET], nowSeconds() - 6 * MINUTE), 400],
  // Nobody but Stripe can sign for the future: it is our clock that is late.
  ['signed in six minutes', (body: string) => sign(body, [WEBHOOK_SECRET], nowSeconds() + 6 * MINUTE), 200],
  ['signed with another secret', (body: string) => sign(body, ['whsec_other'], nowSeconds()), 400],
  [
    'signed with the old secret and the new',
    (body: string) => sign(body, ['whsec_old', WEBHOOK_SECRET], nowSeconds()),
    200,
  ],
  [
    'signed in the old scheme only',
    (body: string) => sign(body, [WEBHOOK_SECRET], nowSeconds()).replace('v1=', 'v0='),
    400,
  ],
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

test('bytes that were parsed and written again do not verify', async () => {
  const event = anEvent();
  const signature = sign(JSON.stringify(event, null, 2), [WEBHOOK_SECRET], nowSeconds());
  assert.equal((await shop.deliver(JSON.stringify(event), signature)).status, 400);
});

test('an operator is told when deliveries look too old: the clock may be wrong', async () => {
  const body = JSON.stringify(anEvent());
  shop.reports.length = 0;
  await shop.deliver(body, sign(body, [WEBHOOK_SECRET], nowSeconds() - 6 * MINUTE));
  assert.match(shop.reports.join(), /clock/);
});

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

test('a thin event is refused, leaves nothing, and an operator is told which setting is wrong', async () => {
  shop.reports.length = 0;
  const thin = {
    id: newId('evt'),
    object: 'v2.core.event',
    type: 'v1.checkout.session.completed',
    created: '2026-11-01T00:00:00Z',
    related_object: { id: 'cs_1', type: 'checkout.session', url: '/v1/checkout/sessions/cs_1' },
  };
  const { status, body } = await shop.deliver(thin);
  assert.deepEqual([status, body.error.param], [400, 'body']);
  assert.equal(await isKept(thin), false);
  assert.match(shop.reports.join(), /signature is right.*thin.*snapshot/);
});

test('an event of an old version of the API is a signal like any other: its shape counts for nothing', async () => {
  const customer = await shop.customer();
  const { sessionId } = await shop.checkout(customer);
  const old = { id: sessionId, object: 'checkout.session', payment_status: 'paid', display_items: [] };
  const event = eventAbout('checkout.session.completed', old, { api_version: '2019-12-03' });
  assert.equal((await shop.deliver(event)).status, 200);
  await shop.idle();
  assert.deepEqual(
    (await eventsOf(shop, sessionId)).map(({ id, status }) => [id, status]),
    [[event.id, 'APPLIED']],
  );
  assert.equal((await booksOf(shop, customer.workspaceId)).balance, 0);
  shop.simulator.pay(sessionId);
  await shop.idle();
  assert.equal((await booksOf(shop, customer.workspaceId)).balance, 1000);
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

test('each of several secrets is accepted while one replaces the other, and the old one no longer after', async (t) => {
  const { default: Fastify } = await import('fastify');
  for (const [secrets, status] of [
    [['whsec_new', 'whsec_old'], 200],
    [['whsec_new'], 400],
  ] as const) {
    const server = Fastify();
    t.after(() => server.close());
    server.setErrorHandler((error: { status?: number }, _request, reply) =>
      reply.code(error.status ?? 500).send(),
    );
    server.register(webhookRoutes(openInbox(shop.services, secrets)));
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    const body = JSON.stringify(anEvent());
    const headers = { 'stripe-signature': sign(body, ['whsec_old'], nowSeconds()) };
    const response = await fetch(`${url}/webhooks/stripe`, { method: 'POST', headers, body });
    assert.equal(response.status, status);
  }
});

for (const [livemode, mode] of [
  [true, 'live'],
  [false, 'test'],
] as const) {
  test(`an event of ${mode} mode has no effect on a key of the other, and says why`, async () => {
    const customer = await shop.customer();
    const { sessionId } = await shop.checkout(customer);
    const event = eventAbout('checkout.session.completed', { id: sessionId }, { livemode });
    const rawBody = Buffer.from(JSON.stringify(event));
    const inbox = openInbox({ ...shop.services, livemode: !livemode }, [WEBHOOK_SECRET]);
    await inbox.receive({ rawBody, signature: sign(`${rawBody}`, [WEBHOOK_SECRET], nowSeconds()) });
    const [kept] = await eventsOf(shop, sessionId);
    assert.equal(kept?.status, 'IGNORED');
    assert.match(kept?.error ?? '', new RegExp(`${mode} mode`));
  });
}

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
