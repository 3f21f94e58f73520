import type Stripe from 'stripe';
import type { PaymentServices } from '../payments/payments.ts';

export type StripeServices = PaymentServices & {
  stripe: Stripe;
  /** Whether the key moves real money: events and answers of the other mode are none of ours. */
  livemode: boolean;
  /** Told of what an operator should see. */
  report(message: string, error: unknown): void;
};
