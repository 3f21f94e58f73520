import type Stripe from 'stripe';
import { invalid, noSuch } from '../api/errors.ts';
import { listing, paginate } from '../api/lists.ts';
import { changeMetadata, metadata } from '../api/metadata.ts';
import {
  boolean,
  clearable,
  created,
  definedOf,
  type Field,
  group,
  integer,
  oneOf,
  type Params,
  required,
  text,
} from '../api/params.ts';
import { emit, previousOf } from '../events.ts';
import { makeId, randomText } from '../ids.ts';
import { liveCustomer } from '../livingCustomers.ts';
import { currency } from '../prices.ts';
import { idOf } from '../references.ts';
import { nowSeconds, type World } from '../world.ts';

export const couponFields = {
  amount_off: integer({ min: 1 }),
  currency: currency(),
  duration: oneOf('forever', 'once', 'repeating'),
  duration_in_months: integer({ min: 1 }),
  id: text(),
  max_redemptions: integer({ min: 1 }),
  metadata: metadata(),
  name: text(40),
  percent_off: percentage(),
  redeem_by: integer(),
};

/** Up to a hundred, with two decimals. */
function percentage(): Field<number | undefined> {
  return (value, param) => {
    if (value === undefined) return undefined;
    const number = typeof value === 'string' && /^\d{1,3}(\.\d{1,2})?$/.test(value) ? Number(value) : 0;
    if (number > 0 && number <= 100) return number;
    throw invalid('Invalid percent_off: must be above 0 and at most 100, with two decimals.', { param });
  };
}

export function createCoupon(world: World, params: Params<typeof couponFields>): Stripe.Coupon {
  const { amount_off: amount, percent_off: percent, duration = 'once', duration_in_months: months } = params;
  if ((amount === undefined) === (percent === undefined)) {
    throw invalid('You must pass either percent_off or amount_off.', { param: 'percent_off' });
  }
  if ((amount === undefined) !== (params.currency === undefined)) {
    throw invalid('You must pass currency with amount_off, and only with it.', { param: 'currency' });
  }
  if ((duration === 'repeating') !== (months !== undefined)) {
    throw invalid('You must pass duration_in_months for a repeating coupon, and only for one.', {
      param: 'duration_in_months',
    });
  }
  const id = params.id ?? randomText(8);
  if (world.store.get('coupon', id) !== undefined) {
    throw invalid('Coupon already exists.', { code: 'resource_already_exists', param: 'id' });
  }
  const coupon: Stripe.Coupon = {
    id,
    object: 'coupon',
    amount_off: amount ?? null,
    created: nowSeconds(world),
    currency: params.currency ?? null,
    duration,
    duration_in_months: months ?? null,
    livemode: false,
    max_redemptions: params.max_redemptions ?? null,
    metadata: changeMetadata({}, params.metadata),
    name: params.name ?? null,
    percent_off: percent ?? null,
    redeem_by: params.redeem_by ?? null,
    times_redeemed: 0,
    valid: true,
  };
  world.store.put('coupon', coupon);
  emit(world, { type: 'coupon.created', data: { object: coupon } });
  return coupon;
}

export const couponChanges = { metadata: metadata(), name: clearable(text(40)) };

export function updateCoupon(world: World, params: Params<typeof couponChanges>, id: string): Stripe.Coupon {
  const before = findCoupon(world, id);
  const after: Stripe.Coupon = {
    ...before,
    ...definedOf({ name: params.name }),
    metadata: changeMetadata(before.metadata ?? {}, params.metadata),
  };
  world.store.put('coupon', after);
  const data = { object: after, previous_attributes: previousOf(before, after) };
  emit(world, { type: 'coupon.updated', data });
  return after;
}

/** Nobody gets it any more; whoever has it keeps it. */
export function deleteCoupon(world: World, _params: unknown, id: string): Stripe.DeletedCoupon {
  const coupon = findCoupon(world, id);
  world.store.drop('coupon', id);
  emit(world, { type: 'coupon.deleted', data: { object: coupon } });
  return { id, object: 'coupon', deleted: true };
}

export function retrieveCoupon(world: World, _params: unknown, id: string): Stripe.Coupon {
  return findCoupon(world, id);
}

export const couponListing = { ...listing, created: created() };

export function listCoupons(
  world: World,
  params: Params<typeof couponListing>,
): Stripe.ApiList<Stripe.Coupon> {
  return paginate(
    world.store.all('coupon'),
    '/v1/coupons',
    params,
    'coupon',
    (coupon) => params.created === undefined || params.created(coupon.created),
  );
}

export function findCoupon(world: World, id: string, param = 'id'): Stripe.Coupon {
  const coupon = world.store.get('coupon', id);
  if (coupon === undefined) throw noSuch('coupon', id, param);
  return coupon;
}

/** Whether it can still be had. */
export function requireValid(world: World, coupon: Stripe.Coupon, param: string): void {
  const { redeem_by: last, valid } = coupon;
  if (valid && (last === null || last > nowSeconds(world))) return;
  throw invalid('This coupon is expired.', { code: 'coupon_expired', param });
}

/** One more has it, by the coupon itself or by a code. */
export function countRedemption(
  world: World,
  coupon: Stripe.Coupon | undefined,
  code: Stripe.PromotionCode | null | undefined,
): void {
  if (coupon !== undefined) {
    const times = coupon.times_redeemed + 1;
    const valid = coupon.max_redemptions === null || times < coupon.max_redemptions;
    world.store.put('coupon', { ...coupon, times_redeemed: times, valid });
  }
  if (code === null || code === undefined) return;
  world.store.put('promotionCode', { ...code, times_redeemed: code.times_redeemed + 1 });
}

export const codeFields = {
  active: boolean(),
  code: text(500),
  customer: text(),
  expires_at: integer(),
  max_redemptions: integer({ min: 1 }),
  metadata: metadata(),
  promotion: required(group({ coupon: required(text()), type: required(oneOf('coupon')) })),
};

/** A word for a coupon, that a customer can type. */
export function createCode(world: World, params: Params<typeof codeFields>): Stripe.PromotionCode {
  const coupon = findCoupon(world, params.promotion.coupon, 'promotion[coupon]');
  const code = params.code ?? randomText(8).toUpperCase();
  for (const other of world.store.all('promotionCode')) {
    if (other.active && other.code.toLowerCase() === code.toLowerCase()) {
      throw invalid('An active promotion code with the same code already exists.', { param: 'code' });
    }
  }
  const made: Stripe.PromotionCode = {
    id: makeId('promotionCode'),
    object: 'promotion_code',
    active: params.active ?? true,
    code,
    created: nowSeconds(world),
    customer: params.customer === undefined ? null : liveCustomer(world, params.customer, 'customer').id,
    customer_account: null,
    expires_at: params.expires_at ?? null,
    livemode: false,
    max_redemptions: params.max_redemptions ?? null,
    metadata: changeMetadata({}, params.metadata),
    promotion: { coupon: coupon.id, type: 'coupon' },
    restrictions: {
      first_time_transaction: false,
      minimum_amount: null,
      minimum_amount_currency: null,
    },
    times_redeemed: 0,
  };
  world.store.put('promotionCode', made);
  emit(world, { type: 'promotion_code.created', data: { object: made } });
  return made;
}

export const codeChanges = { active: boolean(), metadata: metadata() };

export function updateCode(
  world: World,
  params: Params<typeof codeChanges>,
  id: string,
): Stripe.PromotionCode {
  const before = findCode(world, id);
  const after: Stripe.PromotionCode = {
    ...before,
    ...definedOf({ active: params.active }),
    metadata: changeMetadata(before.metadata ?? {}, params.metadata),
  };
  world.store.put('promotionCode', after);
  const data = { object: after, previous_attributes: previousOf(before, after) };
  emit(world, { type: 'promotion_code.updated', data });
  return after;
}

export function retrieveCode(world: World, _params: unknown, id: string): Stripe.PromotionCode {
  return findCode(world, id);
}

export function findCode(world: World, id: string, param = 'id'): Stripe.PromotionCode {
  const code = world.store.get('promotionCode', id);
  if (code === undefined) throw noSuch('promotion code', id, param);
  return code;
}

export const codeListing = {
  ...listing,
  active: boolean(),
  code: text(),
  coupon: text(),
  created: created(),
  customer: text(),
};

export function listCodes(
  world: World,
  params: Params<typeof codeListing>,
): Stripe.ApiList<Stripe.PromotionCode> {
  const { active, code, coupon, created: within, customer } = params;
  return paginate(
    world.store.all('promotionCode'),
    '/v1/promotion_codes',
    params,
    'promotion code',
    (row) => {
      if (active !== undefined && row.active !== active) return false;
      if (code !== undefined && row.code.toLowerCase() !== code.toLowerCase()) return false;
      if (coupon !== undefined && idOf(row.promotion.coupon) !== coupon) return false;
      if (within !== undefined && !within(row.created)) return false;
      return customer === undefined || row.customer === customer;
    },
  );
}
