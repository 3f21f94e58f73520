import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { booksOf, type Customer, openShop, type Shop, until } from '../../../test/shop.ts';

let shop: Shop;
before(async () => {
  shop = await openShop();
});
after(() => shop.close());

const SETTINGS = { threshold: 900, pack: 'small', monthlyMax: 100 };
const pathOf = ({ workspaceId }: Customer) => `/v1/workspaces/${workspaceId}/auto-topup`;

/** A workspace with 1000 credits, a saved card, and a wallet that is kept topped up. */
async function toppedUp(settings: object = {}, card?: string): Promise<Customer> {
  const customer = await shop.customer();
  await shop.buy(customer, { pack: 'small', saveCard: true }, card);
  const { status, body } = await put(customer, settings);
  assert.equal(status, 200, JSON.stringify(body));
  return customer;
}

const put = ({ workspaceId, user }: Customer, settings: object = {}) =>
  shop.send('PUT', pathOf({ workspaceId, user }), { user, ...SETTINGS, ...settings });
const read = async (customer: Customer) => (await shop.get(pathOf(customer))).body;
const settled = (customer: Customer, status: string) =>
  until(async () => (await read(customer)).status === status);

test('a use that leaves too little is followed by a payment, a record and a grant', async () => {
  const customer = await toppedUp();
  assert.equal((await read(customer)).status, 'READY');
  await shop.spend(customer, 100); // 900 is not below
  assert.equal((await booksOf(shop, customer.workspaceId)).payments.length, 1);
  await shop.spend(customer, 1);
  await until(async () => (await booksOf(shop, customer.workspaceId)).balance === 1899);
  const books = await booksOf(shop, customer.workspaceId);
  assert.deepEqual(books.checkouts, ['COMPLETE', 'COMPLETE']);
  assert.equal(books.payments.length, 2);
  const { paymentId, ...payment } = books.payments[1]!;
  assert.match(paymentId, /^pi_/);
  assert.deepEqual(payment, { status: 'SUCCEEDED', amount: 10, currency: 'usd', credits: 1000 });
  assert.equal(books.records.length, 2);
  await shop.idle();
  assert.equal((await booksOf(shop, customer.workspaceId)).balance, 1899);
  assert.deepEqual(
    (({ status, spentThisMonth, why }) => ({ status, spentThisMonth, why }))(await read(customer)),
    {
      ...{ status: 'READY', spentThisMonth: 10, why: null },
    },
  );
});

test('fifty uses at once are followed by one payment', async () => {
  const customer = await toppedUp();
  await Promise.all(Array.from({ length: 50 }, () => shop.spend(customer, 10)));
  await until(async () => (await booksOf(shop, customer.workspaceId)).balance === 1500);
  await shop.idle();
  assert.equal((await booksOf(shop, customer.workspaceId)).payments.length, 2);
});
