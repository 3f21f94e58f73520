import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { eventAbout, openShop, type Shop, until } from '../shop.ts';

const HOUR_MS = 3_600_000;

suite('40: how an invoice may end', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog(), dunning: { retryDays: [1], outcome: 'unpaid' } });
  });
  after(() => shop.close());

  const paymentsOf = async (workspaceId: string) => {
    const { rows } = await shop.database.pool.query(
      'select status from "Payment" where "workspaceId" = $1 order by "createdAt", id',
      [workspaceId],
    );
    return rows.map(({ status }) => status);
  };

  test('given up and paid after all: the plan and its credits are back', async () => {
    const customer = await shop.customer();
    const { id, customer: payer, items } = await shop.subscribe(customer);
    const { stripe } = shop.services;
    const [card] = (await stripe.paymentMethods.list({ customer: String(payer) })).data;
    shop.simulator.setCard(card!.id, 'insufficient_funds');
    await shop.advanceTo(new Date(items.data[0]!.current_period_end * 1000 + HOUR_MS));
    await shop.advance(1.1);
    assert.equal((await shop.workspace(customer)).plan, 'FREE');
    const { latest_invoice: latest } = await stripe.subscriptions.retrieve(id);
    await stripe.invoices.markUncollectible(String(latest));
    await shop.idle();
    assert.equal((await shop.workspace(customer)).credit.balance, 0);
    assert.deepEqual(await paymentsOf(customer.workspaceId), ['SUCCEEDED', 'FAILED']);
    shop.simulator.setCard(card!.id, null);
    await stripe.invoices.pay(String(latest));
    await shop.idle();
    const { plan, credit } = await shop.workspace(customer);
    assert.deepEqual([plan, credit.balance], ['PRO', 500]);
    assert.deepEqual(await paymentsOf(customer.workspaceId), ['SUCCEEDED', 'SUCCEEDED']);
  });

  test('void: no credits of its month', async () => {
    const customer = await shop.customer();
    const { id, customer: payer, items } = await shop.subscribe(customer);
    const { stripe } = shop.services;
    const [card] = (await stripe.paymentMethods.list({ customer: String(payer) })).data;
    shop.simulator.setCard(card!.id, 'insufficient_funds');
    await shop.advanceTo(new Date(items.data[0]!.current_period_end * 1000 + HOUR_MS));
    const { latest_invoice: latest } = await stripe.subscriptions.retrieve(id);
    await stripe.invoices.voidInvoice(String(latest));
    await shop.idle();
    const { plan, credit } = await shop.workspace(customer);
    assert.deepEqual([plan, credit.balance], ['PRO', 0]);
    assert.deepEqual(await paymentsOf(customer.workspaceId), ['SUCCEEDED', 'FAILED']);
  });

  test('not finalized: an operator is told, with what Stripe says', async () => {
    const customer = await shop.customer();
    const { latest_invoice: latest } = await shop.subscribe(customer);
    const invoice = await shop.services.stripe.invoices.retrieve(String(latest));
    const stuck = {
      ...invoice,
      status: 'draft',
      last_finalization_error: { type: 'invalid_request_error', message: 'The address is missing.' },
    };
    shop.wire.fail(/GET \/v1\/invoices\/in_/, {
      change: (answer) => ({ ...answer, ...stuck, payments: answer.payments }),
    });
    shop.reports.length = 0;
    await shop.deliver(eventAbout('invoice.finalization_failed', stuck));
    await shop.idle();
    await until(() => /could not be finalized: The address is missing/.test(shop.reports.join()));
  });
});
