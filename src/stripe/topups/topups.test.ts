import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { booksOf, openShop, type Shop } from '../../../test/shop.ts';
import { topUpsOf } from '../../../test/topups.ts';
import { chargeTopUp } from './charge.ts';

let shop: Shop;
let topUps: ReturnType<typeof topUpsOf>;
before(async () => {
  shop = await openShop();
  topUps = topUpsOf(shop);
});
after(() => shop.close());

test('a use that leaves too little is followed by a payment, a record and a grant', async () => {
  const customer = await topUps.begin();
  assert.equal((await topUps.read(customer)).status, 'READY');
  await shop.spend(customer, 100); // 900 is not below
  assert.equal((await topUps.read(customer)).status, 'READY');
  await shop.spend(customer, 1);
  await topUps.has(customer, 1899);
  const books = await booksOf(shop, customer.workspaceId);
  assert.deepEqual(books.checkouts, ['COMPLETE', 'COMPLETE']);
  const { paymentId, ...payment } = books.payments[1]!;
  assert.deepEqual(payment, { status: 'SUCCEEDED', amount: 10, currency: 'usd', credits: 1000 });
  assert.deepEqual(books.records[1], { amount: 1000, type: 'PURCHASE', paymentId });
  const [intent] = await topUps.intents(customer);
  assert.deepEqual([intent?.id, intent?.status, intent?.amount_received], [paymentId, 'succeeded', 1000]);
  await shop.idle(); // Stripe's own word for it changes nothing
  assert.equal((await booksOf(shop, customer.workspaceId)).balance, 1899);
  const { status, spentThisMonth, why, link } = await topUps.read(customer);
  assert.deepEqual([status, spentThisMonth, why, link], ['READY', 10, null, null]);
});

test('fifty uses at once, and several workers, are followed by one payment', async () => {
  const customer = await topUps.begin();
  await Promise.all([
    ...Array.from({ length: 50 }, () => shop.spend(customer, 10)),
    ...Array.from({ length: 5 }, () => chargeTopUp(shop.services, customer.workspaceId)),
  ]);
  await topUps.has(customer, 1500);
  await Promise.all(Array.from({ length: 5 }, () => chargeTopUp(shop.services, customer.workspaceId)));
  await shop.idle();
  assert.deepEqual(await topUps.payments(customer), ['SUCCEEDED']);
  assert.equal((await topUps.intents(customer)).length, 1);
});

test('a pack that is too small is bought until it is enough', async () => {
  const customer = await topUps.begin({ threshold: 2500 });
  await topUps.has(customer, 3000);
  await topUps.reaches(customer, 'READY');
  await shop.idle();
  assert.deepEqual(await topUps.payments(customer), ['SUCCEEDED', 'SUCCEEDED']);
});

test('a use that credits could not pay asks for a top-up; one that the plan pays does not', async () => {
  const customer = await topUps.begin({ threshold: 100 });
  const { engine } = shop.services;
  shop.clock.offsetMs += 366 * 86_400_000; // what was bought has expired: it left without a use
  assert.equal((await engine.state(customer.workspaceId)).wallet.balance, 0n);
  const free = { workspaceId: customer.workspaceId, featureCode: 'ai.points', amount: 1_000_000n } as const;
  const asked = { type: 'USE', description: null, ai: null, idempotency: null, ...free } as const;
  assert.equal((await engine.submit(asked)).decision.fromAllowance, 1_000_000n);
  assert.equal((await topUps.read(customer)).status, 'READY');
  await assert.rejects(shop.spend(customer, 1), { code: 'insufficient_credits' });
  await topUps.has(customer, 1000);
  assert.deepEqual(await topUps.payments(customer), ['SUCCEEDED']);
});

test('a month costs no more than its maximum, and the next one goes on by itself', async () => {
  const customer = await topUps.begin({ monthlyMax: 15 });
  await shop.spend(customer, 200);
  await topUps.has(customer, 1800);
  await shop.spend(customer, 1000);
  await topUps.reaches(customer, 'BACKING_OFF');
  const { why, nextTryAt, spentThisMonth } = await topUps.read(customer);
  const now = shop.clock.now();
  const nextMonth = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1)).toISOString();
  assert.deepEqual([why, nextTryAt, spentThisMonth], ['monthly_max_reached', nextMonth, 10]);
  await shop.spend(customer, 100);
  await shop.idle();
  assert.deepEqual(await topUps.payments(customer), ['SUCCEEDED']);
  assert.equal(shop.reports.filter((report) => report.includes(customer.workspaceId)).length, 1);
  // A higher maximum is a change that begins anew.
  await topUps.put(customer, { monthlyMax: 20 });
  await topUps.has(customer, 1700);
  assert.equal((await topUps.read(customer)).spentThisMonth, 20);
});

test('settings: kept, changed, the same again, off and on, and gone', async () => {
  const customer = await shop.customer();
  assert.equal((await shop.get(`/v1/workspaces/${customer.workspaceId}/auto-topup`)).status, 404);
  const { body } = await topUps.put(customer, { enabled: false });
  const { paymentUserId, ...rest } = body;
  assert.match(paymentUserId, /^pu_/);
  assert.deepEqual(rest, {
    ...{ workspaceId: customer.workspaceId, enabled: false, threshold: 900, pack: 'small', currency: 'usd' },
    ...{ monthlyMax: 100, spentThisMonth: 0, status: 'DISABLED', why: null, nextTryAt: null, link: null },
  });
  await topUps.put(customer);
  await topUps.reaches(customer, 'STOPPED'); // nobody has saved a card
  assert.equal((await topUps.read(customer)).why, 'no_card');
  assert.equal((await topUps.put(customer)).body.status, 'STOPPED'); // the same again
  assert.equal((await topUps.put(customer, { enabled: false })).body.status, 'DISABLED');
  assert.deepEqual((await topUps.drop(customer)).body, { workspaceId: customer.workspaceId, deleted: true });
  assert.equal((await topUps.drop(customer)).status, 404);
  assert.equal(shop.reports.filter((report) => report.includes(customer.workspaceId)).length, 1);
});

test('what is off or gone asks for nothing', async () => {
  const [off, gone] = [await topUps.begin(), await topUps.begin()];
  await topUps.put(off, { enabled: false });
  await topUps.drop(gone);
  await Promise.all([shop.spend(off, 500), shop.spend(gone, 500)]);
  await shop.idle();
  assert.deepEqual([await topUps.payments(off), await topUps.payments(gone)], [[], []]);
  await topUps.put(off); // on again, it is too low already
  await topUps.has(off, 1500);
});

for (const [name, settings, param] of [
  ['a pack that there is not', { pack: 'huge' }, 'pack'],
  ['a currency that it is not sold in', { currency: 'chf' }, 'currency'],
  ['a month that one pack is too dear for', { monthlyMax: 9.99 }, 'monthlyMax'],
  ['a threshold of nothing', { threshold: 0 }, 'threshold'],
  ['no word on the month', { monthlyMax: undefined }, 'monthlyMax'],
  ['a field that it does not know', { cap: 1 }, 'cap'],
] as const) {
  test(`refuses ${name}`, async () => {
    const { status, body } = await topUps.put(await shop.customer(), settings);
    assert.deepEqual([status, body.error.code, body.error.param], [400, 'invalid_request', param]);
  });
}

test('refuses a workspace that does not exist', async () => {
  const { user } = await shop.customer();
  const { status, body } = await topUps.put({ workspaceId: 'nowhere', user });
  assert.deepEqual([status, body.error.code], [404, 'workspace_not_found']);
});

test('a top-up is refunded as any payment is', async () => {
  const customer = await topUps.begin();
  await shop.spend(customer, 200);
  await topUps.has(customer, 1800);
  const { rows } = await shop.database.pool.query(
    `select p.id from "Payment" p join "Checkout" c on c.id = p."checkoutId" where c.kind = 'TOP_UP' and p."workspaceId" = $1`,
    [customer.workspaceId],
  );
  const { status } = await shop.post(`/v1/payments/${rows[0].id}/refund`, {});
  assert.equal(status, 200);
  await shop.idle();
  // Nobody is charged again because they got their money back.
  assert.deepEqual(await topUps.payments(customer), ['SUCCEEDED']);
  assert.equal((await booksOf(shop, customer.workspaceId)).balance, 800);
});
