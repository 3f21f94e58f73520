import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type Stripe from 'stripe';
import { planCatalog } from '../../test/fixtures/catalog.ts';
import { type Customer, openShop, orderOf, type Shop } from '../../test/shop.ts';
import { pushCatalog } from './catalog/push.ts';

let shop: Shop;
before(async () => {
  shop = await openShop({ catalog: planCatalog() });
});
after(() => shop.close());

type Method = 'POST' | 'DELETE';

/** Lets the next call that matches meet a 500 which its key brings again and again. */
const FAILURES: [string, (shop: Shop, method: Method, path: string) => void][] = [
  [
    'after it was done',
    (shop, method, path) =>
      shop.simulator.setFaults({
        next: [{ method, path, fault: 'server_error', when: 'after' }],
      }),
  ],
  [
    'before it was done',
    (shop, method, path) =>
      shop.wire.fail(new RegExp(`^${method} ${path.replaceAll('*', '.*')}$`), {
        status: 500,
        headers: { 'stripe-should-retry': 'false' },
      }),
  ],
];

async function subscriber(): Promise<{ customer: Customer; subscription: Stripe.Subscription }> {
  const customer = await shop.customer();
  return { customer, subscription: await shop.subscribe(customer, { plan: 'BASIC' }) };
}

/** A verb that a failure of Stripe's must neither hold up nor double. */
const VERBS: Record<string, (fail: (method: Method, path: string) => void) => Promise<void>> = {
  'a payer’s customer': async (fail) => {
    const customer = await shop.customer();
    fail('POST', '/v1/customers');
    await shop.checkout(customer);
    const { data } = await shop.services.stripe.customers.list({ email: customer.user.email });
    assert.equal(data.length, 1);
  },
  'a refund': async (fail) => {
    const { id, intent } = await shop.buy(await shop.customer());
    fail('POST', '/v1/refunds');
    const { status, body } = await shop.post(`/v1/payments/${id}/refund`, { amount: 4 });
    assert.deepEqual([status, body.refunded], [200, 4]);
    const { data } = await shop.services.stripe.refunds.list({ payment_intent: intent });
    assert.deepEqual(
      data.map(({ amount }) => amount),
      [400],
    );
  },
  'an upgrade': async (fail) => {
    const { customer, subscription } = await subscriber();
    fail('POST', '/v1/subscriptions/*');
    await change(customer, 'PRO');
    const { data } = await shop.services.stripe.invoices.list({ subscription: subscription.id });
    assert.equal(data.length, 2);
    assert.equal((await shop.workspace(customer)).plan, 'PRO');
  },
  'the schedule of a downgrade': async (fail) => {
    const customer = await shop.customer();
    await shop.subscribe(customer);
    fail('POST', '/v1/subscription_schedules');
    assert.equal((await change(customer, 'BASIC')).pending.plan, 'BASIC');
  },
  'the phases of a downgrade': async (fail) => {
    const customer = await shop.customer();
    await shop.subscribe(customer);
    fail('POST', '/v1/subscription_schedules/*');
    assert.equal((await change(customer, 'BASIC')).pending.plan, 'BASIC');
  },
  'a downgrade that is given up': async (fail) => {
    const customer = await shop.customer();
    await shop.subscribe(customer);
    await change(customer, 'BASIC');
    fail('POST', '/v1/subscription_schedules/*/release');
    assert.equal((await change(customer, 'PRO')).pending, null);
  },
  'an end that is asked for, and given up': async (fail) => {
    const { customer } = await subscriber();
    const path = `/v1/subscriptions/${customer.workspaceId}`;
    fail('POST', '/v1/subscriptions/*');
    const canceled = await shop.post(`${path}/cancel`, { at: 'period_end' });
    assert.notEqual(canceled.body.cancelAt, null);
    fail('POST', '/v1/subscriptions/*');
    const resumed = await shop.post(`${path}/resume`, {});
    assert.equal(resumed.body.cancelAt, null);
  },
  'an end at once': async (fail) => {
    const { customer } = await subscriber();
    fail('DELETE', '/v1/subscriptions/*');
    const cancel = () => shop.post(`/v1/subscriptions/${customer.workspaceId}/cancel`, { at: 'now' });
    const first = await cancel(); // Stripe keeps no key for it: where nothing was done, the same can be asked again
    const { status, body } = first.status === 503 ? await cancel() : first;
    assert.deepEqual([status, body.status], [200, 'CANCELED']);
  },
};

async function change({ workspaceId }: Customer, plan: string) {
  const { status, body } = await shop.post(`/v1/subscriptions/${workspaceId}/change`, {
    plan,
    interval: 'month',
  });
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

suite('a failure that Stripe keeps for its key', () => {
  for (const [verb, run] of Object.entries(VERBS)) {
    for (const [when, fail] of FAILURES)
      test(`holds nobody up, and doubles nothing: ${verb}, ${when}`, () =>
        run((method, path) => fail(shop, method, path)));
  }
});

for (const [when, fail] of FAILURES) {
  test(`what the portal offers and the catalog sells is there after a failure that is kept, ${when}`, async (t) => {
    const other = await openShop({ catalog: planCatalog() });
    t.after(() => other.close());
    for (const path of ['/v1/products', '/v1/prices']) fail(other, 'POST', path);
    await pushCatalog(other.services.stripe, other.services.catalog, { say: () => {} });
    fail(other, 'POST', '/v1/billing_portal/configurations');
    const customer = await other.customer();
    const { status, body } = await other.post('/v1/portal', { ...customer, returnUrl: 'https://shop.test/' });
    assert.equal(status, 200, JSON.stringify(body));
    const { data } = await other.services.stripe.billingPortal.configurations.list({ active: true });
    assert.equal(data.length, 1);
    const prices = await other.services.stripe.prices.list({ limit: 100 });
    const keys = prices.data.map((price) => price.lookup_key);
    assert.equal(new Set(keys).size, keys.length);
  });
}

test('a customer whose answer was lost is found when its key is forgotten', async () => {
  const customer = await shop.customer();
  const order = orderOf(customer, { pack: 'small' });
  const lost = { fault: 'cut', when: 'after', times: 20 } as const;
  shop.simulator.setFaults({ next: [{ method: 'POST', path: '/v1/customers', ...lost }] });
  assert.equal((await shop.post('/v1/checkout/credits', order)).status, 503);
  shop.simulator.setFaults();
  await shop.advance(2);
  await shop.checkout(customer);
  const { data } = await shop.services.stripe.customers.list({ email: customer.user.email });
  assert.equal(data.length, 1);
});

test('a customer that was deleted within the day is replaced at the next checkout', async () => {
  const customer = await shop.customer();
  await shop.buy(customer);
  const { data } = await shop.services.stripe.customers.list({ email: customer.user.email });
  await shop.services.stripe.customers.del(data[0]!.id);
  await shop.idle();
  await shop.buy(customer);
  const order = orderOf(customer, { pack: 'small' });
  assert.equal((await shop.post('/v1/checkout/credits', order)).status, 201);
});
