import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../../../test/fixtures/catalog.ts';
import { type Customer, openShop, type Shop } from '../../../test/shop.ts';

suite('an upgrade that waits for its payment', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  const ask = ({ workspaceId }: Customer, verb: string, body: object) =>
    shop.post(`/v1/subscriptions/${workspaceId}/${verb}`, body);

  const change = (customer: Customer, plan: string, interval = 'month') =>
    ask(customer, 'change', { plan, interval });

  const invoiceOf = async (id: string) => {
    const { latest_invoice: invoice } = await shop.services.stripe.subscriptions.retrieve(id);
    return shop.services.stripe.invoices.retrieve(String(invoice));
  };

  /** From BASIC by the year, with a card that has no money; the page of the payment. */
  async function waiting() {
    const customer = await shop.customer();
    const { id, default_payment_method: card } = await shop.subscribe(customer, {
      plan: 'BASIC',
      interval: 'year',
    });
    shop.simulator.setCard(String(card), 'insufficient_funds');
    const { body } = await change(customer, 'PRO', 'year');
    assert.equal(body.error.code, 'payment_required');
    return { customer, id, url: body.error.details.url as string };
  }

  const payOn = (url: string) =>
    fetch(url, {
      method: 'POST',
      body: new URLSearchParams({ pay_with: '4242424242424242' }),
      redirect: 'manual',
    });

  for (const [what, verb, body, pending] of [
    ['the present plan', 'change', { plan: 'BASIC', interval: 'year' }, undefined],
    ['less', 'change', { plan: 'BASIC', interval: 'month' }, 'BASIC'],
    ['the end of the period', 'cancel', { at: 'period_end' }, undefined],
  ] as const) {
    test(`is given up by who asks for ${what}: nobody can pay it any more`, async () => {
      const { customer, id, url } = await waiting();
      const { status, body: subscription } = await ask(customer, verb, body);
      assert.deepEqual(
        [status, subscription.plan, subscription.pending?.plan],
        [200, 'BASIC', pending],
        JSON.stringify(subscription),
      );
      assert.equal((await invoiceOf(id)).status, 'void');
      assert.equal((await payOn(url)).ok, false);
      await shop.idle();
      assert.equal((await shop.workspace(customer)).plan, 'BASIC');
      const { rows } = await shop.database.pool.query(
        'select status from "Payment" where "workspaceId" = $1 order by "createdAt"',
        [customer.workspaceId],
      );
      assert.deepEqual(
        rows.map((row) => row.status),
        ['SUCCEEDED', 'FAILED'],
      );
    });
  }

  test('is given up with an end at once', async () => {
    const { customer, id, url } = await waiting();
    await ask(customer, 'cancel', { at: 'now' });
    assert.equal((await invoiceOf(id)).status, 'void');
    assert.equal((await payOn(url)).ok, false);
    assert.equal((await shop.workspace(customer)).plan, 'FREE');
  });

  test('waits on when what is asked for cannot be had', async () => {
    const { customer, id, url } = await waiting();
    assert.equal((await change(customer, 'FREE')).status, 400);
    assert.equal((await invoiceOf(id)).status, 'open');
    assert.equal((await payOn(url)).ok, true);
    await shop.idle();
    assert.equal((await shop.workspace(customer)).plan, 'PRO');
  });

  test('and is paid at the same moment is had, and what was asked for is less', async () => {
    const { customer, url } = await waiting();
    shop.wire.fail(/GET \/v1\/subscriptions\/sub_/, { change: (answer) => payOn(url).then(() => answer) });
    const { status, body } = await change(customer, 'BASIC', 'year');
    assert.deepEqual([status, body.plan, body.pending?.plan], [200, 'PRO', 'BASIC'], JSON.stringify(body));
  });

  for (const isPaid of [false, true]) {
    test(`${isPaid ? 'gives up' : 'leaves'} what was pending, where it is ${isPaid ? 'paid' : 'not'}`, async () => {
      const customer = await shop.customer();
      const { default_payment_method: card } = await shop.subscribe(customer, {
        plan: 'BASIC',
        interval: 'year',
      });
      assert.equal((await change(customer, 'BASIC')).body.pending.interval, 'month');
      if (!isPaid) shop.simulator.setCard(String(card), 'insufficient_funds');
      const { status } = await change(customer, 'PRO', 'year');
      assert.equal(status, isPaid ? 200 : 402);
      await shop.idle();
      const { plan, subscription } = await shop.workspace(customer);
      assert.deepEqual(
        [plan, subscription!.pending?.interval],
        isPaid ? ['PRO', undefined] : ['BASIC', 'month'],
      );
      shop.simulator.setCard(String(card), null);
      await shop.advance(366);
      await shop.advance(0.1);
      const { subscription: next } = await shop.workspace(customer);
      assert.deepEqual([next!.plan, next!.interval], isPaid ? ['PRO', 'year'] : ['BASIC', 'month']);
    });
  }
});
