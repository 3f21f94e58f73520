import { toUnits } from '../lib/amounts.ts';
import { toStripeAmount } from '../lib/currencies.ts';
import { nameOf, openCheckout, type PurchaseInput } from '../payments/payments.ts';
import { openPage, type ReturnUrls } from './page.ts';
import type { StripeServices } from './services.ts';

export type CheckoutInput = PurchaseInput & ReturnUrls;

export type CreatedCheckout = {
  id: string;
  /** The page to pay on. */
  url: string;
  status: 'OPEN';
  workspaceId: string;
  paymentUserId: string;
  sessionId: string;
  pack: string | null;
  amount: number;
  currency: string;
  credits: number;
  expiresAt: string;
};

/** Begins a purchase of credits: an open checkout here, a page to pay on at Stripe, a pending payment. */
export async function createCheckout(
  services: StripeServices,
  input: CheckoutInput,
): Promise<CreatedCheckout> {
  const { buys, ...checkout } = await openCheckout(services, input);
  const amount = toStripeAmount(checkout.currency, checkout.amount);
  const page = await openPage(services, { ...checkout, buys }, input, (metadata) => ({
    amount,
    session: {
      mode: 'payment',
      payment_intent_data: { metadata },
      line_items: [
        {
          quantity: 1,
          price_data: {
            currency: checkout.currency,
            unit_amount: amount,
            product_data: { name: nameOf(services.catalog, buys) },
          },
        },
      ],
    },
  }));
  return {
    id: checkout.id,
    url: page.url,
    status: 'OPEN',
    workspaceId: checkout.workspaceId,
    paymentUserId: checkout.payer.id,
    sessionId: page.id,
    pack: buys.pack,
    amount: toUnits(checkout.amount),
    currency: checkout.currency,
    credits: toUnits(buys.credits),
    expiresAt: page.expiresAt.toISOString(),
  };
}
