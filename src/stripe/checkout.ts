import type Stripe from 'stripe';
import { toUnits } from '../lib/amounts.ts';
import { toStripeAmount } from '../lib/currencies.ts';
import { Refusal } from '../lib/errors.ts';
import {
  abandonCheckout,
  awaitPayment,
  type Checkout,
  nameOf,
  openCheckout,
  type PurchaseInput,
} from '../payments/payments.ts';
import { ask } from './client.ts';
import { customerOf } from './customers.ts';
import type { StripeServices } from './services.ts';

export type CheckoutInput = PurchaseInput & { successUrl: string; cancelUrl: string };

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

/**
 * Begins a purchase of credits: an open checkout here, a page to pay on at Stripe, a pending payment. The calls to
 * Stripe lie between the transactions. Where they fail, the checkout is FAILED and nothing is booked; nobody has seen
 * a page that may have been made for it.
 */
export async function createCheckout(
  services: StripeServices,
  input: CheckoutInput,
): Promise<CreatedCheckout> {
  const checkout = await openCheckout(services, input);
  const session = await openSession(services, checkout, input).catch(async (error) => {
    await abandonCheckout(services, checkout).catch((failure) =>
      services.report(`checkout ${checkout.id} stays open until it expires`, failure),
    );
    throw error;
  });
  await awaitPayment(services, checkout, session);
  return {
    id: checkout.id,
    url: session.url,
    status: 'OPEN',
    workspaceId: checkout.workspaceId,
    paymentUserId: checkout.payer.id,
    sessionId: session.id,
    pack: checkout.pack,
    amount: toUnits(checkout.amount),
    currency: checkout.currency,
    credits: toUnits(checkout.credits),
    expiresAt: session.expiresAt.toISOString(),
  };
}

type OpenSession = { id: string; url: string; expiresAt: Date };

async function openSession(
  services: StripeServices,
  checkout: Checkout,
  { successUrl, cancelUrl }: CheckoutInput,
): Promise<OpenSession> {
  const customer = await customerOf(services, checkout.payer);
  const amount = toStripeAmount(checkout.currency, checkout.amount);
  // For whoever looks at Stripe's dashboard. What is granted never depends on it.
  const metadata = { checkoutId: checkout.id, workspaceId: checkout.workspaceId };
  const session = await ask(() =>
    services.stripe.checkout.sessions.create(
      {
        mode: 'payment',
        customer,
        client_reference_id: checkout.id,
        metadata,
        payment_intent_data: { metadata },
        line_items: [
          {
            quantity: 1,
            price_data: {
              currency: checkout.currency,
              unit_amount: amount,
              product_data: { name: nameOf(services.catalog, checkout) },
            },
          },
        ],
        success_url: successUrl,
        cancel_url: cancelUrl,
      },
      { idempotencyKey: checkout.id },
    ),
  );
  return checked(session, { checkout, amount, livemode: services.livemode });
}

/** An answer that is not what was asked for is an error, before anybody can pay on it. */
function checked(
  session: Stripe.Checkout.Session,
  { checkout, amount, livemode }: { checkout: Checkout; amount: number; livemode: boolean },
): OpenSession {
  const { id, url, expires_at: expiresAt } = session;
  const isAsked =
    session.object === 'checkout.session' &&
    session.client_reference_id === checkout.id &&
    session.amount_total === amount &&
    session.currency === checkout.currency &&
    session.livemode === livemode;
  if (isAsked && typeof id === 'string' && typeof url === 'string' && Number.isSafeInteger(expiresAt)) {
    return { id, url, expiresAt: new Date(expiresAt * 1000) };
  }
  throw new Refusal(
    'provider_error',
    'Stripe answered with something else than the payment page that was asked for; nothing was booked.',
  );
}
