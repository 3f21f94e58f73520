import { openPayer, type PurchaseInput } from '../../payments/payments.ts';
import { oddAnswer } from '../catalog/found.ts';
import { ask } from '../client.ts';
import { customerOf } from '../customers.ts';
import type { ReturnUrls } from '../page.ts';
import type { StripeServices } from '../services.ts';

export type CardPageInput = Pick<PurchaseInput, 'workspaceId' | 'user'> & ReturnUrls;

export type CardPage = { url: string; expiresAt: string };

/** Stripe's page on which a payer saves a card, and pays nothing. That it is saved arrives as a webhook. */
export async function createCardPage(
  services: StripeServices,
  { successUrl, cancelUrl, ...input }: CardPageInput,
): Promise<CardPage> {
  const payer = await openPayer(services, input);
  const customer = await customerOf(services, payer);
  const {
    object,
    mode,
    url,
    expires_at: expiresAt,
  } = await ask(() =>
    services.stripe.checkout.sessions.create({
      mode: 'setup',
      customer,
      allowed_payment_method_types: ['card'],
      success_url: successUrl,
      cancel_url: cancelUrl,
    }),
  );
  if (object !== 'checkout.session' || mode !== 'setup' || typeof url !== 'string')
    throw oddAnswer('the page');
  return { url, expiresAt: new Date(expiresAt * 1000).toISOString() };
}
