import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../../../test/fixtures/catalog.ts';
import { type Customer, openShop, type Shop } from '../../../test/shop.ts';
import { commit } from '../change.ts';
import { readInvoice } from './invoices.ts';

suite('what is asked again later is done again', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  async function ask({ workspaceId }: Customer, verb: string, body: object) {
    const answer = await shop.post(`/v1/subscriptions/${workspaceId}/${verb}`, body);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  }

  test('an end, given up and asked for again', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer);
    for (let time = 1; time <= 3; time++) {
      const { cancelAt, endDate } = await ask(customer, 'cancel', { at: 'period_end' });
      assert.equal(cancelAt, endDate);
      assert.equal((await ask(customer, 'resume', {})).cancelAt, null);
    }
  });

  test('a smaller plan, another one, and the first again', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer, { interval: 'year' });
    for (const [plan, interval] of [
      ...[
        ['BASIC', 'month'],
        ['BASIC', 'year'],
        ['PRO', 'month'],
        ['BASIC', 'month'],
      ],
    ] as [string, string][]) {
      const { pending } = await ask(customer, 'change', { plan, interval });
      assert.deepEqual([pending?.plan, pending?.interval], [plan, interval]);
    }
    assert.equal((await ask(customer, 'change', { plan: 'PRO', interval: 'year' })).pending, null);
    const { pending } = await ask(customer, 'change', { plan: 'BASIC', interval: 'month' });
    assert.equal(pending.plan, 'BASIC');
  });

  test('up and down within a trial', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer, { plan: 'BASIC', trialDays: 14 });
    for (const plan of ['PRO', 'BASIC', 'PRO', 'BASIC']) {
      assert.equal((await ask(customer, 'change', { plan, interval: 'month' })).plan, plan);
    }
  });

  test('an invoice of a subscription that another one has followed, though a month of it cost nothing', async () => {
    const customer = await shop.customer();
    const { id, latest_invoice: invoice } = await shop.subscribe(customer);
    await ask(customer, 'cancel', { at: 'now' });
    await shop.subscribe(customer);
    const { pool } = shop.database;
    // As if it had been paid by what was left of another plan, and not been told of.
    await pool.query('update "PaidPeriod" set "paymentId" = null where "subscriptionId" = $1', [id]);
    await pool.query('update "Payment" set status = $1 where "invoiceId" = $2', ['PENDING', invoice]);
    assert.deepEqual(await commit(shop.services, await readInvoice(shop.services, String(invoice))), {
      status: 'APPLIED',
    });
    const { rows } = await pool.query('select status from "Payment" where "invoiceId" = $1', [invoice]);
    assert.deepEqual(rows, [{ status: 'SUCCEEDED' }]);
    await pool.query(
      'update "PaidPeriod" set "paymentId" = (select id from "Payment" where "invoiceId" = $1) where "subscriptionId" = $2',
      [invoice, id],
    );
  });
});
