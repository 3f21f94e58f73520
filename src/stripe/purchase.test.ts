import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sampleConfig } from '../../test/fixtures/catalog.ts';
import { booksOf, eventAbout, eventsOf, openShop, type Shop } from '../../test/shop.ts';
import { parseCatalog } from '../catalog/parse.ts';

let shop: Shop;
before(async () => {
  shop = await openShop();
});
after(() => shop.close());

test('who pays on the page gets the credits, once, with a payment and a record of it', async () => {
  const customer = await shop.customer();
  const checkout = await shop.checkout(customer);
  assert.equal(checkout.amount, 10);
  assert.equal(checkout.currency, 'usd');
  assert.equal(checkout.credits, 1000);
  assert.ok(new Date(checkout.expiresAt) > shop.clock.now());
  const pending = await booksOf(shop, customer.workspaceId);
  assert.deepEqual(pending.payments, [
    { status: 'PENDING', paymentId: checkout.sessionId, amount: 10, currency: 'usd', credits: 1000 },
  ]);
  assert.equal(pending.balance, 0);

  const paid = shop.simulator.pay(checkout.sessionId);
  await shop.idle();

  const books = await booksOf(shop, customer.workspaceId);
  const paymentId = paid.payment_intent as string;
  assert.equal(books.balance, 1000);
  assert.deepEqual(books.checkouts, ['COMPLETE']);
  assert.deepEqual(books.payments, [
    { status: 'SUCCEEDED', paymentId, amount: 10, currency: 'usd', credits: 1000 },
  ]);
  assert.deepEqual(books.records, [{ amount: 1000, type: 'PURCHASE', paymentId }]);
  assert.equal(books.grants.length, 1);
  const lasts = Date.parse(books.grants[0]!.expiresAt!) - shop.clock.now().getTime();
  assert.equal(Math.round(lasts / 86_400_000), 365);
  const [event] = await eventsOf(shop, checkout.sessionId);
  assert.equal(event?.status, 'APPLIED');
  assert.equal(event?.attempts, 1);
});

test('a declined card leaves the checkout open, and a good one then pays it', async () => {
  const customer = await shop.customer();
  const { sessionId } = await shop.checkout(customer);
  shop.simulator.decline(sessionId);
  await shop.idle();
  const declined = await booksOf(shop, customer.workspaceId);
  assert.deepEqual(declined.checkouts, ['OPEN']);
  assert.equal(declined.payments[0]?.status, 'PENDING');
  shop.simulator.pay(sessionId);
  await shop.idle();
  const paid = await booksOf(shop, customer.workspaceId);
  assert.deepEqual(paid.checkouts, ['COMPLETE']);
  assert.equal(paid.payments[0]?.status, 'SUCCEEDED');
  assert.equal(paid.balance, 1000);
});

test('a page that nobody paid on expires, and its payment with it', async () => {
  const customer = await shop.customer();
  const { sessionId } = await shop.checkout(customer);
  await shop.services.stripe.checkout.sessions.expire(sessionId);
  await shop.idle();
  const books = await booksOf(shop, customer.workspaceId);
  assert.deepEqual(books.checkouts, ['EXPIRED']);
  assert.equal(books.payments[0]?.status, 'FAILED');
});

test('an expiry that is told late, after the payment, changes nothing', async () => {
  const customer = await shop.customer();
  const { sessionId } = await shop.checkout(customer);
  const session = shop.simulator.pay(sessionId);
  await shop.idle();
  const before = await booksOf(shop, customer.workspaceId);
  const late = eventAbout('checkout.session.expired', { ...session, status: 'expired' });
  assert.equal((await shop.deliver(late)).status, 200);
  await shop.idle();
  assert.deepEqual(await booksOf(shop, customer.workspaceId), before);
});

test('fifty purchases at once by one workspace add up exactly', async () => {
  const customer = await shop.customer();
  const checkouts = await Promise.all(
    Array.from({ length: 50 }, (_, i) => shop.checkout(customer, { amount: 5 + i / 100, currency: 'usd' })),
  );
  for (const { sessionId } of checkouts) shop.simulator.pay(sessionId);
  await shop.idle();
  const books = await booksOf(shop, customer.workspaceId);
  const expected = checkouts.reduce((sum, { credits }) => sum + Math.round(credits * 1e6), 0) / 1e6;
  assert.equal(books.balance, expected);
  assert.equal(books.grants.length, 50);
  assert.equal(books.records.length, 50);
  assert.ok(books.payments.every(({ status }) => status === 'SUCCEEDED'));
  const { rows } = await shop.database.pool.query(
    `select balance = total as fits, balance = (select sum(remaining) from "CreditGrant" g where g."workspaceId" = c."workspaceId") as adds
     from "Credit" c where "workspaceId" = $1`,
    [customer.workspaceId],
  );
  assert.deepEqual(rows, [{ fits: true, adds: true }]);
});

test('yen have no decimals, and Kuwaiti dinars three at Stripe', async (t) => {
  const config = sampleConfig();
  delete config.plans.BASIC;
  delete config.plans.PRO;
  config.credits = {
    expireAfterDays: null,
    packs: { small: { name: '1,000 credits', credits: 1000, price: { jpy: 1500, usd: 10, kwd: 3.21 } } },
    custom: {
      usd: { min: 5, max: 500, creditsPerUnit: 100 },
      jpy: { min: 750, max: 75000, creditsPerUnit: 0.65 },
      kwd: { min: 1, max: 100, creditsPerUnit: 300 },
    },
  };
  const catalog = parseCatalog(config);
  const kuwait = await openShop({ catalog });
  t.after(() => kuwait.close());
  for (const [more, amount, atStripe, credits] of [
    [{ pack: 'small', currency: 'JPY' }, 1500, 1500, 1000],
    [{ amount: 751, currency: 'jpy' }, 751, 751, 488.15],
    [{ pack: 'small', currency: 'kwd' }, 3.21, 3210, 1000],
    [{ amount: 1.23, currency: 'kwd' }, 1.23, 1230, 369],
  ] as const) {
    const customer = await kuwait.customer();
    const checkout = await kuwait.checkout(customer, more);
    assert.equal(checkout.amount, amount);
    assert.equal(kuwait.simulator.pay(checkout.sessionId).amount_total, atStripe);
    await kuwait.idle();
    const books = await booksOf(kuwait, customer.workspaceId);
    assert.equal(books.balance, credits);
    assert.equal(books.payments[0]?.amount, amount);
    assert.equal(books.payments[0]?.currency, more.currency.toLowerCase());
  }
});
