import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../../../test/fixtures/catalog.ts';
import { type Customer, openShop, type Shop } from '../../../test/shop.ts';

suite('in the portal', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  async function portalOf({ workspaceId, user }: Customer): Promise<string> {
    const { status, body } = await shop.post('/v1/portal', {
      ...{ workspaceId, user, returnUrl: 'https://shop.test/account' },
    });
    assert.equal(status, 200, JSON.stringify(body));
    return body.url;
  }

  /** Sends a form of the page, as a person would. */
  async function act(url: string, form: Record<string, string>): Promise<void> {
    const { status } = await fetch(url, {
      ...{ method: 'POST', redirect: 'manual', body: new URLSearchParams(form) },
    });
    assert(status < 400, `${status}`);
    await shop.idle();
  }

  async function priceOf(key: string): Promise<string> {
    const { data } = await shop.services.stripe.prices.list({ lookup_keys: [key] });
    return data[0]!.id;
  }

  test('a better plan is had at once, and its difference is paid', async () => {
    const customer = await shop.customer();
    const { id } = await shop.subscribe(customer, { plan: 'BASIC' });
    const url = await portalOf(customer);
    await act(url, { act: 'switch', subscription: id, price: await priceOf('tollgate_PRO_month_usd') });
    const { plan, credit, subscription } = await shop.workspace(customer);
    assert.deepEqual([plan, credit.balance, subscription!.pending], ['PRO', 500, null]);
  });

  test('a smaller plan is had when the period ends', async () => {
    const customer = await shop.customer();
    const { id } = await shop.subscribe(customer);
    const url = await portalOf(customer);
    await act(url, { act: 'switch', subscription: id, price: await priceOf('tollgate_BASIC_month_usd') });
    const { plan, subscription } = await shop.workspace(customer);
    assert.equal(plan, 'PRO');
    assert.deepEqual(subscription!.pending, { plan: 'BASIC', interval: 'month', at: subscription!.endDate });
    await shop.advance(31);
    assert.equal((await shop.workspace(customer)).plan, 'BASIC');
  });

  test('an end is asked for and given up', async () => {
    const customer = await shop.customer();
    const { id } = await shop.subscribe(customer);
    const url = await portalOf(customer);
    await act(url, { act: 'cancel', subscription: id });
    const { plan, subscription } = await shop.workspace(customer);
    assert.deepEqual([plan, subscription!.cancelAt], ['PRO', subscription!.endDate]);
    await act(url, { act: 'keep', subscription: id });
    assert.equal((await shop.workspace(customer)).subscription!.cancelAt, null);
  });

  test('prices are those of the currency that the workspace pays in', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer, { currency: 'jpy' });
    await portalOf(customer);
    const { data } = await shop.services.stripe.billingPortal.configurations.list({
      ...{ limit: 100, expand: ['data.features.subscription_update.products'] },
    });
    const yen = await priceOf('tollgate_PRO_month_jpy');
    const offered = data.map(({ features }) =>
      (features.subscription_update.products ?? []).flatMap(({ prices }) => prices),
    );
    assert.equal(offered.filter((prices) => prices.includes(yen)).length, 1);
  });

  test('fifty who open it make one configuration for a catalog', async () => {
    const customer = await shop.customer();
    await Promise.all(Array.from({ length: 50 }, () => portalOf(customer)));
    const { data } = await shop.services.stripe.billingPortal.configurations.list({ limit: 100 });
    assert.equal(new Set(data.map(({ metadata }) => metadata?.tollgate)).size, data.length);
  });
});
