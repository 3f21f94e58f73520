import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type Stripe from 'stripe';
import { eventsSince, payer, refusalOf, useShop } from '../testing.ts';
import { discountAmounts } from './discounting.ts';

const START = '2027-01-01T00:00:00Z';

describe('what is taken off amounts', () => {
  const percent = (percent_off: number) => ({ amount_off: null, percent_off });
  const amount = (amount_off: number) => ({ amount_off, percent_off: null });
  for (const [what, amounts, coupons, taken] of [
    ['a quarter', [1000, 999], [percent(25)], [[250, 250]]],
    ['a third, with two decimals', [1000], [percent(33.33)], [[333]]],
    ['all', [1000], [percent(100)], [[1000]]],
    ['an amount, as far as it goes', [300, 500], [amount(400)], [[300, 100]]],
    ['more than there is', [300], [amount(400)], [[300]]],
    ['one after the other', [1000], [amount(200), percent(50)], [[200], [400]]],
    ['nothing of what is money back', [-500, 1000], [percent(10)], [[0, 100]]],
  ] as const) {
    test(what, () => assert.deepEqual(discountAmounts([...amounts], [...coupons]), taken));
  }
});

describe('a coupon', () => {
  for (const [duration, paid] of [
    [{ duration: 'once' }, [2250, 3000, 3000, 3000]],
    [{ duration: 'repeating', duration_in_months: 2 }, [2250, 2250, 3000, 3000]],
    [{ duration: 'forever' }, [2250, 2250, 2250, 2250]],
  ] as const) {
    test(`${duration.duration}: four months cost ${paid}`, async (t) => {
      const { moveTo, stripe, prices } = await useShop(t, START);
      const coupon = await stripe.coupons.create({ percent_off: 25, ...duration });
      const { id, discounts } = await stripe.subscriptions.create({
        customer: await payer(stripe),
        discounts: [{ coupon: coupon.id }],
        items: [{ price: prices.pro }],
        expand: ['discounts', 'latest_invoice'],
      });
      if (duration.duration !== 'once') {
        const [discount] = discounts as Stripe.Discount[];
        assert.deepEqual(discount?.source, { coupon: coupon.id, type: 'coupon' });
      }
      await stripe.coupons.del(coupon.id);
      moveTo('2027-04-02T00:00:00Z');
      const invoices = (await stripe.invoices.list({ subscription: id })).data.reverse();
      assert.deepEqual(
        invoices.map(({ amount_paid }) => amount_paid),
        paid,
      );
      assert.deepEqual(
        [invoices[0]?.subtotal, invoices[0]?.total, invoices[0]?.total_discount_amounts?.[0]?.amount],
        [3000, 2250, 750],
      );
    });
  }

  test('for all of it makes an invoice of nothing, which is paid', async (t) => {
    const { stripe, prices } = await useShop(t, START);
    const coupon = await stripe.coupons.create({ percent_off: 100, duration: 'forever' });
    const { id: customer } = await stripe.customers.create({});
    const subscription = await stripe.subscriptions.create({
      customer,
      discounts: [{ coupon: coupon.id }],
      items: [{ price: prices.pro }],
      expand: ['latest_invoice'],
    });
    const invoice = subscription.latest_invoice as Stripe.Invoice;
    assert.deepEqual([subscription.status, invoice.status, invoice.amount_paid], ['active', 'paid', 0]);
  });

  test('is in the prorations of a change', async (t) => {
    const { clock, stripe, prices } = await useShop(t, START);
    const coupon = await stripe.coupons.create({ percent_off: 50, duration: 'forever' });
    const { id, items } = await stripe.subscriptions.create({
      customer: await payer(stripe),
      discounts: [{ coupon: coupon.id }],
      items: [{ price: prices.basic }],
    });
    clock.set('2027-01-16T12:00:00Z');
    const after = await stripe.subscriptions.update(id, {
      items: [{ id: items.data[0]!.id, price: prices.pro }],
      proration_behavior: 'always_invoice',
      expand: ['latest_invoice'],
    });
    const invoice = after.latest_invoice as Stripe.Invoice;
    assert.deepEqual(
      invoice.lines.data.map(({ amount }) => amount),
      [-250, 750],
    );
    assert.deepEqual([invoice.total, invoice.amount_paid], [500, 500]);
  });

  test('is given by a code as often as it may be, and taken away again', async (t) => {
    const { simulator, stripe, prices } = await useShop(t, START);
    const coupon = await stripe.coupons.create({ percent_off: 10, duration: 'forever', max_redemptions: 1 });
    const code = await stripe.promotionCodes.create({
      code: 'SPRING',
      promotion: { type: 'coupon', coupon: coupon.id },
    });
    const found = await stripe.promotionCodes.list({ code: 'spring', active: true });
    assert.equal(found.data[0]?.id, code.id);
    const customer = await payer(stripe);
    const create = () =>
      stripe.subscriptions.create({
        customer,
        discounts: [{ promotion_code: code.id }],
        items: [{ price: prices.pro }],
      });
    const { id, discounts } = await create();
    assert.equal(discounts.length, 1);
    assert.equal((await refusalOf(create())).code, 'coupon_expired');
    assert.equal((await stripe.promotionCodes.retrieve(code.id)).times_redeemed, 1);
    assert.deepEqual((await stripe.subscriptions.update(id, { discounts: '' })).discounts, []);
    assert.ok(eventsSince(simulator, 0).includes('customer.discount.deleted'));
  });
});

describe('a session with a coupon', () => {
  for (const mode of ['payment', 'subscription'] as const) {
    test(`in mode ${mode} costs less`, async (t) => {
      const { simulator, stripe, prices } = await useShop(t, START);
      const coupon = await stripe.coupons.create({ amount_off: 500, currency: 'usd', duration: 'once' });
      const once = await stripe.prices.create({
        currency: 'usd',
        product_data: { name: 'Once' },
        unit_amount: 3000,
      });
      const session = await stripe.checkout.sessions.create({
        mode,
        discounts: [{ coupon: coupon.id }],
        line_items: [{ price: mode === 'payment' ? once.id : prices.pro, quantity: 1 }],
        success_url: 'http://shop.test',
      });
      assert.deepEqual(
        [session.amount_subtotal, session.amount_total, session.total_details?.amount_discount],
        [3000, 2500, 500],
      );
      const paid = simulator.pay(session.id);
      const [charge] = (await stripe.charges.list()).data;
      assert.deepEqual([paid.payment_status, charge?.amount], ['paid', 2500]);
      assert.equal((await stripe.coupons.retrieve(coupon.id)).times_redeemed, 1);
    });
  }
});

test('a coupon that says both, or neither, is refused', async (t) => {
  const { stripe } = await useShop(t, START);
  for (const params of [
    {},
    { amount_off: 5, currency: 'usd', percent_off: 5 },
    { amount_off: 5 },
    { percent_off: 101 },
    { percent_off: 5, duration: 'repeating' as const },
  ]) {
    assert.equal((await refusalOf(stripe.coupons.create(params))).statusCode, 400, JSON.stringify(params));
  }
});
