import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../../../test/fixtures/catalog.ts';
import { booksOf, type Customer, openShop, orderOf, type Shop, until } from '../../../test/shop.ts';
import { rereadCheckouts } from '../../jobs/tasks.ts';
import { commit } from '../change.ts';
import { readSubscriptions } from './reading.ts';

const PATH = '/v1/checkout/subscription';
const PRO = { plan: 'PRO', interval: 'month' };

suite('a page to subscribe on', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  const order = (customer: Customer, more: object = PRO, headers?: Record<string, string>) =>
    shop.post(PATH, orderOf(customer, more), headers);

  /** The pages that can still be paid on. */
  async function openPagesOf(sessionIds: string[]): Promise<string[]> {
    const sessions = await Promise.all(
      sessionIds.map((id) => shop.services.stripe.checkout.sessions.retrieve(id)),
    );
    return sessions.filter(({ status }) => status === 'open').map(({ id }) => id);
  }

  for (const [what, more, param] of [
    ['a plan that is free', { plan: 'FREE', interval: 'month' }, 'plan'],
    ['a plan by contact', { plan: 'ENTERPRISE', interval: 'month' }, 'plan'],
    ['a plan that there is not', { plan: 'GOLD', interval: 'month' }, 'plan'],
    ['no plan', { interval: 'month' }, 'plan'],
    ['another interval', { plan: 'PRO', interval: 'week' }, 'interval'],
    ['a currency that it is not sold in', { ...PRO, currency: 'eur' }, 'currency'],
    ['half a day of trial', { ...PRO, trialDays: 0.5 }, 'trialDays'],
    ['a trial of three years', { ...PRO, trialDays: 1000 }, 'trialDays'],
    ['a quantity', { ...PRO, quantity: 2 }, 'quantity'],
  ] as const) {
    test(`of ${what} is refused, naming ${param}, and nothing is asked of Stripe`, async () => {
      const customer = await shop.customer();
      const calls = shop.wire.calls.length;
      const { status, body } = await order(customer, more);
      assert.deepEqual([status, body.error.code, body.error.param], [400, 'invalid_request', param]);
      assert.equal(shop.wire.calls.length, calls);
      assert.deepEqual((await booksOf(shop, customer.workspaceId)).checkouts, []);
    });
  }

  test('ten at once for a workspace: one stays open, and it is one that was answered', async () => {
    const customer = await shop.customer();
    const answers = await Promise.all(Array.from({ length: 10 }, () => order(customer)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    await shop.idle();
    const open = await openPagesOf(answers.map(({ body }) => body.sessionId));
    assert.equal(open.length, 1);
    assert.deepEqual(shop.reports, []);
    shop.simulator.pay(open[0]!);
    await shop.idle();
    const { plan, credit } = await shop.workspace(customer);
    assert.deepEqual([plan, credit.balance], ['PRO', 500]);
  });

  test('a later one closes those before', async () => {
    const customer = await shop.customer();
    const [first, second] = [await order(customer), await order(customer, { ...PRO, plan: 'BASIC' })];
    const open = await openPagesOf([first.body.sessionId, second.body.sessionId]);
    assert.deepEqual(open, [second.body.sessionId]);
    await shop.idle();
    assert.deepEqual((await booksOf(shop, customer.workspaceId)).checkouts, ['EXPIRED', 'OPEN']);
  });

  test('of a workspace that has a subscription is refused, whoever pays; of one that had, it is not', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer);
    const { user } = await shop.customer();
    for (const payer of [customer.user, user]) {
      const { status, body } = await order({ ...customer, user: payer });
      assert.deepEqual([status, body.error.code], [409, 'subscription_exists']);
    }
    await shop.post(`/v1/subscriptions/${customer.workspaceId}/cancel`, { at: 'now' });
    assert.equal((await order(customer)).status, 201);
  });

  test('under the same key is the same page; another one under it is refused', async () => {
    const customer = await shop.customer();
    const key = { 'idempotency-key': `plan-${customer.workspaceId}` };
    const answers = await Promise.all(Array.from({ length: 5 }, () => order(customer, PRO, key)));
    for (const { body } of answers) assert.deepEqual(body, answers[0]!.body);
    const other = await order(customer, { ...PRO, interval: 'year' }, key);
    assert.deepEqual([other.status, other.body.error.code], [409, 'idempotency_conflict']);
  });

  test('a card that is declined begins nothing, and a good one then does', async () => {
    const customer = await shop.customer();
    const { body } = await order(customer);
    shop.simulator.decline(body.sessionId);
    await shop.idle();
    assert.equal((await shop.workspace(customer)).plan, 'FREE');
    shop.simulator.pay(body.sessionId);
    await shop.idle();
    assert.equal((await shop.workspace(customer)).plan, 'PRO');
  });

  test('two that are paid all the same: the first counts, and somebody is told of the second', async () => {
    const customer = await shop.customer();
    const { id: first, customer: payer, items } = await shop.subscribe(customer);
    shop.reports.length = 0;
    const second = await shop.services.stripe.subscriptions.create({
      customer: String(payer),
      items: [{ price: items.data[0]!.price.id }],
      default_payment_method: (await shop.services.stripe.paymentMethods.list({ customer: String(payer) }))
        .data[0]!.id,
      metadata: { workspaceId: customer.workspaceId },
    });
    await shop.idle();
    const kept = await shop.workspace(customer);
    assert.deepEqual([kept.subscription!.subscriptionId, kept.credit.balance], [first, 500]);
    // It is told once its event is closed.
    await until(() => /more than one subscription that is paid/.test(shop.reports.join()));
    // Without the first, the second counts.
    await shop.services.stripe.subscriptions.cancel(first);
    await shop.idle();
    const after = await shop.workspace(customer);
    assert.deepEqual([after.plan, after.subscription!.subscriptionId], ['PRO', second.id]);
  });

  test('two that are paid are told also by a reading that is late: a later one may have told nobody', async () => {
    const customer = await shop.customer();
    const { customer: payer, items, default_payment_method: card } = await shop.subscribe(customer);
    await shop.services.stripe.subscriptions.create({
      customer: String(payer),
      items: [{ price: items.data[0]!.price.id }],
      default_payment_method: String(card),
      metadata: { workspaceId: customer.workspaceId },
    });
    const late = await readSubscriptions(shop.services, String(payer));
    await commit(shop.services, await readSubscriptions(shop.services, String(payer)));
    const verdict = await commit(shop.services, late);
    assert.equal(verdict.status, 'FAILED');
    await shop.idle();
  });

  test('whose webhooks are all lost is found by looking', async (t) => {
    const deaf = await openShop({ catalog: planCatalog(), withoutWebhooks: true, withoutJobs: true });
    t.after(() => deaf.close());
    const customer = await deaf.customer();
    const { body } = await deaf.post(PATH, orderOf(customer, PRO));
    deaf.simulator.pay(body.sessionId);
    deaf.clock.offsetMs += 61_000;
    await rereadCheckouts(deaf.services);
    const { plan, credit } = await deaf.workspace(customer);
    assert.deepEqual([plan, credit.balance], ['PRO', 500]);
  });

  test('after another one was paid, of which nobody has told: that is booked, and it is refused and closed', async (t) => {
    const deaf = await openShop({ catalog: planCatalog(), withoutWebhooks: true, withoutJobs: true });
    t.after(() => deaf.close());
    const customer = await deaf.customer();
    const { body: first } = await deaf.post(PATH, orderOf(customer, PRO));
    deaf.simulator.pay(first.sessionId);
    const { status, body } = await deaf.post(PATH, orderOf(customer, PRO));
    assert.deepEqual([status, body.error?.code], [409, 'subscription_exists']);
    const { plan, credit } = await deaf.workspace(customer);
    assert.deepEqual([plan, credit.balance], ['PRO', 500]);
    const { data } = await deaf.services.stripe.checkout.sessions.list();
    assert.deepEqual(data.map((session) => session.status).sort(), ['complete', 'expired']);
  });
});
