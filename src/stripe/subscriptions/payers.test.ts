import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../../../test/fixtures/catalog.ts';
import { type Customer, eventsOf, openShop, orderOf, type Shop, until } from '../../../test/shop.ts';
import { topUpsOf } from '../../../test/topups.ts';

suite('several payers', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  const ask = ({ workspaceId }: Customer, verb: string, body: object) =>
    shop.post(`/v1/subscriptions/${workspaceId}/${verb}`, body);

  const order = (customer: Customer) =>
    shop.post('/v1/checkout/subscription', orderOf(customer, { plan: 'PRO', interval: 'month' }));

  /** A workspace that two payers have subscribed for: the second in the dashboard, after the first. */
  async function doubled() {
    const first = await shop.customer();
    const second = { ...(await shop.customer()), workspaceId: first.workspaceId };
    const { items } = await shop.subscribe(first);
    await shop.buy(second, { pack: 'small', saveCard: true });
    const payer = await topUpsOf(shop).customerIdOf(second);
    const { stripe } = shop.services;
    const { id } = await stripe.subscriptions.create({
      customer: payer,
      items: [{ price: items.data[0]!.price.id }],
      metadata: { workspaceId: first.workspaceId },
      default_payment_method: await topUpsOf(shop).cardOf(second),
    });
    await shop.idle();
    const told = async () =>
      (await eventsOf(shop, payer)).filter(({ type }) => type.startsWith('customer.subscription'));
    assert.deepEqual(new Set((await told()).map(({ status }) => status)), new Set(['FAILED']));
    return { first, second, id, told };
  }

  const isApplied = (told: Awaited<ReturnType<typeof doubled>>['told']) =>
    until(async () => (await told()).every(({ status }) => status === 'APPLIED'));

  test('of one workspace: who comes second is refused, and may buy credits', async () => {
    const first = await shop.customer();
    const second = { ...(await shop.customer()), workspaceId: first.workspaceId };
    const late = await order(second); // a page of theirs that is open already
    await shop.subscribe(first);
    assert.throws(() => shop.simulator.pay(late.body.sessionId), /can no longer be paid/);
    const { status, body } = await order(second);
    assert.deepEqual([status, body.error.code], [409, 'subscription_exists']);
    await shop.buy(second);
    // Their portal shows what they pay, and that is no subscription.
    const { body: portal } = await shop.post('/v1/portal', { ...second, returnUrl: 'https://shop.test/' });
    const page = await (await fetch(portal.url)).text();
    assert.ok(!page.includes('Pro'), page);
    assert.equal((await shop.workspace(first)).credit.balance, 500 + 1000);
  });

  test('who both pay: when the first ends theirs, the plan goes on with the other one', async () => {
    const { first, id, told } = await doubled();
    await ask(first, 'cancel', { at: 'now' });
    await isApplied(told);
    const { plan, subscription } = await shop.workspace(first);
    assert.deepEqual([plan, subscription!.subscriptionId], ['PRO', id]);
  });

  test('who both pay: when the second ends theirs, it is no longer told that there are two', async () => {
    const { first, id, told } = await doubled();
    await shop.services.stripe.subscriptions.cancel(id);
    await isApplied(told);
    const { plan, subscription } = await shop.workspace(first);
    assert.equal(plan, 'PRO');
    assert.notEqual(subscription!.subscriptionId, id);
  });

  test('one of two workspaces, whose plans change at once: each gets its own', async () => {
    const one = await shop.customer();
    const two = { ...one, workspaceId: (await shop.customer()).workspaceId };
    await shop.subscribe(one, { plan: 'BASIC' });
    await shop.subscribe(two, { plan: 'PRO' });
    const answers = await Promise.all([
      ask(one, 'change', { plan: 'PRO', interval: 'month' }),
      ask(two, 'change', { plan: 'BASIC', interval: 'month' }),
    ]);
    assert.deepEqual(
      answers.map(({ status, body }) => [status, body.plan, body.pending?.plan]),
      [
        [200, 'PRO', undefined],
        [200, 'PRO', 'BASIC'],
      ],
    );
    await shop.advance(32);
    assert.deepEqual([(await shop.workspace(one)).plan, (await shop.workspace(two)).plan], ['PRO', 'BASIC']);
  });

  test('who takes their card away keeps the plan for its grace, and may pay again with another', async () => {
    const customer = await shop.customer();
    const { default_payment_method: card } = await shop.subscribe(customer, { plan: 'BASIC' });
    const { stripe } = shop.services;
    await stripe.paymentMethods.detach(String(card));
    const { status, body } = await ask(customer, 'change', { plan: 'PRO', interval: 'month' });
    assert.deepEqual([status, body.error.code], [402, 'payment_required']);
    await shop.advance(32);
    const { plan, subscription } = await shop.workspace(customer);
    assert.deepEqual([plan, subscription!.status], ['BASIC', 'PAST_DUE']);
    const { latest_invoice: invoice } = await stripe.subscriptions.retrieve(subscription!.subscriptionId);
    const { hosted_invoice_url: url } = await stripe.invoices.retrieve(String(invoice));
    await fetch(url!, {
      method: 'POST',
      body: new URLSearchParams({ pay_with: '4242424242424242' }),
      redirect: 'manual',
    });
    await shop.idle();
    assert.equal((await shop.workspace(customer)).subscription!.status, 'ACTIVE');
  });
});
