import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../fixtures/catalog.ts';
import { eventAbout, openShop, type Shop } from '../shop.ts';

suite('22: what is paid for is what invoices say', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  const creditsOf = async (workspaceId: string) => {
    const { rows } = await shop.database.pool.query(
      'select amount::float, plan from "PlanCredit" where "workspaceId" = $1',
      [workspaceId],
    );
    return rows;
  };

  test('paid and payment_succeeded of one invoice, again and again: the credits of one month', async () => {
    const customer = await shop.customer();
    const subscription = await shop.subscribe(customer);
    const invoice = await shop.services.stripe.invoices.retrieve(String(subscription.latest_invoice));
    const types = ['invoice.paid', 'invoice.payment_succeeded'];
    await Promise.all(Array.from({ length: 10 }, (_, i) => shop.deliver(eventAbout(types[i % 2]!, invoice))));
    await shop.idle();
    assert.deepEqual(await creditsOf(customer.workspaceId), [{ amount: 500, plan: 'PRO' }]);
    assert.equal((await shop.workspace(customer)).credit.balance, 500);
  });

  test('the invoice of a trial asks for nothing: the plan, no payment, and no credits until one is made', async () => {
    const customer = await shop.customer();
    const subscription = await shop.subscribe(customer, { trialDays: 7 });
    const invoice = await shop.services.stripe.invoices.retrieve(String(subscription.latest_invoice));
    assert.deepEqual([invoice.status, invoice.amount_paid], ['paid', 0]);
    const trial = await shop.workspace(customer);
    assert.deepEqual([trial.plan, trial.subscription!.status, trial.credit.balance], ['PRO', 'TRIAL', 0]);
    assert.deepEqual(await creditsOf(customer.workspaceId), []);
    await shop.advance(7);
    await shop.advance(0.1);
    const paid = await shop.workspace(customer);
    assert.deepEqual([paid.plan, paid.subscription!.status, paid.credit.balance], ['PRO', 'ACTIVE', 500]);
  });

  test('an invoice that somebody marks as paid elsewhere counts like one', async () => {
    const customer = await shop.customer();
    const { id, customer: payer } = await shop.subscribe(customer);
    const { stripe } = shop.services;
    const { data } = await stripe.paymentMethods.list({ customer: String(payer) });
    shop.simulator.setCard(data[0]!.id, 'insufficient_funds');
    await shop.advance(31);
    await shop.advance(0.1);
    assert.equal((await shop.workspace(customer)).subscription!.status, 'PAST_DUE');
    const { latest_invoice: latest } = await stripe.subscriptions.retrieve(id);
    await stripe.invoices.pay(String(latest), { paid_out_of_band: true });
    await shop.idle();
    const { subscription, credit } = await shop.workspace(customer);
    assert.deepEqual([subscription!.status, credit.balance], ['ACTIVE', 500]);
  });
});
