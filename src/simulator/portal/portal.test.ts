import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type Stripe from 'stripe';
import { payer, refusalOf, useShop } from '../testing.ts';

const NOON = '2026-11-01T12:00:00Z';

type Features = Stripe.BillingPortal.ConfigurationCreateParams.Features;

/** A customer with a monthly plan, and the portal's page of that customer. */
async function usePortal(t: TestContext, features: Features = {}, card?: string) {
  const shop = await useShop(t, NOON);
  const { stripe, prices } = shop;
  const customer = await payer(stripe, card);
  const subscription = await stripe.subscriptions.create({ customer, items: [{ price: prices.basic }] });
  const { product } = await stripe.prices.retrieve(prices.pro);
  const configuration = await stripe.billingPortal.configurations.create({
    features: {
      customer_update: { enabled: true, allowed_updates: ['email'] },
      invoice_history: { enabled: true },
      payment_method_update: { enabled: true },
      subscription_cancel: { enabled: true },
      subscription_update: {
        enabled: true,
        default_allowed_updates: ['price'],
        products: [{ product: String(product), prices: [prices.pro] }],
        proration_behavior: 'always_invoice',
      },
      ...features,
    },
  });
  const open = (flow_data?: Stripe.BillingPortal.SessionCreateParams.FlowData) =>
    stripe.billingPortal.sessions.create({
      configuration: configuration.id,
      customer,
      return_url: 'http://shop.test/account',
      ...(flow_data === undefined ? {} : { flow_data }),
    });
  const { url } = await open();
  const send = (fields: Record<string, string>, to = url) =>
    fetch(to, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' });
  const read = () => stripe.subscriptions.retrieve(subscription.id);
  return { ...shop, customer, open, read, send, subscription: subscription.id, url };
}

test('the page shows the plan, the card, the invoices and the way back', async (t) => {
  const { url } = await usePortal(t);
  const html = await (await fetch(url)).text();
  for (const part of [
    'Basic',
    '$10.00 each month',
    'Renews on Dec 1, 2026',
    'Pro, $30.00 each month',
    'visa •••• 4242',
    'Cancel at the end',
    'Nov 1, 2026, paid',
    'http://shop.test/account',
  ]) {
    assert.ok(html.includes(part), part);
  }
});

test('a plan is canceled at its end, kept, and canceled again with a reason', async (t) => {
  const { read, send, subscription, url } = await usePortal(t);
  const done = await send({ act: 'cancel', subscription });
  assert.deepEqual([done.status, done.headers.get('location')], [303, url]);
  assert.equal((await read()).cancel_at_period_end, true);
  assert.match(await (await fetch(url)).text(), /Ends on Dec 1, 2026/);
  await send({ act: 'keep', subscription });
  assert.equal((await read()).cancel_at_period_end, false);
  await send({ act: 'cancel', subscription, feedback: 'too_expensive' });
  assert.equal((await read()).cancellation_details?.feedback, 'too_expensive');
});

test('a plan is canceled at once where the configuration says so', async (t) => {
  const { read, send, subscription, url } = await usePortal(t, {
    subscription_cancel: { enabled: true, mode: 'immediately' },
  });
  await send({ act: 'cancel', subscription });
  assert.equal((await read()).status, 'canceled');
  assert.match(await (await fetch(url)).text(), /There is no subscription/);
});

test('a plan is switched to an offered price, and the rest of the month is paid at once', async (t) => {
  const { prices, read, send, stripe, subscription, customer } = await usePortal(t);
  assert.equal((await send({ act: 'switch', subscription, price: prices.yearly })).status, 400);
  assert.equal((await send({ act: 'switch', subscription, price: prices.pro })).status, 303);
  const after = await read();
  assert.equal(after.items.data[0]?.price.id, prices.pro);
  const [invoice] = (await stripe.invoices.list({ customer })).data;
  assert.deepEqual([invoice?.billing_reason, invoice?.status], ['subscription_update', 'paid']);
});

test('a switch whose payment fails waits for it', async (t) => {
  const { customer, prices, read, send, simulator, stripe, subscription } = await usePortal(t);
  const [method] = (await stripe.customers.listPaymentMethods(customer)).data;
  simulator.setCard(method!.id, 'insufficient_funds');
  const declined = await send({ act: 'switch', subscription, price: prices.pro });
  assert.equal(declined.status, 402);
  assert.match(await declined.text(), /role="alert">The payment did not go through/);
  const after = await read();
  assert.equal(after.items.data[0]?.price.id, prices.basic);
  assert.notEqual(after.pending_update, null);
});

test('a card is replaced: by a good one, not by a declined one, and by one that is confirmed', async (t) => {
  const { customer, send, stripe, url } = await usePortal(t);
  const cardOf = async () => {
    const read = await stripe.customers.retrieve(customer, {
      expand: ['invoice_settings.default_payment_method'],
    });
    assert.ok(read.deleted !== true);
    const method = read.invoice_settings.default_payment_method;
    return typeof method === 'object' ? method?.card?.last4 : undefined;
  };
  assert.equal((await send({ act: 'save_card', card: '5555555555554444' })).status, 303);
  assert.equal(await cardOf(), '4444');
  const declined = await send({ act: 'save_card', card: '4000000000000069' });
  assert.deepEqual([declined.status, await cardOf()], [402, '4444']);
  const asked = await send({ act: 'save_card', card: '4000002500003155' });
  const bank = asked.headers.get('location') ?? '';
  assert.match(bank, /\/c\/3ds\/seti_/);
  assert.equal(await cardOf(), '4444');
  const back = await send({ answer: 'succeed' }, bank);
  assert.ok(back.headers.get('location')?.startsWith(url));
  assert.equal(await cardOf(), '3155');
});

test('a subscription with a card of its own gets the new one', async (t) => {
  const { customer, read, send, stripe, subscription } = await usePortal(t);
  const [old] = (await stripe.customers.listPaymentMethods(customer)).data;
  await stripe.subscriptions.update(subscription, { default_payment_method: old!.id });
  await send({ act: 'save_card', card: '378282246310005' });
  const [card] = (await stripe.customers.listPaymentMethods(customer)).data;
  assert.equal((await read()).default_payment_method, card?.id);
});

test('details are changed where they may be; pauses where they are offered', async (t) => {
  const { customer, read, send, stripe, subscription } = await usePortal(t, {
    subscription_pause: { enabled: true },
  });
  assert.equal((await send({ act: 'save_details', email: 'new@example.com' })).status, 303);
  const changed = await stripe.customers.retrieve(customer);
  assert.ok(changed.deleted !== true && changed.email === 'new@example.com');
  assert.equal((await send({ act: 'save_details', name: 'Ada' })).status, 400);
  await send({ act: 'pause', subscription });
  assert.equal((await read()).status, 'paused');
  await send({ act: 'resume', subscription });
  assert.equal((await read()).status, 'active');
});

test('what the configuration does not offer is refused, and not shown', async (t) => {
  const { customer, send, subscription, url, stripe } = await usePortal(t, {
    payment_method_update: { enabled: false },
    subscription_cancel: { enabled: false },
  });
  const html = await (await fetch(url)).text();
  assert.ok(!html.includes('save_card') && !html.includes('value="cancel"'));
  for (const act of ['save_card', 'cancel', 'keep', 'pause']) {
    assert.equal((await send({ act, subscription, card: '4242424242424242' })).status, 400, act);
  }
  const other = await payer(stripe);
  assert.notEqual(other, customer);
  const { url: foreign } = await stripe.billingPortal.sessions.create({ customer: other });
  assert.equal((await send({ act: 'cancel', subscription }, foreign)).status, 400);
});

test('a flow leads to one thing, and then back to the shop', async (t) => {
  const { open, prices, read, send, subscription } = await usePortal(t);
  const redirect = { type: 'redirect', redirect: { return_url: 'http://shop.test/done' } } as const;
  const { items } = await read();
  const session = await open({
    type: 'subscription_update_confirm',
    subscription_update_confirm: { subscription, items: [{ id: items.data[0]!.id, price: prices.pro }] },
    after_completion: redirect,
  });
  assert.equal(session.flow?.subscription_update_confirm?.items[0]?.price, prices.pro);
  const html = await (await fetch(session.url)).text();
  assert.ok(html.includes('Confirm') && !html.includes('save_card') && !html.includes('value="cancel"'));
  const done = await send({ act: 'switch', subscription, price: prices.pro }, session.url);
  assert.equal(done.headers.get('location'), 'http://shop.test/done');
  const said = await open({
    type: 'subscription_cancel',
    subscription_cancel: { subscription },
    after_completion: {
      type: 'hosted_confirmation',
      hosted_confirmation: { custom_message: 'Bye & thanks' },
    },
  });
  assert.match(await (await send({ act: 'cancel', subscription }, said.url)).text(), /Bye &amp; thanks/);
});

test('sessions that cannot be, and pages whose time is over, are told', async (t) => {
  const { clock, open, stripe, subscription, url } = await usePortal(t, {
    payment_method_update: { enabled: false },
  });
  for (const [call, message] of [
    [open({ type: 'payment_method_update' }), /`payment_method_update` is disabled/],
    [open({ type: 'subscription_cancel' }), /Missing required param: flow_data\[subscription_cancel\]/],
    [
      open({ type: 'subscription_cancel', subscription_cancel: { subscription: 'sub_none' } }),
      /No such subscription/,
    ],
    [
      open({
        type: 'subscription_cancel',
        subscription_cancel: { subscription },
        subscription_update: { subscription },
      }),
      /does not belong to a flow/,
    ],
    [stripe.billingPortal.sessions.create({ customer: 'cus_none' }), /No such customer/],
  ] as const) {
    assert.match((await refusalOf(call)).message, message);
  }
  clock.set('2026-11-01T13:00:00Z');
  assert.equal((await fetch(url)).status, 404);
});
