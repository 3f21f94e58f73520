import type { Pause } from './types.ts';

/** Why a bank said no, in the provider's words; `advice` is what it says of trying again. */
export type Decline = { code: string; advice: string | null };

/** The pauses after declines of one card, one after the other; after the last one nothing is tried any more. */
const PAUSES_HOURS = [1, 6, 24, 72];
const HOUR_MS = 3_600_000;

const NEEDS_HOLDER = 'authentication_required';

/**
 * Declines that another try does not change: the card is gone, blocked or wrong, or was never right for this. All others,
 * those that are not known too, may pass later. https://docs.stripe.com/declines/codes
 */
const HARD = new Set([
  'card_not_supported',
  'currency_not_supported',
  'do_not_try_again',
  'expired_card',
  'fraudulent',
  'incorrect_address',
  'incorrect_cvc',
  'incorrect_number',
  'incorrect_pin',
  'incorrect_zip',
  'invalid_account',
  'invalid_cvc',
  'invalid_expiry_month',
  'invalid_expiry_year',
  'invalid_number',
  'invalid_pin',
  'lost_card',
  'merchant_blacklist',
  'new_account_information_available',
  'no_card',
  'not_permitted',
  'offline_pin_required',
  'online_or_offline_pin_required',
  'pickup_card',
  'pin_try_exceeded',
  'restricted_card',
  'revocation_of_all_authorizations',
  'revocation_of_authorization',
  'security_violation',
  'service_not_allowed',
  'stolen_card',
  'stop_payment_order',
  'testmode_decline',
  'transaction_not_allowed',
]);

/** What the provider advises of cards that are not to be tried again as they are. */
const HARD_ADVICE = new Set(['do_not_try_again', 'confirm_card_data']);

/** What follows from a decline. `declines`: how many there were with it, one after the other. */
export function afterDecline({ code, advice }: Decline, declines: number, now: Date): Pause {
  if (code === NEEDS_HOLDER) return { status: 'ACTION_REQUIRED', why: code, nextTryAt: null };
  const hours = PAUSES_HOURS[declines - 1];
  const isHard = HARD.has(code) || (advice !== null && HARD_ADVICE.has(advice));
  if (isHard || hours === undefined) return { status: 'STOPPED', why: code, nextTryAt: null };
  return { status: 'BACKING_OFF', why: code, nextTryAt: new Date(now.getTime() + hours * HOUR_MS) };
}

export const MONTH_SPENT = 'monthly_max_reached';
export const NOT_SOLD = 'pack_not_sold';
export const DISPUTED = 'disputed';

/** Whether another card may change it. */
export function isAboutCard(why: string | null): boolean {
  return why !== null && why !== MONTH_SPENT && why !== NOT_SOLD && why !== DISPUTED;
}

/** The calendar month, in UTC, that a moment lies in. */
export function monthOf(now: Date): { start: Date; end: Date } {
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  return { start: new Date(Date.UTC(year, month)), end: new Date(Date.UTC(year, month + 1)) };
}
