import type { Name } from '../store.ts';

/** Which ids in the objects of Billing can be expanded, by `object`. */
export const BILLING_EXPANDABLE: Record<string, Record<string, Name | null>> = {
  subscription: {
    customer: 'customer',
    default_payment_method: 'paymentMethod',
    default_source: null,
    discounts: 'discount',
    latest_invoice: 'invoice',
    pending_setup_intent: null,
    schedule: 'schedule',
    test_clock: 'testClock',
  },
  subscription_schedule: {
    customer: 'customer',
    released_subscription: null,
    subscription: 'subscription',
    test_clock: 'testClock',
  },
  'subscription_schedule.phases': { default_payment_method: 'paymentMethod' },
  'subscription_schedule.phases.items': { plan: null, price: 'price' },
  invoice: {
    customer: 'customer',
    default_payment_method: 'paymentMethod',
    discounts: 'discount',
    latest_revision: null,
    test_clock: 'testClock',
  },
  'invoice.parent.subscription_details': { subscription: 'subscription' },
  invoice_payment: { invoice: 'invoice' },
  'invoice_payment.payment': { payment_intent: 'intent' },
  discount: { customer: 'customer', promotion_code: 'promotionCode' },
  'discount.source': { coupon: 'coupon' },
  promotion_code: { customer: 'customer' },
  'promotion_code.promotion': { coupon: 'coupon' },
  'invoice.total_discount_amounts': { discount: 'discount' },
  'checkout.session.discounts': { coupon: 'coupon', promotion_code: 'promotionCode' },
  invoiceitem: { customer: 'customer', invoice: 'invoice', test_clock: 'testClock' },
  'invoiceitem.pricing.price_details': { price: 'price' },
  line_item: { subscription: 'subscription' },
  'line_item.pricing.price_details': { price: 'price' },
};
