import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOf, useShop } from '../testing.ts';

const NOON = '2026-11-01T12:00:00Z';

test('a configuration says what a customer may do; what is not said is not allowed', async (t) => {
  const { simulator, stripe, prices } = await useShop(t, NOON);
  const { product } = await stripe.prices.retrieve(prices.pro);
  const made = await stripe.billingPortal.configurations.create({
    name: 'Shop',
    default_return_url: 'http://shop.test/account',
    business_profile: { headline: 'Your plan' },
    features: {
      payment_method_update: { enabled: true },
      subscription_cancel: { enabled: true, mode: 'immediately', proration_behavior: 'create_prorations' },
      subscription_pause: { enabled: true },
      subscription_update: {
        enabled: true,
        default_allowed_updates: ['price'],
        products: [{ product: String(product), prices: [prices.pro] }],
      },
    },
    metadata: { a: '1' },
  });
  assert.match(made.id, /^bpc_/);
  const { features } = made;
  assert.deepEqual(
    [
      features.invoice_history.enabled,
      features.subscription_cancel.mode,
      features.subscription_pause.enabled,
    ],
    [false, 'immediately', true],
  );
  assert.deepEqual(features.subscription_update.products, [
    {
      adjustable_quantity: { enabled: false, maximum: null, minimum: 1 },
      prices: [prices.pro],
      product: String(product),
    },
  ]);
  const changed = await stripe.billingPortal.configurations.update(made.id, {
    active: false,
    features: { subscription_cancel: { mode: 'at_period_end' }, subscription_update: { enabled: false } },
  });
  assert.deepEqual(
    [changed.active, changed.features.subscription_cancel.mode, changed.features.subscription_cancel.enabled],
    [false, 'at_period_end', true],
  );
  assert.deepEqual(await stripe.billingPortal.configurations.retrieve(made.id), changed);
  const inactive = await stripe.billingPortal.configurations.list({ active: false });
  assert.deepEqual(
    inactive.data.map(({ id }) => id),
    [made.id],
  );
  assert.deepEqual(
    simulator
      .events()
      .map(({ type }) => type)
      .slice(-2),
    ['billing_portal.configuration.created', 'billing_portal.configuration.updated'],
  );
});

test('a configuration that cannot work is refused', async (t) => {
  const { stripe, prices } = await useShop(t, NOON);
  const { product } = await stripe.prices.retrieve(prices.pro);
  const other = await stripe.prices.create({
    product: String(product),
    currency: 'usd',
    unit_amount: 4000,
    recurring: { interval: 'month' },
  });
  const offer = (products: { product: string; prices: string[] }[]) =>
    stripe.billingPortal.configurations.create({
      features: { subscription_update: { enabled: true, default_allowed_updates: ['price'], products } },
    });
  for (const [call, message] of [
    [
      stripe.billingPortal.configurations.create({ features: { customer_update: { enabled: true } } }),
      /Missing required param: features\[customer_update\]\[allowed_updates\]/,
    ],
    [offer([]), /Missing required param: features\[subscription_update\]\[products\]/],
    [offer([{ product: String(product), prices: [prices.basic] }]), /does not belong to the product/],
    [offer([{ product: String(product), prices: [prices.pro, other.id] }]), /different billing intervals/],
    [stripe.billingPortal.configurations.retrieve('bpc_none'), /No such configuration/],
  ] as const) {
    assert.match((await refusalOf(call)).message, message);
  }
});

test('a session without a configuration has the default one, which cannot be switched off', async (t) => {
  const { stripe } = await useShop(t, NOON);
  const { id: customer } = await stripe.customers.create({});
  const open = () => stripe.billingPortal.sessions.create({ customer, expand: ['configuration'] });
  const [first, second] = [await open(), await open()];
  assert.ok(typeof first.configuration === 'object' && typeof second.configuration === 'object');
  assert.equal(first.configuration.id, second.configuration.id);
  assert.equal(first.configuration.features.subscription_cancel.enabled, true);
  const { id } = first.configuration;
  const off = stripe.billingPortal.configurations.update(id, { active: false });
  assert.match((await refusalOf(off)).message, /cannot deactivate the default/);
  assert.equal((await stripe.billingPortal.configurations.list({ is_default: true })).data[0]?.id, id);
});
