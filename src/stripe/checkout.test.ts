import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { booksOf, type Customer, openShop, orderOf, type Shop } from '../../test/shop.ts';

let shop: Shop;
before(async () => {
  shop = await openShop({ timeoutMs: 300 });
});
after(() => shop.close());

const PATH = '/v1/checkout/credits';

async function payersOf({ user }: Customer): Promise<{ email: string; customerId: string | null }[]> {
  const { rows } = await shop.database.pool.query(
    'select email, "customerId" from "PaymentUser" where "userId" = $1',
    [user.userId],
  );
  return rows;
}

/** What Stripe knows under an e-mail. */
async function customersOf(email: string): Promise<string[]> {
  const { data } = await shop.services.stripe.customers.list({ email, limit: 100 });
  return data.map(({ id }) => id);
}

test('the page is made for the payer, the amount and the checkout, and names the pack', async () => {
  const customer = await shop.customer();
  const checkout = await shop.checkout(customer);
  const { stripe } = shop.services;
  const session = await stripe.checkout.sessions.retrieve(checkout.sessionId, { expand: ['line_items'] });
  assert.equal(session.client_reference_id, checkout.id);
  assert.deepEqual(session.metadata, { checkoutId: checkout.id, workspaceId: customer.workspaceId });
  assert.equal(session.amount_total, 1000);
  assert.equal(session.line_items?.data[0]?.description, '1,000 credits');
  assert.equal(session.success_url, 'https://shop.test/thanks');
  assert.equal(session.cancel_url, 'https://shop.test/cart');
  assert.equal(checkout.url, session.url);
  const [payer] = await payersOf(customer);
  assert.equal(session.customer, payer?.customerId);
  const intent = shop.simulator.pay(checkout.sessionId).payment_intent as string;
  const { metadata } = await stripe.paymentIntents.retrieve(intent);
  assert.equal(metadata.checkoutId, checkout.id);
});

test('an amount of the buyer’s choice is named by what it buys', async () => {
  const checkout = await shop.checkout(await shop.customer(), { amount: 12.34, currency: 'USD' });
  assert.equal(checkout.credits, 1234);
  const { stripe } = shop.services;
  const { data } = await stripe.checkout.sessions.listLineItems(checkout.sessionId);
  assert.equal(data[0]?.description, '1,234 credits');
});

for (const [what, more, param] of [
  ['neither a pack nor an amount', {}, 'pack'],
  ['a pack and an amount', { pack: 'small', amount: 10, currency: 'usd' }, 'amount'],
  ['an amount without its currency', { amount: 10 }, 'currency'],
  ['an unknown pack', { pack: 'large' }, 'pack'],
  ['a currency that is not sold in', { pack: 'small', currency: 'eur' }, 'currency'],
  ['no currency at all', { amount: 10, currency: 'gold' }, 'currency'],
  ['an amount below the least', { amount: 4.99, currency: 'usd' }, 'amount'],
  ['an amount above the most', { amount: 500.01, currency: 'usd' }, 'amount'],
  ['a fraction of a cent', { amount: 10.001, currency: 'usd' }, 'amount'],
  ['half a yen', { amount: 1000.5, currency: 'jpy' }, 'amount'],
  ['an amount as text', { amount: '10', currency: 'usd' }, 'amount'],
  ['a negative amount', { amount: -10, currency: 'usd' }, 'amount'],
  ['a page of another kind', { pack: 'small', successUrl: 'javascript:alert(1)' }, 'successUrl'],
  ['a page without a host', { pack: 'small', cancelUrl: '/cart' }, 'cancelUrl'],
  ['an address with a line break', { pack: 'small', cancelUrl: 'https://shop.test/\ncart' }, 'cancelUrl'],
  [
    'an address that is too long',
    { pack: 'small', cancelUrl: `https://shop.test/${'x'.repeat(2048)}` },
    'cancelUrl',
  ],
  ['no e-mail', { pack: 'small', user: { userId: 'u' } }, 'user.email'],
  ['an e-mail that is none', { pack: 'small', user: { userId: 'u', email: 'ada@' } }, 'user.email'],
  ['a user without an id', { pack: 'small', user: { userId: '', email: 'a@b.cc' } }, 'user.userId'],
  ['an unknown field', { pack: 'small', quantity: 2 }, 'quantity'],
  ['a workspace id that is none', { pack: 'small', workspaceId: 'a b' }, 'workspaceId'],
] as const) {
  test(`${what} is refused, naming ${param}, and nothing is asked of Stripe`, async () => {
    const customer = await shop.customer();
    const calls = shop.wire.calls.length;
    const { status, body } = await shop.post(PATH, orderOf(customer, more));
    assert.equal(status, 400);
    assert.equal(body.error.code, 'invalid_request');
    assert.equal(body.error.param, param);
    assert.equal(shop.wire.calls.length, calls);
    assert.deepEqual((await booksOf(shop, customer.workspaceId)).checkouts, []);
  });
}

test('a workspace that does not exist is not made in passing', async () => {
  const customer = { ...(await shop.customer()), workspaceId: 'ws_of_nobody' };
  const { status, body } = await shop.post(PATH, orderOf(customer, { pack: 'small' }));
  assert.equal(status, 404);
  assert.equal(body.error.code, 'workspace_not_found');
  assert.deepEqual(await payersOf(customer), []);
});

test('the same key gives the same page again, and another request under it is refused', async () => {
  const customer = await shop.customer();
  const headers = { 'idempotency-key': `buy-${customer.workspaceId}` };
  const [first, ...others] = await Promise.all(
    Array.from({ length: 5 }, () => shop.post(PATH, orderOf(customer, { pack: 'small' }), headers)),
  );
  for (const other of others) assert.deepEqual(other.body, first!.body);
  assert.deepEqual((await booksOf(shop, customer.workspaceId)).checkouts, ['OPEN']);
  const changed = await shop.post(PATH, orderOf(customer, { amount: 20, currency: 'usd' }), headers);
  assert.equal(changed.status, 409);
  assert.equal(changed.body.error.code, 'idempotency_conflict');
});

test('ten first checkouts of one person at once make one payer and one customer', async () => {
  const customer = await shop.customer();
  const checkouts = await Promise.all(Array.from({ length: 10 }, () => shop.checkout(customer)));
  assert.equal(new Set(checkouts.map(({ paymentUserId }) => paymentUserId)).size, 1);
  const payers = await payersOf(customer);
  assert.equal(payers.length, 1);
  assert.deepEqual(await customersOf(customer.user.email), [payers[0]!.customerId]);
});

test('capitals and spaces make no other person; a new e-mail replaces the old one, at Stripe too', async () => {
  const customer = await shop.customer();
  const { userId, email } = customer.user;
  await shop.checkout({ ...customer, user: { userId, email: ` ${email.toUpperCase()} ` } });
  const [before] = await payersOf(customer);
  assert.equal(before?.email, email);
  const renamed = `new-${email}`;
  await shop.checkout({ ...customer, user: { userId, email: renamed } });
  assert.deepEqual(await payersOf(customer), [{ email: renamed, customerId: before!.customerId }]);
  assert.deepEqual(await customersOf(renamed), [before!.customerId]);
});

test('an e-mail that belongs to another user is refused, new payer or old', async () => {
  const owner = await shop.customer();
  await shop.checkout(owner);
  const fresh = await shop.customer();
  const known = await shop.customer();
  await shop.checkout(known);
  for (const { workspaceId, user } of [fresh, known]) {
    const taken = { workspaceId, user: { userId: user.userId, email: owner.user.email } };
    const { status, body } = await shop.post(PATH, orderOf(taken, { pack: 'small' }));
    assert.equal(status, 400);
    assert.equal(body.error.param, 'user.email');
  }
  assert.deepEqual((await payersOf(known))[0]?.email, known.user.email);
});

test('a customer that was deleted at Stripe is replaced, and what was bought stays', async () => {
  const customer = await shop.customer();
  const { sessionId } = await shop.checkout(customer);
  shop.simulator.pay(sessionId);
  await shop.idle();
  const [before] = await payersOf(customer);
  await shop.services.stripe.customers.del(before!.customerId!);
  const [second, third] = [await shop.checkout(customer), await shop.checkout(customer)];
  const [after] = await payersOf(customer);
  assert.notEqual(after?.customerId, before?.customerId);
  assert.deepEqual(await customersOf(customer.user.email), [after!.customerId]);
  for (const checkout of [second, third]) shop.simulator.pay(checkout.sessionId);
  await shop.idle();
  assert.equal((await booksOf(shop, customer.workspaceId)).balance, 3000);
});

const SESSIONS = /POST \/v1\/checkout\/sessions$/;
const CUSTOMERS = /POST \/v1\/customers$/;

for (const [what, match, faults, status, code] of [
  ['answers 500', SESSIONS, Array(3).fill({ status: 500 }), 503, 'provider_unavailable'],
  ['answers 502 to the customer', CUSTOMERS, Array(3).fill({ status: 502 }), 503, 'provider_unavailable'],
  ['does not answer', SESSIONS, Array(3).fill({ lose: 'hang' }), 503, 'provider_unavailable'],
  ['is cut off', SESSIONS, Array(3).fill({ lose: 'cut' }), 503, 'provider_unavailable'],
  ['answers with garbage', SESSIONS, [{ status: 200, body: '<html>' }], 503, 'provider_unavailable'],
  [
    'refuses the call',
    SESSIONS,
    [
      {
        status: 400,
        body: '{"error":{"type":"invalid_request_error","message":"No sk_test_abc123 today."}}',
      },
    ],
    502,
    'provider_error',
  ],
  [
    'does not know the key',
    SESSIONS,
    [{ status: 401, body: '{"error":{"type":"invalid_request_error","message":"Invalid API Key: sk_te…"}}' }],
    502,
    'provider_error',
  ],
  [
    'answers with another object',
    SESSIONS,
    [{ status: 200, body: '{"object":"list"}' }],
    502,
    'provider_error',
  ],
  ['answers with nothing', SESSIONS, [{ status: 200, body: '{}' }], 502, 'provider_error'],
  [
    'asks for another amount',
    SESSIONS,
    [{ change: (session: object) => ({ ...session, amount_total: 1 }) }],
    502,
    'provider_error',
  ],
  [
    'asks in another currency',
    SESSIONS,
    [{ change: (session: object) => ({ ...session, currency: 'jpy' }) }],
    502,
    'provider_error',
  ],
  [
    'answers in live mode',
    SESSIONS,
    [{ change: (session: object) => ({ ...session, livemode: true }) }],
    502,
    'provider_error',
  ],
] as const) {
  test(`when Stripe ${what}, nothing is booked; the same request works afterwards, with one customer`, async () => {
    const customer = await shop.customer();
    const headers = { 'idempotency-key': `after-${customer.workspaceId}` };
    const order = orderOf(customer, { pack: 'small' });
    shop.wire.fail(match, ...faults);
    const refused = await shop.post(PATH, order, headers);
    assert.equal(refused.status, status);
    assert.equal(refused.body.error.code, code);
    assert.doesNotMatch(JSON.stringify(refused.body), /sk_/);
    const nothing = await booksOf(shop, customer.workspaceId);
    assert.deepEqual(nothing.checkouts, ['FAILED']);
    assert.deepEqual(nothing.payments, []);

    const again = await shop.post(PATH, order, headers);
    assert.equal(again.status, 201);
    shop.simulator.pay(again.body.sessionId);
    await shop.idle();
    const books = await booksOf(shop, customer.workspaceId);
    assert.equal(books.balance, 1000);
    assert.deepEqual(books.checkouts, ['FAILED', 'COMPLETE']);
    assert.equal(books.payments.length, 1);
    assert.equal((await customersOf(customer.user.email)).length, 1);
  });
}
