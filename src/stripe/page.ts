import type Stripe from 'stripe';
import { Refusal } from '../lib/errors.ts';
import { abandonCheckout, awaitPayment, type Checkout } from '../payments/payments.ts';
import { ask } from './client.ts';
import { customerOf } from './customers.ts';
import type { StripeServices } from './services.ts';

/** Where the payer comes back to. */
export type ReturnUrls = { successUrl: string; cancelUrl: string };

export type Page = { id: string; url: string; expiresAt: Date };

/** What is particular to what is bought. */
export type Sale = {
  /** Stripe's integer that is to be paid on the page. */
  amount: number;
  session: Stripe.Checkout.SessionCreateParams;
};

/** What is sold. `metadata` says whose it is to whoever looks at Stripe's dashboard. */
export type SaleOf = (metadata: { checkoutId: string; workspaceId: string }) => Sale | Promise<Sale>;

/**
 * Makes the page of a checkout at Stripe and keeps it. The calls lie between transactions. Where they fail, the checkout
 * is FAILED and nothing is booked; nobody has seen a page that may have been made for it.
 */
export async function openPage(
  services: StripeServices,
  checkout: Checkout,
  urls: ReturnUrls,
  saleOf: SaleOf,
): Promise<Page> {
  const page = await makePage(services, checkout, urls, saleOf).catch(async (error) => {
    await abandonCheckout(services, checkout).catch((failure) =>
      services.report(`checkout ${checkout.id} stays open until it expires`, failure),
    );
    throw error;
  });
  await awaitPayment(services, checkout, page);
  return page;
}

async function makePage(
  services: StripeServices,
  checkout: Checkout,
  { successUrl, cancelUrl }: ReturnUrls,
  saleOf: SaleOf,
): Promise<Page> {
  const customer = await customerOf(services, checkout.payer);
  // What is granted never depends on it.
  const metadata = { checkoutId: checkout.id, workspaceId: checkout.workspaceId };
  const { amount, session: particulars } = await saleOf(metadata);
  const session = await ask(() =>
    services.stripe.checkout.sessions.create(
      {
        ...particulars,
        customer,
        client_reference_id: checkout.id,
        metadata,
        success_url: successUrl,
        cancel_url: cancelUrl,
      },
      { idempotencyKey: checkout.id },
    ),
  );
  return checked(session, checkout, amount, services.livemode);
}

/** An answer that is not what was asked for is an error, before anybody can pay on it. */
function checked(
  session: Stripe.Checkout.Session,
  checkout: Checkout,
  amount: number,
  livemode: boolean,
): Page {
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
