import { randomInt } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Prefixes and lengths as Stripe makes them, so that nothing comes to rely on another shape. */
const FORMS = {
  customer: ['cus_', 14],
  product: ['prod_', 14],
  price: ['price_1', 23],
  session: ['cs_test_a1', 58],
  lineItem: ['li_1', 23],
  intent: ['pi_3', 23],
  setup: ['seti_1', 23],
  charge: ['ch_3', 23],
  refund: ['re_3', 23],
  dispute: ['dp_1', 23],
  transaction: ['txn_1', 23],
  paymentMethod: ['pm_1', 23],
  subscription: ['sub_1', 23],
  subscriptionItem: ['si_', 14],
  schedule: ['sub_sched_1', 23],
  invoice: ['in_1', 23],
  invoiceLine: ['il_1', 23],
  invoiceItem: ['ii_1', 23],
  invoicePayment: ['inpay_1', 23],
  testClock: ['clock_1', 23],
  discount: ['di_1', 23],
  promotionCode: ['promo_1', 23],
  portalConfiguration: ['bpc_1', 23],
  portalSession: ['bps_1', 23],
  event: ['evt_1', 23],
  endpoint: ['we_1', 23],
  secret: ['whsec_', 32],
  request: ['req_', 14],
} as const;

export function makeId(kind: keyof typeof FORMS): string {
  const [prefix, length] = FORMS[kind];
  return prefix + randomText(length);
}

export function randomText(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}
