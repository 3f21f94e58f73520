import { toUnits } from '../lib/amounts.ts';
import { toStripeAmount } from '../lib/currencies.ts';
import {
  type BuysCredits,
  type Checkout,
  nameOf,
  openCheckout,
  type PurchaseInput,
} from '../payments/payments.ts';
import { keepsToppedUp } from '../topups/topups.ts';
import { openPage, type ReturnUrls, type SaleOf } from './page.ts';
import type { StripeServices } from './services.ts';

/** `saveCard`: the card is to be charged again while its holder is away. */
export type CheckoutInput = PurchaseInput & ReturnUrls & { saveCard?: boolean | undefined };

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
  const checkout = await openCheckout(services, input);
  const savesCard = input.saveCard === true || (await keepsToppedUp(services, checkout));
  const page = await openPage(services, checkout, input, creditsSale(services, checkout, { savesCard }));
  const { buys } = checkout;
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

/** Credits, paid at once. A card that is saved can pay for top-ups later. */
export function creditsSale(
  { catalog }: Pick<StripeServices, 'catalog'>,
  { amount, currency, buys }: Checkout<BuysCredits>,
  { savesCard, cardsOnly = false }: { savesCard: boolean; cardsOnly?: boolean },
): SaleOf {
  const integer = toStripeAmount(currency, amount);
  return (metadata) => ({
    amount: integer,
    session: {
      mode: 'payment',
      ...(cardsOnly ? { allowed_payment_method_types: ['card'] } : {}),
      payment_intent_data: { metadata, ...(savesCard ? { setup_future_usage: 'off_session' } : {}) },
      line_items: [
        {
          quantity: 1,
          price_data: {
            currency,
            unit_amount: integer,
            product_data: { name: nameOf(catalog, buys) },
          },
        },
      ],
    },
  });
}
