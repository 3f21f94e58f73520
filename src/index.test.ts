import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../test/database.ts';
import { sampleConfig } from '../test/fixtures/catalog.ts';
import { until } from '../test/shop.ts';
import { createTollgate, Refusal, type TollgateLibrary } from './index.ts';
import { type Simulator, startSimulator } from './simulator/simulator.ts';
import { createStripe } from './stripe/client.ts';

const SECRET = 'whsec_of_the_host';

suite('the library sells as the API does', () => {
  let database: TestDatabase;
  let simulator: Simulator;
  let tollgate: TollgateLibrary;
  // The host's own server, which hands webhooks on.
  const host = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const signature = request.headers['stripe-signature']?.toString();
    await tollgate.receiveStripeWebhook({ rawBody: Buffer.concat(chunks), signature }).then(
      () => response.writeHead(200).end(),
      () => response.writeHead(500).end(),
    );
  });

  before(async () => {
    database = await testDatabase();
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
    const { port } = host.address() as AddressInfo;
    simulator = await startSimulator({ webhooks: [{ url: `http://127.0.0.1:${port}`, secrets: [SECRET] }] });
    tollgate = await createTollgate({
      ...{ databaseUrl: database.url, catalog: sampleConfig() },
      stripe: { secretKey: 'sk_test_host', webhookSecrets: [SECRET], apiBase: simulator.url },
    });
    await tollgate.putWorkspace({ id: 'acme', name: 'Acme' });
  });
  after(async () => {
    await simulator.stop();
    await tollgate.close();
    await new Promise((resolve) => host.close(resolve));
    await database.drop();
  });

  const user = { userId: 'ada', email: 'ada@example.com' };
  const urls = { successUrl: 'https://host.test/ok', cancelUrl: 'https://host.test/no' };

  test('a plan is subscribed to, changed, ended and kept', async () => {
    const order = { workspaceId: 'acme', user, plan: 'BASIC', interval: 'month', ...urls } as const;
    const first = await tollgate.checkoutSubscription(order, { idempotencyKey: 'plan 1' });
    const again = await tollgate.checkoutSubscription(order, { idempotencyKey: 'plan 1' });
    assert.deepEqual(again, first);
    simulator.pay(first.sessionId);
    await until(async () => (await tollgate.getWorkspace('acme')).plan === 'BASIC');

    const to = { workspaceId: 'acme', plan: 'PRO', interval: 'month' } as const;
    assert.equal((await tollgate.previewSubscription(to)).change, 'upgrade');
    assert.equal((await tollgate.changeSubscription(to)).plan, 'PRO');
    const ending = await tollgate.cancelSubscription({ workspaceId: 'acme', at: 'period_end' });
    assert.equal(ending.cancelAt, ending.endDate);
    assert.equal((await tollgate.resumeSubscription({ workspaceId: 'acme' })).cancelAt, null);
    assert.match(
      (await tollgate.createPortal({ workspaceId: 'acme', user, returnUrl: urls.cancelUrl })).url,
      /^http/,
    );
    await assert.rejects(
      tollgate.checkoutSubscription(order),
      (error) => error instanceof Refusal && error.code === 'subscription_exists',
    );
  });

  test('a key that cannot be kept is refused, and holds up nobody', async () => {
    const grant = { workspaceId: 'acme', type: 'PROMOTION', amount: 10, description: 'Test' } as const;
    for (const idempotencyKey of ['', 'k'.repeat(256), 'half \ud800', 'nul \0']) {
      const refused = (error: unknown) =>
        error instanceof Refusal && error.code === 'invalid_request' && error.param === 'idempotencyKey';
      for (let time = 0; time < 2; time++)
        await assert.rejects(tollgate.grantCredits(grant, { idempotencyKey }), refused);
      const purchase = { workspaceId: 'acme', user, pack: 'small', ...urls };
      await assert.rejects(tollgate.checkoutCredits(purchase, { idempotencyKey }), refused);
    }
    assert.equal((await tollgate.getWorkspace('acme')).credit.balance, 0);
  });

  test('a change that could not be paid is refused again under its key', async () => {
    await tollgate.putWorkspace({ id: 'poor', name: 'Poor' });
    const stripe = createStripe({ secretKey: 'sk_test_dashboard', apiBase: simulator.url });
    const order = {
      workspaceId: 'poor',
      user: { userId: 'eve', email: 'eve@example.com' },
      plan: 'BASIC',
      interval: 'month',
      ...urls,
    } as const;
    const { sessionId } = await tollgate.checkoutSubscription(order);
    const { subscription } = simulator.pay(sessionId);
    await until(async () => (await tollgate.getWorkspace('poor')).plan === 'BASIC');
    const { default_payment_method: card } = await stripe.subscriptions.retrieve(String(subscription));
    simulator.setCard(String(card), 'insufficient_funds');
    const change = () =>
      tollgate.changeSubscription(
        { workspaceId: 'poor', plan: 'PRO', interval: 'month' },
        { idempotencyKey: 'poor 1' },
      );
    const isAsked = (error: unknown) => error instanceof Refusal && error.code === 'payment_required';
    await assert.rejects(change(), isAsked);
    await assert.rejects(change(), isAsked);
  });

  test('what is bought is granted, and refunded', async () => {
    const { sessionId } = await tollgate.checkoutCredits({
      workspaceId: 'acme',
      user,
      pack: 'small',
      ...urls,
    });
    simulator.pay(sessionId);
    await until(async () => (await tollgate.getWorkspace('acme')).credit.balance === 1000);
    const { rows } = await database.pool.query('select id from "Payment" where credits is not null');
    assert.equal((await tollgate.refundPayment({ id: rows[0].id })).refunded, 10);
    assert.equal((await tollgate.getWorkspace('acme')).credit.balance, 0);
    assert.equal((await tollgate.audit()).ok, true);
  });

  test('a wallet is kept topped up by a card that was saved', async () => {
    await tollgate.putWorkspace({ id: 'kept', name: 'Kept' });
    const of = { workspaceId: 'kept' };
    const { url } = await tollgate.checkoutCard({ ...of, user, ...urls });
    simulator.pay(url.split('/').at(-1)!);
    const settings = { threshold: 500, pack: 'small', monthlyMax: 10 };
    await tollgate.putAutoTopUp({ ...of, user, ...settings });
    await until(async () => (await tollgate.getWorkspace('kept')).credit.balance === 1000);
    await until(async () => (await tollgate.getAutoTopUp(of)).status === 'READY');
    assert.equal((await tollgate.getAutoTopUp(of)).spentThisMonth, 10);
    await assert.rejects(
      tollgate.openAutoTopUpPage({ ...of, ...urls }),
      (error) => error instanceof Refusal && error.code === 'nothing_to_pay',
    );
    await tollgate.deleteAutoTopUp(of);
    await assert.rejects(tollgate.getAutoTopUp(of), (error) => error instanceof Refusal);
  });
});
